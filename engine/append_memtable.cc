// Test: tests/engine/append_memtable_test.cc
#include "engine/append_memtable.h"

#include <algorithm>
#include <array>
#include <atomic>
#include <bit>
#include <condition_variable>
#include <cstring>
#include <mutex>
#include <new>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "engine/append_filter.h"
#include "engine/append_iterator.h"
#include "engine/append_runs.h"
#include "engine/append_sort.h"
#include "engine/check.h"

namespace hearth {
namespace {

using namespace append;
using KeyComparator = rocksdb::MemTableRep::KeyComparator;

struct Counters {
  std::atomic<uint64_t> reader_sorted_entries{0};
  std::atomic<uint64_t> reader_sorted_entries_max{0};
  std::atomic<uint64_t> reader_runs_max{0};
  std::atomic<uint64_t> writer_sorted_blocks{0};
  std::atomic<uint64_t> sorter_sorted_blocks{0};
  std::atomic<uint64_t> sorter_merged_entries{0};
  std::atomic<uint64_t> filtered_gets{0};
};
Counters counters;

void RaiseTo(std::atomic<uint64_t>& maximum, uint64_t value) {
  uint64_t seen = maximum.load(std::memory_order_relaxed);
  while (seen < value && !maximum.compare_exchange_weak(seen, value)) {
  }
}

// ---- The sorter ------------------------------------------------------------------------------

enum class Work { kNone, kMerge, kSort };

class SorterClient {
 public:
  virtual ~SorterClient() = default;
  // Both are called by the sorter's thread alone.
  virtual Work NextWork() const = 0;
  virtual void DoWork(Work work) = 0;
};

std::atomic<int> paused_count{0};

// The process' one background thread.
class Sorter {
 public:
  // The running one, or a new one. The last holder's release joins the thread.
  static std::shared_ptr<Sorter> Acquire();
  static void WakeRunning();

  Sorter() : thread_([this] { Loop(); }) {}
  ~Sorter() {
    stop_.store(true);
    Wake();
    thread_.join();
  }

  // Never blocks.
  void Wake() {
    ticket_.fetch_add(1);
    ticket_.notify_one();
  }

  void Register(SorterClient* client) {
    std::lock_guard lock(mutex_);
    clients_.push_back(client);
  }

  // Waits for the step in that client, if one is under way.
  void Unregister(SorterClient* client) {
    std::unique_lock lock(mutex_);
    std::erase(clients_, client);
    step_ended_.wait(lock, [&] { return busy_ != client; });
  }

 private:
  struct Slot {
    std::mutex mutex;
    std::weak_ptr<Sorter> running;
  };
  // Never destroyed: a static database may close after it would be.
  static Slot& TheSlot() {
    static Slot* slot = new Slot;
    return *slot;
  }

  void Loop() {
    while (!stop_.load()) {
      const int ticket = ticket_.load();
      if (!Step()) ticket_.wait(ticket);
    }
  }

  bool Step() {
    if (paused_count.load() > 0) return false;
    std::unique_lock lock(mutex_);
    Work best = Work::kNone;
    for (SorterClient* client : clients_) {
      const Work work = client->NextWork();
      if (work <= best) continue;
      best = work;
      busy_ = client;
    }
    if (best == Work::kNone) return false;
    lock.unlock();
    busy_->DoWork(best);
    lock.lock();
    busy_ = nullptr;
    step_ended_.notify_all();
    return true;
  }

  std::atomic<int> ticket_{0};
  std::atomic<bool> stop_{false};
  std::mutex mutex_;
  std::condition_variable step_ended_;
  std::vector<SorterClient*> clients_;
  SorterClient* busy_ = nullptr;
  std::thread thread_;  // last: it uses all of the above
};

std::shared_ptr<Sorter> Sorter::Acquire() {
  std::lock_guard lock(TheSlot().mutex);
  auto sorter = TheSlot().running.lock();
  if (sorter == nullptr) {
    sorter = std::make_shared<Sorter>();
    TheSlot().running = sorter;
  }
  return sorter;
}

void Sorter::WakeRunning() {
  std::shared_ptr<Sorter> sorter;
  {
    std::lock_guard lock(TheSlot().mutex);
    sorter = TheSlot().running.lock();
  }
  if (sorter != nullptr) sorter->Wake();
}

// ---- Iterators for an arena ------------------------------------------------------------------

// The storage of the arena iterator that this thread destroyed last.
class RetiredStorage {
 public:
  ~RetiredStorage() {
    ::operator delete(storage_);
    thread_is_ending_ = true;
  }
  static void* Take(size_t size) {
    if (thread_is_ending_ || mine_.storage_ == nullptr) return ::operator new(size);
    return std::exchange(mine_.storage_, nullptr);
  }
  // A thread so far in its end that its statics are gone leaks this one object.
  static void Leave(void* storage) {
    if (!thread_is_ending_) ::operator delete(std::exchange(mine_.storage_, storage));
  }

 private:
  void* storage_ = nullptr;
  static thread_local bool thread_is_ending_;
  static thread_local RetiredStorage mine_;
};
thread_local bool RetiredStorage::thread_is_ending_ = false;
thread_local RetiredStorage RetiredStorage::mine_;

class ArenaRunIterator final : public RunIterator {
 public:
  using RunIterator::RunIterator;
  ~ArenaRunIterator() override { RetiredStorage::Leave(this); }
};

// ---- The memtable ----------------------------------------------------------------------------

class AppendMemtable final : public rocksdb::MemTableRep, private SorterClient {
 public:
  AppendMemtable(const KeyComparator& compare, rocksdb::Allocator* allocator,
                 size_t filter_size_bytes)
      : MemTableRep(allocator),
        compare_(compare),
        filter_(filter_size_bytes),
        open_(std::make_shared<Block>()),
        version_(std::make_shared<Version>(Version{{}, open_})),
        sorter_(Sorter::Acquire()) {
    sorter_->Register(this);
  }
  ~AppendMemtable() override { sorter_->Unregister(this); }

  void Insert(rocksdb::KeyHandle handle) override {
    const Entry entry = EntryOfRow(static_cast<const char*>(handle));
    filter_.Prefetch(entry);
    const size_t before = open_->count();
    if (before >= kFilterDelay) filter_.Add(open_->entries()[before - kFilterDelay]);
    const size_t open_count = open_->Append(entry);
    const size_t count = count_.load(std::memory_order_relaxed) + 1;
    count_.store(count, std::memory_order_relaxed);
    if (open_count < kAppendBlockEntries) return;

    FilterRest();
    const std::shared_ptr<Block> full = open_;
    open_ = std::make_shared<Block>();
    const uint64_t unsorted_count = unsorted_count_.fetch_add(1) + 1;
    full->Complete(open_);
    if (unsorted_count > kAppendUnsortedBlocksMax) {
      SortBlock(*full);
      counters.writer_sorted_blocks.fetch_add(1, std::memory_order_relaxed);
    }
    sorter_->Wake();
  }

  void MarkReadOnly() override {
    FilterRest();
    unsorted_count_.fetch_add(1);
    open_->Complete(nullptr);
    sorter_->Wake();
  }

  bool Contains(const char* key) const override {
    RunIterator iterator(CurrentView());
    iterator.Seek(compare_.decode_key(key), key);
    return iterator.Valid() && compare_(iterator.key(), key) == 0;
  }

  void Get(const rocksdb::LookupKey& key, void* callback_args,
           bool (*callback)(void* arg, const char* entry)) override {
    GetIteratorOnStack iterator(*this);
    Iterator* const outer = std::exchange(get_iterator_, &iterator);
    MemTableRep::Get(key, callback_args, callback);
    get_iterator_ = outer;
  }

  Iterator* GetIterator(rocksdb::Arena* arena) override {
    if (arena == nullptr) return new RunIterator(CurrentView());
    void* storage = RetiredStorage::Take(sizeof(ArenaRunIterator));
    return new (storage) ArenaRunIterator(CurrentView());
  }

  Iterator* GetDynamicPrefixIterator(rocksdb::Arena* arena) override {
    if (arena == nullptr && get_iterator_ != nullptr) return std::exchange(get_iterator_, nullptr);
    return GetIterator(arena);
  }

  size_t ApproximateMemoryUsage() override {
    return count_.load(std::memory_order_relaxed) * sizeof(Entry);
  }

 private:
  // Entries that the filter lags behind by: their words are on their way from memory.
  static constexpr size_t kFilterDelay = 8;

  // What the base's Get walks: nothing is sorted or searched when the filter knows better.
  class GetIteratorOnStack final : public Iterator {
   public:
    explicit GetIteratorOnStack(const AppendMemtable& table) : table_(table) {}
    bool Valid() const override { return runs_.has_value() && runs_->Valid(); }
    const char* key() const override { return runs_->key(); }
    void Next() override { runs_->Next(); }
    void Seek(const Slice& internal_key, const char* memtable_key) override {
      if (!table_.MayHold(Target(internal_key).prefix)) return runs_.reset();
      runs_.emplace(table_.CurrentView());
      runs_->Seek(internal_key, memtable_key);
    }
    // Get goes forward from its key.
    void Prev() override { HEARTH_CHECK(false); }
    void SeekForPrev(const Slice&, const char*) override { HEARTH_CHECK(false); }
    void SeekToFirst() override { HEARTH_CHECK(false); }
    void SeekToLast() override { HEARTH_CHECK(false); }

   private:
    const AppendMemtable& table_;
    std::optional<RunIterator> runs_;
  };

  bool MayHold(const Entry& prefix) const;
  void FilterRest();
  View CurrentView() const;
  void CoverOpenBlock(Block& block, size_t count, std::vector<Run>& runs,
                      size_t& sorted_count) const;
  Run SortBlock(Block& block) const;
  std::shared_ptr<const Version> ReadVersion() const;
  void PublishVersion(std::shared_ptr<const Version> version);
  Work NextWork() const override;
  void DoWork(Work work) override;
  void AdoptBlock();
  void MergeTier(size_t tier);
  size_t FullTier() const;

  // Set by Get for the base's Get, which takes it.
  static thread_local Iterator* get_iterator_;

  const KeyComparator& compare_;
  AppendFilter filter_;
  std::atomic<size_t> count_{0};  // stored by the writer
  // Complete blocks without a published sorted copy.
  mutable std::atomic<uint64_t> unsorted_count_{0};
  std::shared_ptr<Block> open_;       // the writer's
  mutable std::mutex version_mutex_;  // readers and the sorter, for a copy of the pointer
  std::shared_ptr<const Version> version_;
  std::shared_ptr<Sorter> sorter_;
};
thread_local rocksdb::MemTableRep::Iterator* AppendMemtable::get_iterator_ = nullptr;

std::shared_ptr<const Version> AppendMemtable::ReadVersion() const {
  std::lock_guard lock(version_mutex_);
  return version_;
}

void AppendMemtable::PublishVersion(std::shared_ptr<const Version> version) {
  std::lock_guard lock(version_mutex_);
  version_.swap(version);
}

// Adds the open block's last entries. Before it is complete: only an open block has such.
void AppendMemtable::FilterRest() {
  const size_t count = open_->count();
  for (size_t i = count - std::min(count, kFilterDelay); i < count; ++i) {
    filter_.Add(open_->entries()[i]);
  }
}

// The blocks are asked before the filter: what they tell as added is in it.
bool AppendMemtable::MayHold(const Entry& prefix) const {
  std::shared_ptr<Block> last = ReadVersion()->tail;
  while (last != nullptr && last->complete()) last = last->next();
  if (last != nullptr) {
    const size_t count = last->count();
    for (size_t i = count - std::min(count, kFilterDelay); i < count; ++i) {
      const Entry& entry = last->entries()[i];
      if (entry.high == prefix.high && entry.low == prefix.low) return true;
    }
  }
  if (filter_.MayHold(prefix)) return true;
  counters.filtered_gets.fetch_add(1, std::memory_order_relaxed);
  return false;
}

// The sorted copy of a complete block: the one published, or ours.
Run AppendMemtable::SortBlock(Block& block) const {
  Run run = SortedCopy(block.entries(), block.count());
  if (!block.PublishSorted(run)) return block.sorted();
  unsorted_count_.fetch_sub(1);
  return run;
}

// The blocks are collected before any is sorted, so that no writer can keep a reader sorting.
View AppendMemtable::CurrentView() const {
  View view{ReadVersion(), {}};
  std::vector<std::shared_ptr<Block>> blocks;
  for (auto block = view.version->tail; block != nullptr; block = block->next()) {
    blocks.push_back(block);
  }
  size_t sorted_count = 0;
  for (const auto& block : blocks) {
    const bool complete = block->complete();
    const size_t count = block->count();
    if (count == 0) continue;
    if (!complete) {
      CoverOpenBlock(*block, count, view.tail_runs, sorted_count);
    } else if (Run run = block->sorted(); run != nullptr) {
      view.tail_runs.push_back(std::move(run));
    } else {
      view.tail_runs.push_back(SortBlock(*block));
      sorted_count += count;
    }
  }
  RaiseTo(counters.reader_runs_max, view.version->runs.size() + view.tail_runs.size());
  if (sorted_count > 0) {
    counters.reader_sorted_entries.fetch_add(sorted_count, std::memory_order_relaxed);
    RaiseTo(counters.reader_sorted_entries_max, sorted_count);
  }
  return view;
}

void AppendMemtable::CoverOpenBlock(Block& block, size_t count, std::vector<Run>& runs,
                                    size_t& sorted_count) const {
  Block::Pieces pieces = block.ReadPieces();
  if (pieces.covered_count < count) {
    const size_t fresh_count = count - pieces.covered_count;
    Run last = SortedCopy(block.entries() + pieces.covered_count, fresh_count);
    while (!pieces.runs.empty() && pieces.runs.back()->count() < 2 * last->count()) {
      last = Merged(pieces.runs.back(), last);
      pieces.runs.pop_back();
    }
    pieces.runs.push_back(std::move(last));
    pieces.covered_count = count;
    block.PublishPieces(pieces);
    sorted_count += fresh_count;
  }
  runs.insert(runs.end(), pieces.runs.begin(), pieces.runs.end());
}

// A tier that has enough runs to merge, or kAppendTierMax.
size_t AppendMemtable::FullTier() const {
  std::array<size_t, kAppendTierMax> run_counts = {};
  for (const auto& tiered : version_->runs) {
    if (tiered.tier < kAppendTierMax) ++run_counts[tiered.tier];
  }
  const auto full = std::find_if(run_counts.begin(), run_counts.end(),
                                 [](size_t count) { return count >= kAppendFanout; });
  return static_cast<size_t>(full - run_counts.begin());
}

// Only the sorter's thread changes version_, so it reads it without the lock.
Work AppendMemtable::NextWork() const {
  if (version_->tail != nullptr && version_->tail->complete()) return Work::kSort;
  return FullTier() < kAppendTierMax ? Work::kMerge : Work::kNone;
}

void AppendMemtable::DoWork(Work work) {
  if (work == Work::kSort) return AdoptBlock();
  MergeTier(FullTier());
}

void AppendMemtable::AdoptBlock() {
  Block& block = *version_->tail;
  auto version = std::make_shared<Version>(Version{version_->runs, nullptr});
  Run run = block.sorted();
  if (run == nullptr) {
    run = SortBlock(block);
    counters.sorter_sorted_blocks.fetch_add(1, std::memory_order_relaxed);
  }
  version->tail = block.next();
  if (run->count() > 0) version->runs.push_back({std::move(run), 0});
  PublishVersion(std::move(version));
}

void AppendMemtable::MergeTier(size_t tier) {
  auto version = std::make_shared<Version>(Version{{}, version_->tail});
  std::vector<Run> inputs;
  for (const auto& tiered : version_->runs) {
    if (tiered.tier == tier && inputs.size() < kAppendFanout) {
      inputs.push_back(tiered.run);
    } else {
      version->runs.push_back(tiered);
    }
  }
  while (inputs.size() > 1) {
    std::vector<Run> outputs;
    for (size_t i = 0; i + 1 < inputs.size(); i += 2) {
      outputs.push_back(Merged(inputs[i], inputs[i + 1]));
    }
    if (inputs.size() % 2 == 1) outputs.push_back(inputs.back());
    inputs = std::move(outputs);
  }
  counters.sorter_merged_entries.fetch_add(inputs[0]->count(), std::memory_order_relaxed);
  version->runs.push_back({std::move(inputs[0]), tier + 1});
  PublishVersion(std::move(version));
}

// ---- The factory -----------------------------------------------------------------------------

// An entry's prefix orders like its key only under a bytewise order of the user key: probe it.
void CheckBytewise(const KeyComparator& compare) {
  const std::string keys[] = {"",    std::string(1, '\0'), "a", std::string("a\0", 2), "ab", "b",
                              "\xff"};
  for (size_t i = 0; i + 1 < std::size(keys); ++i) {
    const std::string internal = keys[i] + std::string(kTrailerSize, '\1');
    const std::string row = static_cast<char>(internal.size()) + internal;
    const std::string next = keys[i + 1] + std::string(kTrailerSize, '\1');
    HEARTH_CHECK(compare(row.data(), Slice(next)) < 0);
  }
}

class AppendMemtableFactory final : public rocksdb::MemTableRepFactory {
 public:
  explicit AppendMemtableFactory(size_t filter_size_bytes)
      : filter_size_bytes_(filter_size_bytes) {}

  using MemTableRepFactory::CreateMemTableRep;
  rocksdb::MemTableRep* CreateMemTableRep(const KeyComparator& compare,
                                          rocksdb::Allocator* allocator,
                                          const rocksdb::SliceTransform* /*transform*/,
                                          rocksdb::Logger* /*logger*/) override {
    CheckBytewise(compare);
    return new AppendMemtable(compare, allocator, filter_size_bytes_);
  }
  const char* Name() const override { return "HearthAppendMemtable"; }

 private:
  const size_t filter_size_bytes_;
};

}  // namespace

std::shared_ptr<rocksdb::MemTableRepFactory> NewAppendMemtableFactory(size_t filter_size_bytes) {
  return std::make_shared<AppendMemtableFactory>(filter_size_bytes);
}

AppendMemtableCounters ReadAppendMemtableCounters() {
  return {counters.reader_sorted_entries.load(), counters.reader_sorted_entries_max.load(),
          counters.reader_runs_max.load(),       counters.writer_sorted_blocks.load(),
          counters.sorter_sorted_blocks.load(),  counters.sorter_merged_entries.load(),
          counters.filtered_gets.load()};
}

PausedAppendSorter::PausedAppendSorter() {
  paused_count.fetch_add(1);
}

PausedAppendSorter::~PausedAppendSorter() {
  paused_count.fetch_sub(1);
  Sorter::WakeRunning();
}

}  // namespace hearth
