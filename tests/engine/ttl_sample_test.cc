#include "engine/ttl_sample.h"

#include "tests/engine/engine_fixture.h"

namespace hearth {
namespace {

using TtlSampleTest = EngineFixture;

TEST_F(TtlSampleTest, IsTheMeanOfWhatIsStillToLive) {
  const int64_t now_ms = clock_.WallMs();
  const auto sample = [&] { return SampleTtl(engine_->keyspace(), 0, now_ms); };
  for (int i = 0; i < 10; ++i) Set("stays:" + std::to_string(i), "v");
  EXPECT_EQ(sample(), 0);
  for (int i = 1; i <= 9; ++i) {
    Set("goes:" + std::to_string(i), "v", Expiry::AtMs(now_ms + i * 1000));
  }
  Set("gone", "v", Expiry::AtMs(now_ms - 1000));
  EXPECT_EQ(sample(), 5000);
  EXPECT_EQ(SampleTtl(engine_->keyspace(), 1, now_ms), 0);
}

TEST_F(TtlSampleTest, OfManyKeysSomeAreAsked) {
  const int64_t now_ms = clock_.WallMs();
  for (int i = 0; i < 20'000; ++i) {
    Set("key:" + std::to_string(i), "v", Expiry::AtMs(now_ms + 1000 + i % 2000));
  }
  const int64_t mean_ms = SampleTtl(engine_->keyspace(), 0, now_ms);
  EXPECT_GT(mean_ms, 1000);
  EXPECT_LT(mean_ms, 3000);
}

TEST_F(TtlSampleTest, AHeldShardIsPassedOver) {
  Set("key", "v", Expiry::AtMs(clock_.WallMs() + 1000));
  Keyspace& keyspace = engine_->keyspace();
  const std::lock_guard lock(keyspace.shard(keyspace.ShardIndex(KeyRef(0, "key").position)).mutex);
  int64_t mean_ms = -1;
  std::thread([&] { mean_ms = SampleTtl(keyspace, 0, clock_.WallMs()); }).join();
  EXPECT_EQ(mean_ms, 0);
}

}  // namespace
}  // namespace hearth
