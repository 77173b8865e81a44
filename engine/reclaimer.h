#pragma once

// Reclaimer: gives back the disk space of what was dropped as a range: collections of many
// elements, flushed databases.
//
// A range deletion hides rows at once; they stay on the disk until a compaction meets it. A store
// that is written to compacts by itself. One that is not would keep them for good: so the ranges
// are noted as they are written, and compacted once it is worth it, that is, when the files hold
// kReclaimBytesMin of them, and a quarter of what such a compaction has to rewrite besides (the
// files of level 0), or nothing has been compacted for kReclaimWaitUs.
//
// What is noted is not kept over a restart.
//
// Thread:   Note and Tick any; the compaction runs on a thread of its own.
// Lifetime: within the store's; Stop before it is closed for good.
// Errors:   a compaction that fails or is cancelled is given up.
// Limits:   kRangesMax ranges; beyond, the oldest is left to the usual compactions.

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <functional>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>

#include "engine/store.h"

namespace hearth {

inline constexpr uint64_t kReclaimBytesMin = uint64_t{16} << 20;
inline constexpr int64_t kReclaimWaitUs = 600'000'000;

class Reclaimer {
 public:
  static constexpr size_t kRangesMax = 4096;
  using Log = std::function<void(int level, const std::string& line)>;

  Reclaimer(Store& store, Log log) : store_(store), log_(std::move(log)) {}
  ~Reclaimer() { Stop(); }
  Reclaimer(const Reclaimer&) = delete;
  Reclaimer& operator=(const Reclaimer&) = delete;

  // Rows of [from, to) were dropped.
  void Note(std::string_view from, std::string_view to);
  // Looks whether it is time; now and then. now_us: monotonic.
  void Tick(int64_t now_us);
  // The store's compactions must have been cancelled, or it waits for one.
  void Stop();

  // What Tick has done on its thread. Returns the bytes of the ranges that were compacted.
  uint64_t Reclaim(int64_t now_us);
  uint64_t reclaimed_bytes() const { return reclaimed_bytes_; }

 private:
  void Main();

  Store& store_;
  const Log log_;
  std::mutex mutex_;
  std::condition_variable wanted_;
  std::deque<Store::Range> noted_;
  bool has_new_ = false;
  int64_t first_noted_us_ = 0;  // of what waits; 0 = nothing does
  int64_t due_us_ = 0;          // not before
  int64_t now_us_ = 0;          // of the Tick that wants work; 0 = none does
  bool stopping_ = false;
  std::atomic<uint64_t> reclaimed_bytes_{0};
  std::thread thread_;
};

}  // namespace hearth
