#include "engine/engine.h"

#include <future>

#include "engine/set.h"
#include "tests/engine/engine_fixture.h"

namespace hearth {
namespace {

class EngineTest : public EngineFixture {};

std::vector<KeyRef> KeyRefs(const std::vector<std::string>& names) {
  std::vector<KeyRef> refs;
  for (const std::string& name : names) refs.emplace_back(0, name);
  return refs;
}

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
  EXPECT_EQ(engine_->log().committed_seq(), engine_->log().joined_seq());
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
  EXPECT_EQ(engine_->log().committed_seq(), engine_->log().joined_seq());
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

// Reads the keys beside each other, so that several readers take part.
class LoadTest : public EngineTest {
 protected:
  Status Load(std::span<const KeyRef> keys, std::span<const KeyRef> soon) {
    std::promise<Status> done;
    engine_->LoadAsync(keys, soon, [&done](Status status) { done.set_value(std::move(status)); });
    return done.get_future().get();
  }

  size_t CountUnknown(std::span<const KeyRef> keys) {
    return engine_->keyspace().Unknown(keys, keys.size()).size();
  }
};

TEST_F(LoadTest, KeysAreReadWithThoseThatAreWantedSoon) {
  std::vector<std::string> names;
  for (int i = 0; i < 300; ++i) names.push_back("key" + std::to_string(i));
  for (const std::string& name : names) Set(name, name);
  const std::vector<KeyRef> keys(KeyRefs(names));
  DemoteAll();
  EXPECT_EQ(CountUnknown(keys), keys.size());
  EXPECT_EQ(engine_->keyspace().Unknown(keys, 7).size(), 7u);
  const std::span<const KeyRef> all(keys);
  EXPECT_TRUE(Load(all.first(1), {}).ok());
  EXPECT_EQ(CountUnknown(keys), keys.size() - 1);
  EXPECT_TRUE(Load(all.first(101), all.subspan(101, 99)).ok());
  EXPECT_EQ(CountUnknown(all.first(200)), 0u);
  EXPECT_EQ(CountUnknown(all.subspan(200)), 100u);
  for (const std::string& name : names) EXPECT_EQ(Get(name), name);
  EXPECT_EQ(Differences(), "");
}

// What may be big is read for those alone who wait for it.
TEST_F(LoadTest, CollectionsWithRowsAreNotReadAhead) {
  InTx({"set"}, [](Tx& tx) {
    SetKey set(tx, "set", tx.Find("set"));
    for (int i = 0; i < 2000; ++i) set.Add("member" + std::to_string(i));
  });
  Set("small", "v");
  const std::vector<std::string> names = {"set", "small"};
  const std::vector<KeyRef> keys(KeyRefs(names));
  DemoteAll();
  EXPECT_TRUE(Load(std::span(keys).last(1), keys).ok());
  EXPECT_EQ(CountUnknown(keys), 1u);
  EXPECT_TRUE(Load(keys, {}).ok());
  EXPECT_EQ(CountUnknown(keys), 0u);
}

// However many big values a batch asks for, few are in memory before their turn.
TEST_F(LoadTest, FewBigValuesAreReadAhead) {
  std::vector<std::string> names;
  for (int i = 0; i < 64; ++i) names.push_back("key" + std::to_string(i));
  for (const std::string& name : names) Set(name, std::string(2 << 20, 'v'));
  const std::vector<KeyRef> keys(KeyRefs(names));
  DemoteAll();
  EXPECT_TRUE(Load(std::span(keys).first(1), std::span(keys).subspan(1)).ok());
  EXPECT_LT(keys.size() - CountUnknown(keys), 9u);  // 4 MB, and one more each reader
}

class WarmEngineTest : public EngineTest {};

// Each look is a minute behind the last: whatever is told now and then is told each time.
class HastyClock final : public Clock {
 public:
  int64_t WallMs() const override { return clock_.WallMs(); }
  int64_t MonotonicUs() const override { return now_us_ += 60'000'000; }

 private:
  ManualClock clock_;
  mutable std::atomic<int64_t> now_us_{0};
};

// As a full resync's switch does it, which may end before the warm-up of what it replaces.
TEST_F(WarmEngineTest, WhatIsForgottenWhileItIsWarmedIsReadAgain) {
  for (int i = 0; i < 100; ++i) Set("key" + std::to_string(i), std::to_string(i));
  ASSERT_TRUE(engine_->Shutdown().ok());
  engine_.reset();
  HastyClock clock;
  EngineOptions options = Options();
  options.clock = &clock;
  options.warm_on_start = true;
  options.shard_count = 1;
  std::mutex mutex;
  std::condition_variable changed;
  bool opened = false, warmed = false;
  int forgotten_count = 0;
  options.log = [&](int, const std::string& line) {
    if (!line.starts_with("Warm-up")) return;
    std::unique_lock lock(mutex);
    changed.wait(lock, [&] { return opened; });
    if (line.ends_with("so far")) {
      std::lock_guard shard_lock(engine_->keyspace().shard(0).mutex);
      engine_->keyspace().ForgetAll();
      ++forgotten_count;
    } else {
      warmed = true;
    }
    changed.notify_all();
  };
  ASSERT_TRUE(Engine::Open(std::move(options), &engine_).ok());
  {
    std::unique_lock lock(mutex);
    opened = true;
    changed.notify_all();
    changed.wait(lock, [&] { return warmed; });
  }
  EXPECT_GT(forgotten_count, 0);
  for (int i = 0; i < 100; ++i) EXPECT_EQ(Get("key" + std::to_string(i)), std::to_string(i));
  EXPECT_EQ(Differences(), "");
  engine_.reset();
}

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
