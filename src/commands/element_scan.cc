// Tested by tests/src/commands/sorted_set_sample_test.cc.
#include "src/commands/element_scan.h"

#include <algorithm>

#include "src/commands/groups.h"
#include "src/commands/walk.h"
#include "src/errors.h"
#include "src/numbers.h"
#include "src/redis_text.h"

namespace hearth {

bool ElementScan::Accepts(std::string_view element) const {
  return pattern == "*" || GlobMatch(pattern, element);
}

bool ReadScanCursor(std::string_view text, ElementScan* scan, Reply& reply) {
  const auto cursor = ParseScanCursor(text);
  if (cursor) {
    scan->cursor = *cursor;
  } else {
    reply.Error("ERR invalid cursor");
  }
  return cursor.has_value();
}

bool ReadScanOptions(const Args& args, ElementScan* scan, Reply& reply) {
  for (size_t index = 3; index < args.size(); index += 2) {
    const bool has_value = index + 1 < args.size();
    if (has_value && IsWord(args[index], "COUNT")) {
      const auto count = ReadInteger(args[index + 1], reply);
      if (!count) return false;
      if (*count >= 1) {
        scan->count = std::min(static_cast<size_t>(*count), kScanCountMax);
        continue;
      }
    } else if (has_value && IsWord(args[index], "MATCH")) {
      scan->pattern = args[index + 1];
      continue;
    }
    reply.Error(kErrSyntax);
    return false;
  }
  return true;
}

}  // namespace hearth
