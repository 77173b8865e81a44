#pragma once

// ElementScan: the arguments of HSCAN, SSCAN and ZSCAN.
//
//   key cursor [MATCH pattern] [COUNT count]
//
// Limits: at most kScanCountMax elements are looked at in one call, whatever COUNT says.

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "src/command.h"

namespace hearth {

struct ElementScan {
  uint64_t cursor = 0;
  size_t count = 10;
  std::string_view pattern = "*";

  bool Accepts(std::string_view element) const;
};

// args[2]. False after an error reply, here and below.
bool ReadScanCursor(std::string_view text, ElementScan* scan, Reply& reply);
// From args[3] on. Redis does not look at them when the key is absent.
bool ReadScanOptions(const Args& args, ElementScan* scan, Reply& reply);

}  // namespace hearth
