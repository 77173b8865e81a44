// Tested by tests/src/commands/sorted_set_pop_test.cc.
#include "src/commands/blocking.h"

#include <cmath>

#include "src/numbers.h"

namespace hearth {

std::optional<int64_t> ReadTimeoutMs(std::string_view argument, int64_t now_ms, Reply& reply) {
  const auto seconds = ParseLongDouble(argument);
  if (!seconds) {
    reply.Error("ERR timeout is not a float or out of range");
    return std::nullopt;
  }
  const long double ms = std::ceil(*seconds * 1000);
  if (ms < 0) {
    reply.Error("ERR timeout is negative");
    return std::nullopt;
  }
  if (ms > static_cast<long double>(INT64_MAX - now_ms)) {
    reply.Error("ERR timeout is out of range");
    return std::nullopt;
  }
  return static_cast<int64_t>(ms);
}

}  // namespace hearth
