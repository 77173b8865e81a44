#pragma once

// CollectionLimits: where collections change their form; Redis' directives and one of ours.
//
// Thread: relaxed atomics, set by CONFIG SET, read by every change.

#include <atomic>
#include <cstdint>

namespace hearth {

// Measured with hashes of 40 fields, 800 bytes: packed they take 0.43 of the memory, a read 0.4 of
// the time and a write 1.4 times that of spread ones.
inline constexpr uint32_t kPackedSizeMaxUsual = 1024;

// Where a walk over all bytes costs what a look-up in a table and its cache misses do not.
inline constexpr uint32_t kSmallSizeMaxUsual = 8192;

// Of fewer rows each is deleted by itself, and a cold one is read whole whatever is asked of it.
inline constexpr uint32_t kFewRowsMaxUsual = 512;

struct CollectionLimits {
  // A collection whose packed bytes exceed this is spread over rows of its own. A change of a
  // packed collection logs all of it, a change of a spread one its element.
  std::atomic<uint32_t> packed_size_max{kPackedSizeMaxUsual};
  // A spread hash, set or sorted set is one buffer in memory up to this size. At most
  // kSmallSizeMaxUsual.
  std::atomic<uint32_t> small_size_max{kSmallSizeMaxUsual};
  std::atomic<uint32_t> few_rows_max{kFewRowsMaxUsual};

  // Redis' thresholds: they decide what OBJECT ENCODING answers, and the form in memory.
  std::atomic<uint32_t> hash_listpack_entries_max{512};
  std::atomic<uint32_t> hash_listpack_value_size_max{64};
  std::atomic<int32_t> list_listpack_size{-2};
  std::atomic<uint32_t> set_intset_entries_max{512};
  std::atomic<uint32_t> set_listpack_entries_max{128};
  std::atomic<uint32_t> set_listpack_value_size_max{64};
  std::atomic<uint32_t> zset_listpack_entries_max{128};
  std::atomic<uint32_t> zset_listpack_value_size_max{64};
  std::atomic<uint32_t> stream_node_entries_max{100};
  std::atomic<uint32_t> stream_node_size_max{4096};
};

// The process' limits.
CollectionLimits& Limits();

}  // namespace hearth
