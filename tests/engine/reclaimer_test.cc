// What range deletions leave on the disk is given back, when it is worth it.
#include "engine/reclaimer.h"

#include <rocksdb/write_batch.h>

#include "engine/rows.h"
#include "tests/engine/engine_fixture.h"

namespace hearth {
namespace {

constexpr size_t kRowBytes = 1000;

class ReclaimerTest : public testing::Test {
 protected:
  void SetUp() override {
    StoreOptions options;
    options.dir = folder_.path();
    options.on_range_dropped = [this](std::string_view from, std::string_view to) {
      reclaimer_->Note(from, to);
    };
    store_ = std::make_unique<Store>(options);
    ASSERT_TRUE(store_->Open().ok());
    reclaimer_ = std::make_unique<Reclaimer>(*store_, [](int, const std::string&) {});
  }
  void TearDown() override {
    reclaimer_->Stop();
    ASSERT_TRUE(store_->Close().ok());
  }

  static Store::Range RangeOf(uint64_t object_id) {
    return {ElementKey(0, object_id, {}), ElementKey(0, object_id + 1, {})};
  }
  // An object of so many rows, in a table file.
  void Write(uint64_t object_id, size_t row_count) {
    rocksdb::WriteBatch batch;
    uint64_t random = 1;
    for (size_t i = 0; i < row_count; ++i) {
      std::string value;
      for (; value.size() < kRowBytes; value += static_cast<char>(random >> 40)) {
        random = random * 6364136223846793005 + 1442695040888963407;
      }
      ASSERT_TRUE(batch.Put(ElementKey(0, object_id, std::to_string(i)), value).ok());
    }
    ASSERT_TRUE(store_->Write(&batch, true, false).ok());
    ASSERT_TRUE(store_->Flush(true).ok());
  }
  void Drop(uint64_t object_id) {
    rocksdb::WriteBatch batch;
    const Store::Range range = RangeOf(object_id);
    ASSERT_TRUE(batch.DeleteRange(range.from, range.to).ok());
    ASSERT_TRUE(store_->Write(&batch, true, false).ok());
  }

  TemporaryFolder folder_;
  std::unique_ptr<Store> store_;
  std::unique_ptr<Reclaimer> reclaimer_;
};

TEST_F(ReclaimerTest, TheSpaceOfADroppedObjectComesBack) {
  Write(1, 30'000);
  Write(2, 100);
  EXPECT_GT(store_->ApproximateBytes(RangeOf(1)), kReclaimBytesMin);
  Drop(1);
  EXPECT_GT(reclaimer_->Reclaim(1), kReclaimBytesMin);
  EXPECT_EQ(store_->ApproximateBytes(RangeOf(1)), 0u);
  EXPECT_GT(store_->ApproximateBytes(RangeOf(2)), 0u);
  std::string value;
  EXPECT_TRUE(store_->Get(ElementKey(0, 2, "7"), Store::Tier::kDisk, &value).ok());
  EXPECT_EQ(reclaimer_->Reclaim(1), 0u);
}

TEST_F(ReclaimerTest, AViewKeepsWhatItSaw) {
  Write(1, 20'000);
  const auto view = std::make_unique<StoreView>(*store_);
  Drop(1);
  EXPECT_GT(reclaimer_->Reclaim(1), 0u);
  std::string value;
  EXPECT_TRUE(view->Get(ElementKey(0, 1, "7"), &value).ok());
}

TEST_F(ReclaimerTest, ALittleIsLeftUntilThereIsMore) {
  Write(1, 9'000);
  Write(2, 9'000);
  Drop(1);
  EXPECT_EQ(reclaimer_->Reclaim(1), 0u);
  EXPECT_GT(store_->ApproximateBytes(RangeOf(1)), 0u);
  Drop(2);
  EXPECT_GT(reclaimer_->Reclaim(1), kReclaimBytesMin);
  EXPECT_EQ(store_->ApproximateBytes(RangeOf(1)), 0u);
}

// Where a compaction would rewrite much more than it gives back, the usual ones come first.
TEST_F(ReclaimerTest, WhatCostsMuchWaits) {
  Write(1, 18'000);
  Write(2, 90'000);
  Drop(1);
  reclaimer_->Tick(1);  // begins the wait; what it does on its thread is the same
  reclaimer_->Stop();
  EXPECT_EQ(reclaimer_->Reclaim(2), 0u);
  EXPECT_GT(reclaimer_->Reclaim(2 + kReclaimWaitUs), kReclaimBytesMin);
  EXPECT_EQ(store_->ApproximateBytes(RangeOf(1)), 0u);
}

TEST_F(ReclaimerTest, RangesBeyondTheBoundAreForgotten) {
  Write(1, 20'000);
  Drop(1);
  for (size_t i = 0; i < Reclaimer::kRangesMax; ++i) reclaimer_->Note("a", "b");
  EXPECT_EQ(reclaimer_->Reclaim(1), 0u);
}

// The keeper's Tick does it by itself, on a thread of the reclaimer.
TEST_F(ReclaimerTest, ATickIsEnough) {
  Write(1, 20'000);
  Drop(1);
  reclaimer_->Tick(1);
  const auto until = std::chrono::steady_clock::now() + std::chrono::seconds(60);
  while (reclaimer_->reclaimed_bytes() == 0 && std::chrono::steady_clock::now() < until) {
    std::this_thread::yield();
  }
  EXPECT_EQ(store_->ApproximateBytes(RangeOf(1)), 0u);
}

TEST_F(ReclaimerTest, AStoreThatIsReopenedWaitsForNone) {
  Write(1, 20'000);
  Drop(1);
  reclaimer_->Tick(1);
  EXPECT_TRUE(store_->Reopen().ok());
  reclaimer_->Stop();
  std::string value;
  EXPECT_TRUE(store_->Get(ElementKey(0, 1, "7"), Store::Tier::kDisk, &value).IsNotFound());
}

}  // namespace
}  // namespace hearth
