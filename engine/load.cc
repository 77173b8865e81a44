// How the engine reads what a command waits for. Tested by tests/engine/engine_test.cc.
#include <algorithm>
#include <atomic>
#include <mutex>

#include "engine/engine.h"

namespace hearth {
namespace {

// A reader reads one key after the other: few of them, so that several readers wait for the disk
// at once, but enough to be worth waking one (measured with all files in the system's cache).
constexpr size_t kJobKeysMin = 4;
constexpr size_t kJobsMax = 16;
// When memory has grown by this much meanwhile, nothing more is read ahead.
constexpr size_t kAheadGrowthMax = 4 << 20;

// The keys of one LoadAsync, in memory of its own.
struct ColdKeys {
  std::vector<std::string> names;
  std::vector<KeyRef> refs;
  size_t needed_count = 0;  // the others are asked for soon
  size_t ahead_limit = 0;   // resident bytes up to which those are read
  std::function<void(Status)> done;
  std::atomic<size_t> jobs_left{0};
  std::mutex mutex;
  Status status;  // the first error
};

void Add(std::span<const KeyRef> keys, ColdKeys* to) {
  for (const KeyRef& ref : keys) {
    to->refs.emplace_back(ref.db, to->names.emplace_back(ref.key), ref.position).head_only =
        ref.head_only;
  }
}

// Reads a part of the keys; who reads the last part tells.
void LoadPart(Keyspace& keyspace, ColdKeys& cold, size_t first, size_t count) {
  const std::span<const KeyRef> part(cold.refs.data() + first, count);
  const size_t needed = std::clamp(cold.needed_count, first, first + count) - first;
  const Status status = keyspace.Load(part.first(needed));
  if (!status.ok()) {
    std::lock_guard lock(cold.mutex);
    if (cold.status.ok()) cold.status = status;
  }
  if (keyspace.ResidentBytes() < cold.ahead_limit) keyspace.LoadAhead(part.subspan(needed));
  if (cold.jobs_left.fetch_sub(1, std::memory_order_acq_rel) == 1) cold.done(cold.status);
}

}  // namespace

void Engine::LoadAsync(std::span<const KeyRef> keys, std::span<const KeyRef> soon,
                       std::function<void(Status)> done) {
  auto cold = std::make_shared<ColdKeys>();
  const size_t count = keys.size() + soon.size();
  cold->names.reserve(count);  // the references point into it
  cold->needed_count = keys.size();
  cold->ahead_limit = keyspace_->ResidentBytes() + kAheadGrowthMax;
  cold->done = std::move(done);
  Add(keys, cold.get());
  Add(soon, cold.get());
  const size_t job_keys = std::max(kJobKeysMin, (count + kJobsMax - 1) / kJobsMax);
  cold->jobs_left = (count + job_keys - 1) / job_keys;
  for (size_t first = 0; first < count; first += job_keys) {
    readers_->Post([this, cold, first, job_count = std::min(job_keys, count - first)] {
      const int64_t start_us = clock_->MonotonicUs();
      LoadPart(*keyspace_, *cold, first, job_count);
      const auto took_us = static_cast<uint64_t>(clock_->MonotonicUs() - start_us);
      gauges_.load_us += took_us;
      if (took_us > gauges_.load_us_max) gauges_.load_us_max = took_us;
    });
  }
}

}  // namespace hearth
