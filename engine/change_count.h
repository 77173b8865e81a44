#pragma once

// ChangeCount: how many changes a command makes in INFO's eyes (rdb_changes_since_last_save), where
// Redis counts neither keys nor rows but elements.
//
// Thread:   its Tx's.
// Lifetime: within its Tx; declared before the objects that make the changes.

#include <cstdint>

#include "engine/tx.h"

namespace hearth {

class ChangeCount {
 public:
  explicit ChangeCount(Tx& tx) : tx_(tx), before_(tx.counted_changes()) {}
  ~ChangeCount() {
    if (is_told_) tx_.uncounted_ = tx_.change_count_ - (before_ + count_);
  }
  ChangeCount(const ChangeCount&) = delete;
  ChangeCount& operator=(const ChangeCount&) = delete;

  // Never called: what the Tx itself has counted.
  void Is(uint64_t count) {
    count_ = count;
    is_told_ = true;
  }
  // Those who watch the key, or keep a copy, are told although nothing was changed.
  void Touch(std::string_view key) { tx_.NoteChanged(KeyRef(tx_.db(), key)); }

 private:
  Tx& tx_;
  const uint64_t before_;
  uint64_t count_ = 0;
  bool is_told_ = false;
};

}  // namespace hearth
