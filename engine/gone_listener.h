#pragma once

// GoneListener: who is told of what goes without a command: keys and hash fields whose time has
// come.
//
// Thread:   that of the Tx that deletes; told within it, its locks held, just before its rows are
//           logged.
// Lifetime: longer than every Tx that may tell it. The views die with the call.

#include <cstdint>
#include <span>
#include <string_view>

namespace hearth {

class Tx;

class GoneListener {
 public:
  virtual ~GoneListener() = default;
  virtual void OnKeyGone(Tx& tx, uint32_t db, std::string_view key) = 0;
  // The key itself may be gone too, with its last field: OnKeyGone is not called for it then.
  virtual void OnFieldsGone(Tx& tx, std::string_view key,
                            std::span<const std::string_view> fields) = 0;
};

}  // namespace hearth
