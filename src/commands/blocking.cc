// Tested by tests/src/commands/sorted_set_pop_test.cc.
#include "src/commands/blocking.h"

#include <cmath>

#include "src/numbers.h"

namespace hearth {

bool ReadTimeout(std::string_view text, int64_t now_ms, int64_t* timeout_ms, Reply& reply) {
  const auto seconds = ParseLongDouble(text);
  const long double ms = seconds ? std::ceil(*seconds * 1000) : 0;
  if (!seconds) {
    reply.Error("ERR timeout is not a float or out of range");
  } else if (ms < 0) {
    reply.Error("ERR timeout is negative");
  } else if (ms > static_cast<long double>(INT64_MAX - now_ms)) {
    reply.Error("ERR timeout is out of range");
  } else {
    *timeout_ms = static_cast<int64_t>(ms);
    return true;
  }
  return false;
}

}  // namespace hearth
