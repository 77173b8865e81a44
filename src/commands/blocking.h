#pragma once

// Blocking: what the blocking commands share.

#include <cstdint>
#include <string_view>

#include "src/command.h"

namespace hearth {

// A timeout in seconds, with a fraction, as *timeout_ms (rounded up; 0 = for ever). False after an
// error reply.
bool ReadTimeout(std::string_view text, int64_t now_ms, int64_t* timeout_ms, Reply& reply);

}  // namespace hearth
