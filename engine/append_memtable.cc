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
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "engine/check.h"

namespace hearth {
namespace {

using rocksdb::Slice;
using KeyComparator = rocksdb::MemTableRep::KeyComparator;

constexpr size_t kTrailerSize = 8;  // an internal key = user key + sequence and type
constexpr size_t kPrefixSize = 16;

struct Counters {
  std::atomic<uint64_t> reader_sorted_entries{0};
  std::atomic<uint64_t> reader_sorted_entries_max{0};
  std::atomic<uint64_t> reader_runs_max{0};
  std::atomic<uint64_t> writer_sorted_blocks{0};
  std::atomic<uint64_t> sorter_sorted_blocks{0};
  std::atomic<uint64_t> sorter_merged_entries{0};
};
Counters counters;

void RaiseTo(std::atomic<uint64_t>& maximum, uint64_t value) {
  uint64_t seen = maximum.load(std::memory_order_relaxed);
  while (seen < value && !maximum.compare_exchange_weak(seen, value)) {
  }
}

// ---- Entries and their order ------------------------------------------------------------------

// high and low: the first 16 bytes of the user key, big-endian, padded with zeros. A padded prefix
// that differs orders as the keys do; one that is equal says nothing.
struct Entry {
  uint64_t high;
  uint64_t low;
  const char* row;
};

uint64_t BigEndian64(const char* bytes) {
  uint64_t value;
  std::memcpy(&value, bytes, sizeof(value));
  return __builtin_bswap64(value);
}

Entry MakeEntry(const char* user_key, size_t size, const char* row) {
  if (size >= kPrefixSize) return {BigEndian64(user_key), BigEndian64(user_key + 8), row};
  char padded[kPrefixSize] = {};
  std::memcpy(padded, user_key, size);
  return {BigEndian64(padded), BigEndian64(padded + 8), row};
}

// A row is: varint32 size of the internal key, internal key, varint32 size of the value, value.
Entry EntryOfRow(const char* row) {
  const auto* byte = reinterpret_cast<const unsigned char*>(row);
  uint32_t size = 0;
  int shift = 0;
  do {
    size |= static_cast<uint32_t>(*byte & 127) << shift;
    shift += 7;
  } while (*byte++ & 128);
  return MakeEntry(reinterpret_cast<const char*>(byte), size - kTrailerSize, row);
}

class EntryLess {
 public:
  explicit EntryLess(const KeyComparator& compare) : compare_(compare) {}
  bool operator()(const Entry& a, const Entry& b) const {
    if (a.high != b.high) return a.high < b.high;
    if (a.low != b.low) return a.low < b.low;
    return compare_(a.row, b.row) < 0;
  }

 private:
  const KeyComparator& compare_;
};

// What a Seek looks for; row is unused.
struct Target {
  explicit Target(const Slice& key)
      : internal_key(key), prefix(MakeEntry(key.data(), key.size() - kTrailerSize, nullptr)) {}
  int CompareTo(const Entry& entry, const KeyComparator& compare) const {
    if (entry.high != prefix.high) return prefix.high < entry.high ? -1 : 1;
    if (entry.low != prefix.low) return prefix.low < entry.low ? -1 : 1;
    return -compare(entry.row, internal_key);
  }
  Slice internal_key;
  Entry prefix;
};

// ---- Runs ------------------------------------------------------------------------------------

class EntryArray {
 public:
  explicit EntryArray(size_t count) : entries_(new Entry[count]), count_(count) {}

  Entry* begin() { return entries_.get(); }
  Entry* end() { return entries_.get() + count_; }
  const Entry* begin() const { return entries_.get(); }
  const Entry* end() const { return entries_.get() + count_; }
  size_t count() const { return count_; }

 private:
  std::unique_ptr<Entry[]> entries_;
  size_t count_;
};

// Sorted and never changed again.
using Run = std::shared_ptr<const EntryArray>;

Run SortedCopy(const Entry* entries, size_t count, EntryLess less) {
  auto run = std::make_shared<EntryArray>(count);
  std::copy_n(entries, count, run->begin());
  std::sort(run->begin(), run->end(), less);
  return run;
}

Run Merged(const Run& a, const Run& b, EntryLess less) {
  auto run = std::make_shared<EntryArray>(a->count() + b->count());
  std::merge(a->begin(), a->end(), b->begin(), b->end(), run->begin(), less);
  return run;
}

// ---- Blocks ----------------------------------------------------------------------------------

// Entries in order of arrival. The writer appends; anyone may sort a copy and publish it.
class Block {
 public:
  Block() : entries_(new Entry[kAppendBlockEntries]) {}
  ~Block() { delete sorted_.load(std::memory_order_acquire); }
  Block(const Block&) = delete;
  Block& operator=(const Block&) = delete;

  // The writer's. Append returns the new count.
  size_t Append(const Entry& entry) {
    const size_t count = count_.load(std::memory_order_relaxed);
    entries_[count] = entry;
    count_.store(count + 1, std::memory_order_release);
    return count + 1;
  }
  void Complete(std::shared_ptr<Block> next) {
    next_ = std::move(next);
    complete_.store(true, std::memory_order_release);
  }

  // Anyone's.
  const Entry* entries() const { return entries_.get(); }
  size_t count() const { return count_.load(std::memory_order_acquire); }
  // Complete: nothing will be appended, and next() is what it will ever be.
  bool complete() const { return complete_.load(std::memory_order_acquire); }
  std::shared_ptr<Block> next() const { return complete() ? next_ : nullptr; }
  Run sorted() const {
    const Run* run = sorted_.load(std::memory_order_acquire);
    return run != nullptr ? *run : nullptr;
  }
  // False when another thread published its sorted copy first.
  bool PublishSorted(Run run) {
    auto mine = std::make_unique<Run>(std::move(run));
    Run* expected = nullptr;
    if (!sorted_.compare_exchange_strong(expected, mine.get(), std::memory_order_acq_rel)) {
      return false;
    }
    mine.release();
    return true;
  }

  // The open block as its readers left it: runs that cover its first entries. Readers only.
  struct Pieces {
    size_t covered_count = 0;
    std::vector<Run> runs;
  };
  Pieces ReadPieces() {
    std::lock_guard lock(pieces_mutex_);
    return pieces_;
  }
  void PublishPieces(const Pieces& pieces) {
    std::lock_guard lock(pieces_mutex_);
    if (pieces.covered_count > pieces_.covered_count) pieces_ = pieces;
  }

 private:
  const std::unique_ptr<Entry[]> entries_;
  std::atomic<size_t> count_{0};
  std::atomic<bool> complete_{false};
  std::shared_ptr<Block> next_;
  std::atomic<Run*> sorted_{nullptr};
  std::mutex pieces_mutex_;
  Pieces pieces_;
};

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

// ---- The iterator ----------------------------------------------------------------------------

struct TieredRun {
  Run run;
  size_t tier;
};

// What the sorter has published: runs, and the first block that is not among them.
struct Version {
  std::vector<TieredRun> runs;
  std::shared_ptr<Block> tail;
};

// All that a reader needs to see one moment of the table.
struct View {
  std::shared_ptr<const Version> version;
  std::vector<Run> tail_runs;
};

// A merge of runs. In forward mode each cursor stands at the first entry of its run not before the
// current one, in backward mode at the last one not after it; no two entries are equal, so a
// change of direction is one step of every cursor.
class RunIterator : public rocksdb::MemTableRep::Iterator {
 public:
  RunIterator(View view, const KeyComparator& compare)
      : view_(std::move(view)), compare_(compare), less_(compare) {
    const auto& runs = view_.version->runs;
    cursors_.reserve(runs.size() + view_.tail_runs.size());
    for (const auto& tiered : runs) AddCursor(tiered.run);
    for (const auto& run : view_.tail_runs) AddCursor(run);
    heap_.reserve(cursors_.size());
  }

  bool Valid() const override { return !heap_.empty(); }
  const char* key() const override { return heap_.front()->entry().row; }
  void Next() override { Move(/*forward=*/true); }
  void Prev() override { Move(/*forward=*/false); }

  void Seek(const Slice& internal_key, const char* /*memtable_key*/) override {
    const Target target(internal_key);
    for (Cursor& cursor : cursors_) cursor.index = LowerBound(cursor, target);
    BuildHeap(/*forward=*/true);
  }

  void SeekForPrev(const Slice& internal_key, const char* /*memtable_key*/) override {
    const Target target(internal_key);
    for (Cursor& cursor : cursors_) {
      cursor.index = LowerBound(cursor, target);
      const bool equal = cursor.Valid() && target.CompareTo(cursor.entry(), compare_) == 0;
      if (!equal) --cursor.index;
    }
    BuildHeap(/*forward=*/false);
  }

  void SeekToFirst() override {
    for (Cursor& cursor : cursors_) cursor.index = 0;
    BuildHeap(/*forward=*/true);
  }

  void SeekToLast() override {
    for (Cursor& cursor : cursors_) cursor.index = cursor.count - 1;
    BuildHeap(/*forward=*/false);
  }

 private:
  struct Cursor {
    const Entry* entries;
    ptrdiff_t count;
    ptrdiff_t index;  // -1 and count: past the ends
    bool Valid() const { return index >= 0 && index < count; }
    const Entry& entry() const { return entries[index]; }
  };

  void AddCursor(const Run& run) {
    cursors_.push_back({run->begin(), static_cast<ptrdiff_t>(run->count()), 0});
  }

  ptrdiff_t LowerBound(const Cursor& cursor, const Target& target) const {
    const auto* found =
        std::partition_point(cursor.entries, cursor.entries + cursor.count,
                             [&](const Entry& e) { return target.CompareTo(e, compare_) > 0; });
    return found - cursor.entries;
  }

  void Move(bool forward) {
    const ptrdiff_t step = forward ? 1 : -1;
    if (forward != forward_) {
      for (Cursor& cursor : cursors_) cursor.index += step;
      BuildHeap(forward);
      return;
    }
    Cursor* top = heap_.front();
    top->index += step;
    if (!top->Valid()) {
      heap_.front() = heap_.back();
      heap_.pop_back();
    } else {
      PrefetchAhead(*top, step);
    }
    SiftDown(0);
  }

  // Rows lie in order of arrival: each is a cache miss to whoever reads them in order of keys.
  static void PrefetchAhead(const Cursor& cursor, ptrdiff_t step) {
    constexpr ptrdiff_t kAhead = 2;
    const ptrdiff_t index = cursor.index + kAhead * step;
    if (index < 0 || index >= cursor.count) return;
    const char* row = cursor.entries[index].row;
    __builtin_prefetch(row);
    __builtin_prefetch(row + 64);
  }

  void BuildHeap(bool forward) {
    forward_ = forward;
    heap_.clear();
    for (Cursor& cursor : cursors_) {
      if (cursor.Valid()) heap_.push_back(&cursor);
    }
    for (size_t i = heap_.size() / 2; i-- > 0;) SiftDown(i);
  }

  bool Before(const Cursor* a, const Cursor* b) const {
    return forward_ ? less_(a->entry(), b->entry()) : less_(b->entry(), a->entry());
  }

  void SiftDown(size_t i) {
    for (size_t child = 2 * i + 1; child < heap_.size(); child = 2 * i + 1) {
      if (child + 1 < heap_.size() && Before(heap_[child + 1], heap_[child])) ++child;
      if (!Before(heap_[child], heap_[i])) return;
      std::swap(heap_[i], heap_[child]);
      i = child;
    }
  }

  View view_;
  const KeyComparator& compare_;
  EntryLess less_;
  std::vector<Cursor> cursors_;
  std::vector<Cursor*> heap_;
  bool forward_ = true;
};

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
  AppendMemtable(const KeyComparator& compare, rocksdb::Allocator* allocator)
      : MemTableRep(allocator),
        compare_(compare),
        less_(compare),
        open_(std::make_shared<Block>()),
        version_(std::make_shared<Version>(Version{{}, open_})),
        sorter_(Sorter::Acquire()) {
    sorter_->Register(this);
  }
  ~AppendMemtable() override { sorter_->Unregister(this); }

  void Insert(rocksdb::KeyHandle handle) override {
    const size_t open_count = open_->Append(EntryOfRow(static_cast<const char*>(handle)));
    const size_t count = count_.load(std::memory_order_relaxed) + 1;
    count_.store(count, std::memory_order_relaxed);
    if (open_count < kAppendBlockEntries) return;

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
    unsorted_count_.fetch_add(1);
    open_->Complete(nullptr);
    sorter_->Wake();
  }

  bool Contains(const char* key) const override {
    RunIterator iterator(CurrentView(), compare_);
    iterator.Seek(compare_.decode_key(key), key);
    return iterator.Valid() && compare_(iterator.key(), key) == 0;
  }

  void Get(const rocksdb::LookupKey& key, void* callback_args,
           bool (*callback)(void* arg, const char* entry)) override {
    RunIterator iterator(CurrentView(), compare_);
    Iterator* const outer = std::exchange(get_iterator_, &iterator);
    MemTableRep::Get(key, callback_args, callback);
    get_iterator_ = outer;
  }

  Iterator* GetIterator(rocksdb::Arena* arena) override {
    if (arena == nullptr) return new RunIterator(CurrentView(), compare_);
    void* storage = RetiredStorage::Take(sizeof(ArenaRunIterator));
    return new (storage) ArenaRunIterator(CurrentView(), compare_);
  }

  Iterator* GetDynamicPrefixIterator(rocksdb::Arena* arena) override {
    if (arena == nullptr && get_iterator_ != nullptr) return std::exchange(get_iterator_, nullptr);
    return GetIterator(arena);
  }

  size_t ApproximateMemoryUsage() override {
    return count_.load(std::memory_order_relaxed) * sizeof(Entry);
  }

 private:
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
  const EntryLess less_;
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

// The sorted copy of a complete block: the one published, or ours.
Run AppendMemtable::SortBlock(Block& block) const {
  Run run = SortedCopy(block.entries(), block.count(), less_);
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
    Run last = SortedCopy(block.entries() + pieces.covered_count, fresh_count, less_);
    while (!pieces.runs.empty() && pieces.runs.back()->count() < 2 * last->count()) {
      last = Merged(pieces.runs.back(), last, less_);
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
      outputs.push_back(Merged(inputs[i], inputs[i + 1], less_));
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
  using MemTableRepFactory::CreateMemTableRep;
  rocksdb::MemTableRep* CreateMemTableRep(const KeyComparator& compare,
                                          rocksdb::Allocator* allocator,
                                          const rocksdb::SliceTransform* /*transform*/,
                                          rocksdb::Logger* /*logger*/) override {
    CheckBytewise(compare);
    return new AppendMemtable(compare, allocator);
  }
  const char* Name() const override { return "HearthAppendMemtable"; }
};

}  // namespace

std::shared_ptr<rocksdb::MemTableRepFactory> NewAppendMemtableFactory() {
  return std::make_shared<AppendMemtableFactory>();
}

AppendMemtableCounters ReadAppendMemtableCounters() {
  return {counters.reader_sorted_entries.load(), counters.reader_sorted_entries_max.load(),
          counters.reader_runs_max.load(),       counters.writer_sorted_blocks.load(),
          counters.sorter_sorted_blocks.load(),  counters.sorter_merged_entries.load()};
}

PausedAppendSorter::PausedAppendSorter() {
  paused_count.fetch_add(1);
}

PausedAppendSorter::~PausedAppendSorter() {
  paused_count.fetch_sub(1);
  Sorter::WakeRunning();
}

}  // namespace hearth
