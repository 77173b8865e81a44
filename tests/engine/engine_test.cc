#include "engine/engine.h"

#include "tests/engine/engine_fixture.h"

namespace hearth {
namespace {

class EngineTest : public EngineFixture {};

TEST_F(EngineTest, ResidentKeysExpireByThemselves) {
  for (int i = 0; i < 50; ++i) {
    Set("key" + std::to_string(i), "v", Expiry::AtMs(clock_.WallMs() + 100));
  }
  Set("stays", "v");
  EXPECT_EQ(engine_->ExpireSome(100), 0u);
  clock_.AdvanceMs(200);
  size_t expired = 0;
  for (int i = 0; i < 10; ++i) expired += engine_->ExpireSome(100);
  EXPECT_EQ(expired, 50u);
  EXPECT_EQ(engine_->keyspace().KeyCount(0), 1u);
  EXPECT_EQ(Differences(), "");
}

TEST_F(EngineTest, ColdKeysExpireByThemselves) {
  for (int i = 0; i < 50; ++i) {
    Set("key" + std::to_string(i), "v", Expiry::AtMs(clock_.WallMs() + 100));
  }
  Set("stays", "v");
  DemoteAll();
  Reopen();
  clock_.AdvanceMs(2000);
  for (int i = 0; i < 20; ++i) engine_->KeeperTick();
  EXPECT_EQ(engine_->keyspace().KeyCount(0), 1u);
  EXPECT_EQ(Differences(), "");
}

TEST_F(EngineTest, TheReplicationIdSurvivesARestart) {
  const std::string id = engine_->log().replication_id();
  EXPECT_EQ(id.size(), 40u);
  Reopen();
  EXPECT_EQ(engine_->log().replication_id(), id);
}

TEST_F(EngineTest, TooLittleFreeSpaceRefusesWritesUntilThereIsEnough) {
  engine_->SetDiskFreeMin(UINT64_MAX, 0);
  engine_->KeeperTick();
  std::string reason;
  EXPECT_FALSE(engine_->WritesAllowed(&reason));
  EXPECT_NE(reason.find("disk-free-min"), std::string::npos) << reason;
  engine_->SetDiskFreeMin(0, 0);
  clock_.AdvanceMs(1000);
  engine_->KeeperTick();
  EXPECT_TRUE(engine_->WritesAllowed(&reason));
}

// A script may hold its turn at the log for minutes.
TEST_F(EngineTest, WhatIsCommittedIsSyncedWhileATransactionTakesLong) {
  ASSERT_TRUE(engine_->SetSyncPolicy(SyncPolicy::kEverySec).ok());
  CommitLog& log = engine_->log();
  Set("committed", "1");
  Commit();
  InTx({"key"}, [&](Tx& tx) {
    tx.SetString("key", "v", Expiry::None());
    tx.LetGoOfLog();
    clock_.AdvanceMs(2000);
    engine_->KeeperTick();
    EXPECT_EQ(log.synced_seq(), log.committed_seq());
    EXPECT_LT(log.committed_seq(), log.joined_seq());
  });
}

TEST_F(EngineTest, WithoutAWalARestartStillHoldsWhatAShutdownFlushed) {
  ASSERT_TRUE(engine_->SetSyncPolicy(SyncPolicy::kOff).ok());
  Set("off", "1");
  Commit();
  ASSERT_TRUE(engine_->SetSyncPolicy(SyncPolicy::kEverySec).ok());
  Set("on", "2");
  Commit();
  ASSERT_TRUE(engine_->SetSyncPolicy(SyncPolicy::kOff).ok());
  Set("off-again", "3");
  Reopen();
  EXPECT_EQ(Get("off"), "1");
  EXPECT_EQ(Get("on"), "2");
  EXPECT_EQ(Get("off-again"), "3");
  EXPECT_EQ(Differences(), "");
}

class WarmEngineTest : public EngineTest {};

TEST_F(WarmEngineTest, AWarmedStoreAnswersWithoutTheDisk) {
  for (int i = 0; i < 5000; ++i) Set("key" + std::to_string(i), std::to_string(i));
  ASSERT_TRUE(engine_->Shutdown().ok());
  EngineOptions options = Options();
  options.warm_on_start = true;
  std::mutex mutex;
  std::condition_variable told;
  bool warmed = false;
  options.log = [&](int, const std::string& line) {
    std::lock_guard lock(mutex);
    warmed |= line.starts_with("Warm-up");
    told.notify_all();
  };
  engine_.reset();
  ASSERT_TRUE(Engine::Open(std::move(options), &engine_).ok());
  {
    std::unique_lock lock(mutex);
    told.wait(lock, [&] { return warmed; });
  }
  EXPECT_EQ(engine_->keyspace().ResidentCount(), 5000u);
  const uint64_t misses = engine_->keyspace().CounterSum(&ShardCounters::misses);
  EXPECT_EQ(Get("key1234"), "1234");
  EXPECT_EQ(Get("nothing"), "(nil)");
  EXPECT_EQ(engine_->keyspace().CounterSum(&ShardCounters::misses), misses);
  EXPECT_EQ(Differences(), "");
  engine_.reset();
}

}  // namespace
}  // namespace hearth
