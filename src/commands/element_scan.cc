// Tested by tests/src/commands/sorted_set_sample_test.cc, set_test.cc and hash_test.cc there.
#include "src/commands/element_scan.h"

#include <algorithm>
#include <string>

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

bool ReadScanOptions(const Args& args, ElementScan* scan, Reply& reply, bool no_values_allowed) {
  for (size_t index = 3; index < args.size(); ++index) {
    const std::string_view word = args[index];
    const bool has_value = index + 1 < args.size();
    if (no_values_allowed && IsWord(word, "NOVALUES")) {
      scan->no_values = true;
      continue;
    }
    if (has_value && IsWord(word, "COUNT")) {
      const auto count = ReadInteger(args[++index], reply);
      if (!count) return false;
      if (*count >= 1) {
        scan->count = std::min(static_cast<size_t>(*count), kScanCountMax);
        continue;
      }
    } else if (has_value && IsWord(word, "MATCH")) {
      scan->pattern = args[++index];
      continue;
    }
    reply.Error(kErrSyntax);
    return false;
  }
  return true;
}

void ReplyScan(uint64_t cursor, const std::vector<std::string_view>& found, Reply& reply) {
  reply.Array(2);
  reply.Bulk(std::to_string(cursor));
  reply.Array(found.size());
  for (const std::string_view item : found) reply.Bulk(item);
}

}  // namespace hearth
