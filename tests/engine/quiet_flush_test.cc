// A memtable that no longer grows is written out.
#include "engine/quiet_flush.h"

#include <rocksdb/write_batch.h>

#include <string>
#include <thread>

#include "tests/engine/engine_fixture.h"

namespace hearth {
namespace {

class QuietFlushTest : public testing::Test {
 protected:
  void SetUp() override {
    StoreOptions options;
    options.dir = folder_.path();
    options.write_buffer_size_bytes = 8 << 20;
    store_ = std::make_unique<Store>(options);
    ASSERT_TRUE(store_->Open().ok());
    quiet_flush_ = std::make_unique<QuietFlush>(*store_);
  }
  void TearDown() override { ASSERT_TRUE(store_->Close().ok()); }

  void Write(size_t bytes) {
    rocksdb::WriteBatch batch;
    ASSERT_TRUE(batch.Put("key:" + std::to_string(++key_), std::string(bytes, 'v')).ok());
    ASSERT_TRUE(store_->Write(&batch, true, false).ok());
  }

  TemporaryFolder folder_;
  std::unique_ptr<Store> store_;
  std::unique_ptr<QuietFlush> quiet_flush_;
  int key_ = 0;
};

TEST_F(QuietFlushTest, ABurstIsWrittenOutOnceItIsOver) {
  for (int i = 0; i < 5; ++i) {
    Write(1 << 20);
    quiet_flush_->Tick();
    EXPECT_EQ(quiet_flush_->flush_count(), 0u) << "still written";
  }
  Write(1000);  // hardly anything
  const uint64_t seq = store_->LatestSeq();
  quiet_flush_->Tick();
  EXPECT_EQ(quiet_flush_->flush_count(), 1u);
  while (store_->flushed_seq() < seq) std::this_thread::yield();
  quiet_flush_->Tick();
  quiet_flush_->Tick();
  EXPECT_EQ(quiet_flush_->flush_count(), 1u) << "nothing is left";
}

TEST_F(QuietFlushTest, LittleStaysInMemory) {
  Write(500'000);
  for (int i = 0; i < 5; ++i) quiet_flush_->Tick();
  EXPECT_EQ(quiet_flush_->flush_count(), 0u);
  Write(700'000);
  quiet_flush_->Tick();
  EXPECT_EQ(quiet_flush_->flush_count(), 0u) << "still written";
  quiet_flush_->Tick();
  EXPECT_EQ(quiet_flush_->flush_count(), 1u);
}

}  // namespace
}  // namespace hearth
