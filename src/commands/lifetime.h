#pragma once

// Lifetime: the words and numbers by which commands say how long a key lives.
//
//   lifetime = EX seconds | PX milliseconds | EXAT unix-seconds | PXAT unix-milliseconds
//            | KEEPTTL | PERSIST
//
// Thread: any; pure functions.
// Errors: a function that takes a Reply has written the error when it fails.
// Limits: times are checked against 64 bits before they are multiplied or added.

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

#include "src/command.h"

namespace hearth {

enum class TimeUnit : uint8_t { kSeconds, kMilliseconds };
enum class TimeSign : uint8_t { kAny, kPositive };

// The wall clock time in ms that text, an amount of unit, says when counted from base_ms (0 for an
// absolute time). command is the lower case name for the error text.
std::optional<int64_t> ReadTimeMs(std::string_view text, TimeUnit unit, TimeSign sign,
                                  int64_t base_ms, std::string_view command, Reply& reply);

struct Lifetime {
  enum class Kind : uint8_t { kUnsaid, kKeep, kPersist, kEx, kPx, kExAt, kPxAt };

  Kind kind = Kind::kUnsaid;
  std::string_view time = {};  // the number of kEx to kPxAt, not yet looked at

  bool has_time() const { return kind >= Kind::kEx; }
  // Of the time.
  TimeUnit unit() const {
    return kind == Kind::kEx || kind == Kind::kExAt ? TimeUnit::kSeconds : TimeUnit::kMilliseconds;
  }
  bool is_absolute() const { return kind == Kind::kExAt || kind == Kind::kPxAt; }
};

// Takes the option at args[*index] and leaves *index at its last word. False when there is no
// such option there, or one of another kind was taken before.
bool TakeLifetime(const Args& args, size_t* index, Lifetime* lifetime);

// The wall clock time in ms that a lifetime says. Requires: lifetime.has_time().
std::optional<int64_t> ReadLifetimeMs(const Lifetime& lifetime, int64_t now_ms,
                                      std::string_view command, Reply& reply);

}  // namespace hearth
