#pragma once

// The kernel's out-of-memory score of this process, as oom-score-adj asks for it.
//
// Each role has a value of its own; there is no child that would take the third. What the score was
// when the directive was set to other than "no" comes back with "no", and is what relative values
// are added to.
//
// Thread: any.
// Errors: the text for CONFIG SET; what the kernel refused stands in the log.

#include <string>

namespace hearth {

class Config;

// Writes the score that the configuration and the role ask for. Not touched: "no" and never set, or
// values that CheckOomScores refuses.
[[nodiscard]] std::string ApplyOomScore(const Config& config, bool is_replica);

// Why the words of oom-score-adj-values can't be taken; empty when they can.
[[nodiscard]] std::string CheckOomScores(const std::string& text);

}  // namespace hearth
