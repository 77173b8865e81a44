#include "engine/store.h"

#include <rocksdb/write_batch.h>

#include "engine/rows.h"
#include "tests/engine/engine_fixture.h"

namespace hearth {
namespace {

class StoreTest : public testing::Test {
 protected:
  void SetUp() override {
    options_.dir = folder_.path();
    options_.block_cache_size_bytes = 1 << 16;
    store_ = std::make_unique<Store>(options_);
    ASSERT_TRUE(store_->Open().ok());
  }
  void TearDown() override { ASSERT_TRUE(store_->Close().ok()); }

  void Write(const std::vector<std::string>& keys) {
    rocksdb::WriteBatch batch;
    for (const std::string& key : keys) ASSERT_TRUE(batch.Put(key, "value").ok());
    ASSERT_TRUE(store_->Write(&batch, true, false).ok());
    ASSERT_TRUE(store_->Flush(true).ok());
  }
  // The bytes of all tables' filters.
  uint64_t FilterBytes() {
    const std::string text = store_->StringProperty("rocksdb.aggregated-table-properties");
    const std::string name = "filter block size=";
    return std::stoull(text.substr(text.find(name) + name.size()));
  }

  TemporaryFolder folder_;
  StoreOptions options_;
  std::unique_ptr<Store> store_;
};

constexpr size_t kRows = 20'000;

TEST_F(StoreTest, FiltersHoldNamedRowsAlone) {
  std::vector<std::string> heads, elements;
  for (size_t i = 0; i < kRows; ++i) {
    elements.push_back(ElementKey(0, 1, std::to_string(i)));
    heads.push_back(HeadKey(0, i, "key" + std::to_string(i)));
  }
  Write(elements);
  EXPECT_LT(FilterBytes(), kRows / 8);
  Write(heads);
  EXPECT_GT(FilterBytes(), kRows);
  std::string value;
  EXPECT_TRUE(store_->Get(heads[77], Store::Tier::kDisk, &value).ok());
  EXPECT_TRUE(store_->Get(elements[77], Store::Tier::kDisk, &value).ok());
  EXPECT_TRUE(store_->Get(HeadKey(0, 77, "none"), Store::Tier::kDisk, &value).IsNotFound());
  std::vector<std::string> chunks;
  for (size_t i = 0; i < kRows; ++i) {
    chunks.push_back(ElementKey(0, 2 + i, std::string_view("\0\0\0\0", 4)));
  }
  const size_t before = FilterBytes();
  Write(chunks);
  EXPECT_GT(FilterBytes(), before + kRows);
  EXPECT_TRUE(store_->Get(chunks[77], Store::Tier::kDisk, &value).ok());
}

// What the filters rule out needs no disk.
TEST_F(StoreTest, AbsentHeadRowsAreKnownFromMemory) {
  std::vector<std::string> heads;
  for (size_t i = 0; i < kRows; ++i) heads.push_back(HeadKey(0, i, "key"));
  Write(heads);
  std::string value;
  ASSERT_TRUE(store_->Get(heads[0], Store::Tier::kDisk, &value).ok());  // opens the table
  size_t known = 0;
  for (size_t i = 0; i < 1000; ++i) {
    known += store_->Get(HeadKey(0, i, "absent"), Store::Tier::kMemoryOnly, &value).IsNotFound();
  }
  EXPECT_GT(known, 950u);
}

// Ranges that begin where no row is, and that cross from one kind of rows to the next.
TEST_F(StoreTest, ScansSeeWhatFiltersDoNotHold) {
  Write({HeadKey(0, 5, "a"), HeadKey(0, 9, "b"), ElementKey(0, 3, "x"), ElementKey(0, 3, "y")});
  Write({HeadKey(0, 7, "c"), ElementKey(0, 2, "z")});
  uint64_t seq = 0;
  std::vector<std::string> found;
  const auto visit = [&](std::string_view key, std::string_view) {
    found.emplace_back(key);
    return true;
  };
  ASSERT_TRUE(store_->Scan(HeadKey(0, 6, {}), ElementKey(0, 3, "y"), &seq, visit).ok());
  EXPECT_EQ(found, (std::vector<std::string>{HeadKey(0, 7, "c"), HeadKey(0, 9, "b"),
                                             ElementKey(0, 2, "z"), ElementKey(0, 3, "x")}));
  found.clear();
  ASSERT_TRUE(store_
                  ->ScanRanges({{HeadKey(0, 4, {}), HeadKey(0, 6, {})},
                                {ElementKey(0, 3, {}), ElementKey(0, 4, {})}},
                               &seq, [&](auto key, auto value) { (void)visit(key, value); })
                  .ok());
  EXPECT_EQ(found, (std::vector<std::string>{HeadKey(0, 5, "a"), ElementKey(0, 3, "x"),
                                             ElementKey(0, 3, "y")}));
}

// Nothing is made where the store was, and what is open can still be read.
TEST_F(StoreTest, WhatIsReopenedIsTheSameStore) {
  namespace fs = std::filesystem;
  const std::string key = HeadKey(0, 1, "key");
  Write({key});
  std::string value;
  TemporaryFolder elsewhere;
  const std::string kept = elsewhere.path() + "/kept";
  fs::rename(folder_.path(), kept);
  EXPECT_FALSE(store_->Reopen().ok()) << "no directory";
  EXPECT_FALSE(fs::exists(folder_.path()));
  fs::create_directory(folder_.path());
  EXPECT_FALSE(store_->Reopen().ok()) << "an empty one";
  EXPECT_TRUE(fs::is_empty(folder_.path()));
  EXPECT_TRUE(store_->Get(key, Store::Tier::kDisk, &value).ok());
  StoreOptions others = options_;
  others.dir = elsewhere.path() + "/another";
  {
    Store another(others);
    ASSERT_TRUE(another.Open().ok());
    ASSERT_TRUE(another.Close().ok());
  }
  fs::copy(others.dir, folder_.path(), fs::copy_options::recursive);
  EXPECT_FALSE(store_->Reopen().ok()) << "another store";
  EXPECT_TRUE(store_->Get(key, Store::Tier::kDisk, &value).ok());
  fs::remove_all(folder_.path());
  fs::rename(kept, folder_.path());
  const uint64_t seq = store_->LatestSeq();
  EXPECT_TRUE(store_->Reopen(seq + 1).IsCorruption()) << "an older state of it";
  EXPECT_EQ(store_->Get(key, Store::Tier::kDisk, &value).code(), Status::Code::kIoError);
  EXPECT_TRUE(store_->Reopen(seq).ok());
  EXPECT_TRUE(store_->Get(key, Store::Tier::kDisk, &value).ok());
}

}  // namespace
}  // namespace hearth
