#pragma once

// What the commands on the expiry of hash fields share: their times, and how they name fields.
//
//   fields = FIELDS count field...
//
// Thread: any; pure functions.
// Errors: a function that takes a Reply has written the error when it fails.

#include <cstdint>
#include <optional>
#include <string_view>

#include "src/command.h"
#include "src/commands/lifetime.h"

namespace hearth {

// The unix time in ms that text says when counted from base_ms (0 for an absolute time).
std::optional<int64_t> ReadFieldTimeMs(std::string_view text, TimeUnit unit, int64_t base_ms,
                                       std::string_view command, Reply& reply);
// The same of a lifetime. Requires: lifetime.has_time().
std::optional<int64_t> ReadFieldLifetimeMs(const Lifetime& lifetime, int64_t now_ms,
                                           std::string_view command, Reply& reply);

// The names of the fields, which are all of args. count_error: of a count that is none.
bool ReadFields(const Args& args, std::string_view count_error, Args* names, Reply& reply);
inline constexpr std::string_view kErrFieldCount =
    "ERR Number of fields must be a positive integer";

}  // namespace hearth
