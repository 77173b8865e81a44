#pragma once

// RedisText: the small text languages of Redis: glob patterns, quoted words, amounts of memory.
//
// Thread: any; pure functions.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace hearth {

// Redis' glob: * ? [abc] [^a] [a-z] and backslash. Runs in O(pattern * text) at the worst and
// without recursion, whatever the pattern.
bool GlobMatch(std::string_view pattern, std::string_view text, bool nocase = false);

// Splits a line into words; "..." with \xHH \n \r \t \b \a escapes, '...' with \'. nullopt when
// quotes are not closed or not followed by a space.
std::optional<std::vector<std::string>> SplitWords(std::string_view line);

// A word as SplitWords reads it back; quoted when it must be.
std::string QuoteWord(std::string_view word);

// Appends the text in quotes, as Redis shows arguments: \n \r \t \a \b \" \\ and \xHH.
void AppendQuoted(std::string_view text, std::string* out);

// Words with a space between them.
std::string JoinWords(const std::vector<std::string>& words);

// "100", "1k" (1000), "1kb" (1024), "5mb", "1g", "1gb", in any case. In bytes.
std::optional<int64_t> ParseMemory(std::string_view text);

std::string ToLower(std::string_view text);

}  // namespace hearth
