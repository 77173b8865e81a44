#include "engine/residency.h"

#include "tests/engine/engine_fixture.h"

namespace hearth {
namespace {

class ResidencyTest : public EngineFixture {};

TEST_F(ResidencyTest, WhatIsNotFlushedIsNotDemoted) {
  for (int i = 0; i < 100; ++i) Set("key" + std::to_string(i), "v");
  Commit();
  EXPECT_EQ(engine_->residency().DemoteAll(), 0u);
  ASSERT_TRUE(engine_->store().Flush(true).ok());
  EXPECT_EQ(engine_->residency().DemoteAll(), 100u);
}

// A deletion that is not committed must not be undone by asking the store.
TEST_F(ResidencyTest, AnUncommittedDeletionKeepsItsShardWhole) {
  Set("{t}a", "v");
  Set("{t}b", "v");
  Commit();
  ASSERT_TRUE(engine_->store().Flush(true).ok());
  InTx({"{t}a"}, [](Tx& tx) { tx.Delete("{t}a"); });
  EXPECT_EQ(engine_->residency().DemoteAll(), 0u);
  EXPECT_EQ(Get("{t}a"), "(nil)");
  Commit();
  EXPECT_EQ(engine_->residency().DemoteAll(), 1u);
  EXPECT_EQ(Get("{t}a"), "(nil)");
  EXPECT_EQ(Get("{t}b"), "v");
}

// Keys in use survive a pass that demotes what one scan brought in.
TEST_F(ResidencyTest, HotKeysOutliveAScan) {
  for (int i = 0; i < 2000; ++i) Set("cold" + std::to_string(i), std::string(100, 'c'));
  for (int i = 0; i < 200; ++i) Set("hot" + std::to_string(i), std::string(100, 'h'));
  DemoteAll();
  for (int round = 0; round < 3; ++round) {
    for (int i = 0; i < 200; ++i) Get("hot" + std::to_string(i));
  }
  for (int i = 0; i < 2000; ++i) Get("cold" + std::to_string(i));
  const size_t half = engine_->keyspace().ResidentBytes() / 2;
  engine_->residency().Demote(half);
  int hot = 0;
  for (int i = 0; i < 200; ++i) {
    const std::string key = "hot" + std::to_string(i);
    const KeyRef ref(0, key);
    Shard& shard = engine_->keyspace().shard(engine_->keyspace().ShardIndex(ref.position));
    hot += shard.dbs[0].table->Find(ref.position, key) != nullptr;
  }
  EXPECT_GT(hot, 180);
}

TEST_F(ResidencyTest, AVictimFollowsThePolicy) {
  Set("plain", "v");
  Set("soon", "v", Expiry::AtMs(clock_.WallMs() + 1000));
  Set("late", "v", Expiry::AtMs(clock_.WallMs() + 100000));
  engine_->residency().SetLimit(1, MemoryPolicy::kVolatileTtl, 1000);
  uint32_t db;
  std::string key;
  size_t size;
  ASSERT_TRUE(engine_->residency().PickVictim(clock_.WallMs(), 42, &db, &key, &size));
  EXPECT_EQ(key, "soon");
  engine_->residency().SetLimit(1, MemoryPolicy::kAllKeysLru, 1000);
  clock_.AdvanceMs(5000);
  Get("plain");
  Get("late");
  Get("soon");
  Set("plain", "w");
  ASSERT_TRUE(engine_->residency().PickVictim(clock_.WallMs(), 7, &db, &key, &size));
}

}  // namespace
}  // namespace hearth
