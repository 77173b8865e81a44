// The memtable through a real database against a std::map, and alone against its bounds.
#include "engine/append_memtable.h"

#include <gtest/gtest.h>
#include <rocksdb/db.h>
#include <rocksdb/filter_policy.h>
#include <rocksdb/table.h>

#include <atomic>
#include <cstdlib>
#include <deque>
#include <filesystem>
#include <map>
#include <memory>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "engine/append_runs.h"
#include "engine/codec.h"
#include "engine/rows.h"
#include "tests/engine/append_rows.h"

namespace hearth {
namespace {

using rocksdb::MemTableRep;
using rocksdb::Slice;

// ---- The table alone ---------------------------------------------------------------------------

struct ByKeyThenNewest : MemTableRep::KeyComparator {
  static Slice Internal(const char* row) {
    uint32_t size = 0;
    int shift = 0;
    for (bool more = true; more; shift += 7) {
      more = (*row & 128) != 0;
      size |= static_cast<uint32_t>(*row++ & 127) << shift;
    }
    return {row, size};
  }
  static uint64_t Sequence(const Slice& internal) {
    uint64_t sequence;
    memcpy(&sequence, internal.data() + internal.size() - 8, 8);
    return sequence;
  }
  static int Compare(const Slice& a, const Slice& b) {
    const int keys = Slice(a.data(), a.size() - 8).compare(Slice(b.data(), b.size() - 8));
    if (keys != 0) return keys;
    return Sequence(a) > Sequence(b) ? -1 : Sequence(a) < Sequence(b) ? 1 : 0;
  }
  int operator()(const char* a, const char* b) const override {
    return Compare(Internal(a), Internal(b));
  }
  int operator()(const char* a, const Slice& b) const override { return Compare(Internal(a), b); }
  Slice decode_key(const char* row) const override { return Internal(row); }
};

class AppendMemtableAlone : public testing::Test {
 protected:
  AppendMemtableAlone()
      : table_(NewAppendMemtableFactory()->CreateMemTableRep(compare_, nullptr, nullptr, nullptr)) {
  }

  const char* Insert(const std::string& user_key) {
    rows_.push_back(RowOf(user_key, ++sequence_));
    table_->InsertKey(rows_.back().data());
    return rows_.back().data();
  }
  void InsertRandom(size_t count) {
    for (size_t i = 0; i < count; ++i) Insert(std::to_string(random_()));
  }
  // Walks the whole table forwards; its entries, which must ascend.
  size_t CountAscending() {
    std::unique_ptr<MemTableRep::Iterator> it(table_->GetIterator(nullptr));
    size_t count = 0;
    const char* previous = nullptr;
    for (it->SeekToFirst(); it->Valid(); it->Next(), ++count) {
      if (previous != nullptr && compare_(previous, it->key()) >= 0) ADD_FAILURE() << "order";
      previous = it->key();
    }
    return count;
  }

  ByKeyThenNewest compare_;
  std::deque<std::string> rows_;
  uint64_t sequence_ = 0;
  std::mt19937_64 random_{7};
  std::unique_ptr<MemTableRep> table_;
};

// Keys with every edge of what the prefix shortens, in all pairs.
TEST(AppendRunsTest, APrefixThatDiffersOrdersAsTheKeysDo) {
  std::vector<std::string> keys = {"", "a", "k", "m", "xstate", std::string(1, '\xff')};
  for (const char table : {'k', 'l', 'm'}) {
    for (const uint32_t db_id : {0u, 1u, 0xfffeu, 0xffffu, 0x10000u, 0xffffffffu}) {
      for (const uint64_t id : {0ull, 1ull, 0xfffffffffeull, 0xffffffffffull, 0x10000000000ull,
                                0x8000000000000000ull, 0xffffffffffffffffull}) {
        std::string key(13, '\0');
        key[0] = table;
        PutBigEndian32(key.data() + 1, db_id);
        PutBigEndian64(key.data() + 5, id);
        keys.insert(keys.end(), {key, key.substr(0, 4), key.substr(0, 11)});
        for (const char* rest : {"a", "elements", "elements1", "elements2", "\xff"}) {
          keys.push_back(key + rest);
        }
      }
    }
  }
  for (const std::string& a : keys) {
    const append::Entry prefix_a = append::MakeEntry(a.data(), a.size(), nullptr);
    for (const std::string& b : keys) {
      const append::Entry prefix_b = append::MakeEntry(b.data(), b.size(), nullptr);
      const auto order =
          std::pair(prefix_a.high, prefix_a.low) <=> std::pair(prefix_b.high, prefix_b.low);
      if (order == 0) continue;
      EXPECT_EQ(order < 0, a < b) << a << " " << b;
    }
  }
}

// Elements of one list: what decides stands within the prefix.
TEST(AppendRunsTest, NeighbouringElementsDifferInTheirPrefix) {
  std::string a = ElementKey(3, 12345, std::string(8, '\x80')), b = a;
  b.back() = '\x81';
  EXPECT_NE(append::MakeEntry(a.data(), a.size(), nullptr).low,
            append::MakeEntry(b.data(), b.size(), nullptr).low);
}

TEST_F(AppendMemtableAlone, AnEmptyTableHasNoEntries) {
  EXPECT_EQ(CountAscending(), 0u);
  EXPECT_FALSE(table_->Contains(RowOf("a", 1).data()));
  table_->MarkReadOnly();
  EXPECT_EQ(CountAscending(), 0u);
  EXPECT_EQ(table_->ApproximateMemoryUsage(), 0u);
}

// Keys shorter than the prefix, equal to it but for zeros, and longer with a common start.
TEST_F(AppendMemtableAlone, OrdersKeysThatShareAPrefix) {
  std::vector<const char*> rows;
  const std::string long_start(40, 'x');
  for (const std::string& key :
       {std::string(), std::string("a"), std::string("a\0", 2), std::string("a\0\0", 3), long_start,
        long_start + "1", long_start + "2", std::string(200, 'x')}) {
    rows.push_back(Insert(key));
    rows.push_back(Insert(key));  // the same key again: newest first
  }
  for (const char* row : rows) EXPECT_TRUE(table_->Contains(row));
  EXPECT_FALSE(table_->Contains(RowOf("a", 99).data()));
  EXPECT_EQ(CountAscending(), rows.size());
}

// One reading call sorts no more than the stated bound even if the sorter does nothing at all.
TEST_F(AppendMemtableAlone, AReaderSortsABoundedNumberOfEntries) {
  const PausedAppendSorter paused;
  const auto before = ReadAppendMemtableCounters();
  const size_t block_count = 40;
  for (size_t i = 0; i < block_count; ++i) InsertRandom(kAppendBlockEntries);
  InsertRandom(kAppendBlockEntries - 1);
  EXPECT_TRUE(table_->Contains(rows_.front().data()));
  const auto after = ReadAppendMemtableCounters();
  const uint64_t sorted = after.reader_sorted_entries - before.reader_sorted_entries;
  EXPECT_EQ(sorted, kAppendUnsortedBlocksMax * kAppendBlockEntries + kAppendBlockEntries - 1);
  EXPECT_LE(after.reader_sorted_entries_max, kAppendReaderSortMax);
  EXPECT_EQ(after.writer_sorted_blocks - before.writer_sorted_blocks,
            block_count - kAppendUnsortedBlocksMax);
}

// What one reader sorted, the next one does not sort again.
TEST_F(AppendMemtableAlone, AReaderSortsOnlyWhatIsNew) {
  const PausedAppendSorter paused;
  InsertRandom(2 * kAppendBlockEntries + 1000);
  EXPECT_TRUE(table_->Contains(rows_.front().data()));
  const uint64_t before = ReadAppendMemtableCounters().reader_sorted_entries;
  EXPECT_TRUE(table_->Contains(rows_.front().data()));
  InsertRandom(64);
  EXPECT_TRUE(table_->Contains(rows_.back().data()));
  EXPECT_EQ(ReadAppendMemtableCounters().reader_sorted_entries - before, 64u);
}

TEST_F(AppendMemtableAlone, AnIteratorIsASnapshot) {
  InsertRandom(3 * kAppendBlockEntries + 17);
  std::unique_ptr<MemTableRep::Iterator> it(table_->GetIterator(nullptr));
  const size_t count_at_creation = rows_.size();
  it->SeekToFirst();
  InsertRandom(2 * kAppendBlockEntries);
  size_t count = 0;
  for (; it->Valid(); it->Next()) ++count;
  EXPECT_EQ(count, count_at_creation);
  EXPECT_EQ(CountAscending(), rows_.size());
}

// RocksDB asserts that a memtable's memory does not change once it is immutable.
TEST_F(AppendMemtableAlone, CountsMemoryByInsertsAlone) {
  InsertRandom(10 * kAppendBlockEntries + 5);
  const size_t size = table_->ApproximateMemoryUsage();
  EXPECT_EQ(size, rows_.size() * 24);
  table_->MarkReadOnly();
  EXPECT_EQ(CountAscending(), rows_.size());
  EXPECT_EQ(table_->ApproximateMemoryUsage(), size);
}

// An arena iterator is destroyed and its storage is not freed: the next one takes it over.
TEST_F(AppendMemtableAlone, ArenaIteratorsReuseTheirStorage) {
  auto* arena = reinterpret_cast<rocksdb::Arena*>(this);  // never touched
  Insert("a");
  MemTableRep::Iterator* first = table_->GetIterator(arena);
  MemTableRep::Iterator* second = table_->GetIterator(arena);
  first->~Iterator();
  second->~Iterator();
  MemTableRep::Iterator* third = table_->GetDynamicPrefixIterator(arena);
  EXPECT_EQ(third, second);
  third->SeekToFirst();
  EXPECT_TRUE(third->Valid());
  third->~Iterator();
}

TEST_F(AppendMemtableAlone, ReadersSeeEveryFinishedInsert) {
  const size_t total = 60 * kAppendBlockEntries;
  while (rows_.size() < total) rows_.push_back(RowOf(std::to_string(random_()), rows_.size()));
  std::atomic<size_t> finished{0};
  auto read = [&](uint64_t seed) {
    std::mt19937_64 random(seed);
    while (finished.load() < total) {
      const size_t count = finished.load();
      if (count == 0) continue;
      ASSERT_TRUE(table_->Contains(rows_[random() % count].data()));
      ASSERT_TRUE(table_->Contains(rows_[count - 1].data()));
      if (random() % 64 == 0) {
        ASSERT_GE(CountAscending(), count);
      }
    }
  };
  std::thread readers[] = {std::thread(read, 1), std::thread(read, 2)};
  for (size_t i = 0; i < total; ++i) {
    table_->InsertKey(rows_[i].data());
    finished.store(i + 1);
    if (i % 1024 == 0) std::this_thread::yield();
  }
  table_->MarkReadOnly();
  for (auto& reader : readers) reader.join();
  EXPECT_EQ(CountAscending(), total);
}

// A memtable goes while the sorter has work in it, and while it is the last one.
TEST_F(AppendMemtableAlone, TablesComeAndGoUnderTheSorter) {
  for (int round = 0; round < 20; ++round) {
    InsertRandom(20 * kAppendBlockEntries);
    if (round % 2 == 0) table_->MarkReadOnly();
    if (round % 3 == 0) {
      EXPECT_EQ(CountAscending(), rows_.size());
    }
    table_.reset();
    rows_.clear();
    table_.reset(
        NewAppendMemtableFactory()->CreateMemTableRep(compare_, nullptr, nullptr, nullptr));
  }
}

// ---- Through a database ------------------------------------------------------------------------

class AppendMemtableInDb : public testing::Test {
 protected:
  AppendMemtableInDb() {
    directory_ = testing::TempDir() + "hearth_append_memtable_" + std::to_string(getpid());
    std::filesystem::remove_all(directory_);
    options_.create_if_missing = true;
    options_.memtable_factory = NewAppendMemtableFactory();
    options_.allow_concurrent_memtable_write = false;
    options_.write_buffer_size = 4 << 20;
    options_.max_write_buffer_number = 3;
    Open();
  }
  ~AppendMemtableInDb() override {
    db_.reset();
    std::filesystem::remove_all(directory_);
  }
  void Open() {
    db_.reset();
    rocksdb::DB* db = nullptr;
    const auto status = rocksdb::DB::Open(options_, directory_, &db);
    ASSERT_TRUE(status.ok()) << status.ToString();
    db_.reset(db);
  }

  using Model = std::map<std::string, std::string>;
  // The whole database, forwards or backwards, must print as the model does.
  void ExpectEqual(const Model& model, const rocksdb::Snapshot* snapshot) {
    rocksdb::ReadOptions read;
    read.snapshot = snapshot;
    std::unique_ptr<rocksdb::Iterator> it(db_->NewIterator(read));
    auto want = model.begin();
    for (it->SeekToFirst(); it->Valid(); it->Next(), ++want) {
      ASSERT_NE(want, model.end());
      ASSERT_EQ(it->key().ToString(), want->first);
      ASSERT_EQ(it->value().ToString(), want->second);
    }
    ASSERT_EQ(want, model.end());
    auto back = model.rbegin();
    for (it->SeekToLast(); it->Valid(); it->Prev(), ++back) {
      ASSERT_NE(back, model.rend());
      ASSERT_EQ(it->key().ToString(), back->first);
    }
    ASSERT_EQ(back, model.rend());
  }
  void ExpectSeeks(const Model& model, std::mt19937_64& random) {
    std::unique_ptr<rocksdb::Iterator> it(db_->NewIterator({}));
    for (int i = 0; i < 50; ++i) {
      const std::string key = RandomKey(random);
      const auto at_or_after = model.lower_bound(key);
      it->Seek(key);
      ASSERT_EQ(it->Valid(), at_or_after != model.end());
      if (it->Valid()) {
        ASSERT_EQ(it->key().ToString(), at_or_after->first);
      }
      const auto after = model.upper_bound(key);
      it->SeekForPrev(key);
      ASSERT_EQ(it->Valid(), after != model.begin());
      if (it->Valid()) {
        ASSERT_EQ(it->key().ToString(), std::prev(after)->first);
      }
      if (it->Valid()) it->Next();  // a change of direction
      if (it->Valid()) {
        ASSERT_EQ(it->key().ToString(), after->first);
      }
    }
  }
  static std::string RandomKey(std::mt19937_64& random) {
    std::string key = random() % 2 == 0 ? "k" : "a key with a longer start ";
    return key + std::to_string(random() % 20000);
  }

  std::string directory_;
  rocksdb::Options options_;
  std::unique_ptr<rocksdb::DB> db_;
};

TEST_F(AppendMemtableInDb, EqualsAMap) {
  const uint64_t seed = std::random_device{}();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937_64 random(seed);
  Model model;
  Model model_at_snapshot;
  const rocksdb::Snapshot* snapshot = db_->GetSnapshot();
  for (int step = 0; step < 120'000 && !HasFatalFailure(); ++step) {
    const std::string key = RandomKey(random);
    if (random() % 4 == 0) {
      model.erase(key);
      ASSERT_TRUE(db_->Delete({}, key).ok());
    } else {
      model[key] = std::to_string(step);
      ASSERT_TRUE(db_->Put({}, key, model[key]).ok());
    }
    if (step % 16 == 0) {
      const std::string wanted = RandomKey(random);
      std::string value;
      const auto status = db_->Get({}, wanted, &value);
      ASSERT_EQ(status.ok(), model.count(wanted) == 1);
      if (status.ok()) {
        ASSERT_EQ(value, model[wanted]);
      }
    }
    if (step % 3000 == 0) ExpectSeeks(model, random);
    if (step % 20'000 == 10'000) {
      ExpectEqual(model_at_snapshot, snapshot);
      db_->ReleaseSnapshot(snapshot);
      snapshot = db_->GetSnapshot();
      model_at_snapshot = model;
      ExpectEqual(model, nullptr);
    }
    if (step == 50'000) {
      ASSERT_TRUE(db_->Flush({}).ok());
    }
  }
  db_->ReleaseSnapshot(snapshot);
  ExpectEqual(model, nullptr);
  Open();
  ExpectEqual(model, nullptr);
  ASSERT_TRUE(db_->Flush({}).ok());
  ExpectEqual(model, nullptr);
}

// Memtables come and go below threads that have read each of them.
// Each row is read at once, while the filter lags behind it, and once more when it has caught up.
TEST_F(AppendMemtableInDb, AGetFindsWhatTheFilterHasNotYet) {
  constexpr size_t kCount = 2 * kAppendBlockEntries + 100;
  const auto key_of = [](size_t i) { return std::to_string(i * 7919) + " is a key of its own"; };
  std::string value;
  for (size_t i = 0; i < kCount; ++i) {
    ASSERT_TRUE(db_->Put({}, key_of(i), key_of(i)).ok());
    ASSERT_TRUE(db_->Get({}, key_of(i), &value).ok()) << i;
    ASSERT_EQ(value, key_of(i));
  }
  for (size_t i = 0; i < kCount; ++i) ASSERT_TRUE(db_->Get({}, key_of(i), &value).ok()) << i;
}

TEST_F(AppendMemtableInDb, TheFilterSparesMostReadsOfAbsentKeys) {
  for (size_t i = 0; i < 10'000; ++i) {
    ASSERT_TRUE(db_->Put({}, std::to_string(i * 7919), "v").ok());
  }
  const auto before = ReadAppendMemtableCounters();
  std::string value;
  for (size_t i = 0; i < 10'000; ++i) {
    ASSERT_TRUE(db_->Get({}, "absent " + std::to_string(i), &value).IsNotFound());
  }
  EXPECT_GT(ReadAppendMemtableCounters().filtered_gets - before.filtered_gets, 9'000u);
}

TEST_F(AppendMemtableInDb, ReadersOutliveMemtables) {
#ifdef __SANITIZE_THREAD__
  GTEST_SKIP() << "RocksDB is not instrumented: its own reference counts are reported";
#endif
  std::atomic<int> written{0};
  std::atomic<bool> done{false};
  auto read = [&](uint64_t seed) {
    std::mt19937_64 random(seed);
    std::string value;
    while (!done.load()) {
      const int count = written.load();
      if (count == 0) continue;
      const int wanted = static_cast<int>(random() % static_cast<uint64_t>(count));
      ASSERT_TRUE(db_->Get({}, "key" + std::to_string(wanted), &value).ok()) << wanted;
      if (random() % 256 == 0) {
        std::unique_ptr<rocksdb::Iterator> it(db_->NewIterator({}));
        it->Seek("key" + std::to_string(wanted));
        ASSERT_TRUE(it->Valid());
      }
    }
  };
  std::thread readers[] = {std::thread(read, 1), std::thread(read, 2)};
  const std::string value(100, 'v');
  for (int i = 0; i < 100'000; ++i) {
    ASSERT_TRUE(db_->Put({}, "key" + std::to_string(i), value).ok());
    written.store(i + 1);
    if (i % 20'000 == 0) {
      ASSERT_TRUE(db_->Flush({}).ok());
    }
  }
  done.store(true);
  for (auto& reader : readers) reader.join();
  EXPECT_LE(ReadAppendMemtableCounters().reader_sorted_entries_max, kAppendReaderSortMax);
}

TEST_F(AppendMemtableInDb, IsRefusedWithConcurrentWriters) {
  options_.allow_concurrent_memtable_write = true;
  db_.reset();
  rocksdb::DB* db = nullptr;
  EXPECT_FALSE(rocksdb::DB::Open(options_, directory_, &db).ok());
}

}  // namespace
}  // namespace hearth
