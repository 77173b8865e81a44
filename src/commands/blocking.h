#pragma once

// Blocking: what the blocking commands share.

#include <cstdint>
#include <optional>
#include <string_view>

#include "src/command.h"

namespace hearth {

// How long a command may block: seconds with a fraction, 0 = for ever. On nullopt the error is
// written.
std::optional<int64_t> ReadTimeoutMs(std::string_view argument, int64_t now_ms, Reply& reply);

}  // namespace hearth
