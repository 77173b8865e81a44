// Tested by tests/engine/quiet_flush_test.cc.
#include "engine/quiet_flush.h"

namespace hearth {
namespace {

// Parts of a memtable.
constexpr uint64_t kWorthIt = 8;
constexpr uint64_t kQuietGrowth = 64;

}  // namespace

void QuietFlush::Tick() {
  const uint64_t before = seen_bytes_;
  seen_bytes_ = store_.IntProperty(rocksdb::DB::Properties::kCurSizeActiveMemTable);
  const uint64_t full = store_.options().write_buffer_size_bytes;
  // A smaller one is another one.
  if (seen_bytes_ < full / kWorthIt || seen_bytes_ < before) return;
  if (seen_bytes_ - before >= full / kQuietGrowth) return;
  ++flush_count_;
  (void)store_.Flush(/*wait=*/false);  // the next write finds what is wrong
}

}  // namespace hearth
