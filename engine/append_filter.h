#pragma once

// AppendFilter: says of most keys that the append memtable does not hold them.
//
// A blocked Bloom filter: an entry sets kBits bits of one 64-bit word, both chosen by the entry's
// 16 bytes of prefix. For head rows these hold the key's position; the rows of one big collection
// share theirs, so of such a collection the filter only knows whether any row is there.
//
// The word is a cache miss, and often dirty in another core's cache. So the writer names an entry
// twice: Prefetch when it arrives, Add a few entries later. What is not yet added is the caller's
// to look for.
//
// Thread: one writer, any readers: a reader sees what was added before a release that it acquired.

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>

#include "engine/append_runs.h"

namespace hearth::append {

class AppendFilter {
 public:
  explicit AppendFilter(size_t size_bytes)
      : word_count_(size_bytes / sizeof(uint64_t) + 1),
        words_(std::make_unique<std::atomic<uint64_t>[]>(word_count_)) {}

  void Prefetch(const Entry& entry) const {
    __builtin_prefetch(&words_[WordOf(HashOf(entry))], /*rw=*/1);
  }
  void Add(const Entry& entry) {
    const uint64_t hash = HashOf(entry);
    std::atomic<uint64_t>& word = words_[WordOf(hash)];
    word.store(word.load(std::memory_order_relaxed) | MaskOf(hash), std::memory_order_relaxed);
  }
  bool MayHold(const Entry& entry) const {
    const uint64_t hash = HashOf(entry);
    const uint64_t mask = MaskOf(hash);
    return (words_[WordOf(hash)].load(std::memory_order_relaxed) & mask) == mask;
  }

 private:
  static constexpr int kBits = 4;

  static uint64_t HashOf(const Entry& entry) {
    const auto product = static_cast<unsigned __int128>(entry.high ^ 0x9e3779b97f4a7c15) *
                         (entry.low ^ 0xd6e8feb86659fd93);
    return static_cast<uint64_t>(product) ^ static_cast<uint64_t>(product >> 64);
  }
  // The high half chooses the word, the low bits the bits of it.
  size_t WordOf(uint64_t hash) const { return ((hash >> 32) * word_count_) >> 32; }
  static uint64_t MaskOf(uint64_t hash) {
    uint64_t mask = 0;
    for (int i = 0; i < kBits; ++i) mask |= uint64_t{1} << (hash >> (6 * i) & 63);
    return mask;
  }

  const size_t word_count_;
  const std::unique_ptr<std::atomic<uint64_t>[]> words_;
};

}  // namespace hearth::append
