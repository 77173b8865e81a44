#pragma once

// ElementScan: the arguments and the reply that HSCAN, SSCAN and ZSCAN share.
//
//   scan = NAME key cursor { MATCH pattern | COUNT count | NOVALUES }
//
// A packed collection is answered as a whole, whatever COUNT says; of a spread one a cursor is a
// hash of its elements: it needs no state on the server and holds over restarts.
//
// Errors: a function that takes a Reply has written the error when it fails.

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "src/command.h"

namespace hearth {

struct ElementScan {
  uint64_t cursor = 0;
  size_t count = 10;
  std::optional<std::string_view> pattern = std::nullopt;
  bool no_values = false;

  bool Accepts(std::string_view element) const;
};

// Reads the cursor: Redis looks at it before the key.
bool ReadScanCursor(const Args& args, ElementScan* scan, Reply& reply);
// Reads the options: Redis looks at them when the key is there.
bool ReadScanOptions(const Args& args, bool no_values_allowed, ElementScan* scan, Reply& reply);

// The next cursor, and an array of what was found.
void ReplyScan(uint64_t cursor, const std::vector<std::string_view>& found, Reply& reply);

}  // namespace hearth
