#include "engine/shard_lease.h"

#include <thread>

#include "engine/keyspace.h"
#include "engine/list.h"
#include "tests/engine/engine_fixture.h"

namespace hearth {
namespace {

class ShardLeaseTest : public EngineFixture {
 protected:
  // Whether another thread may have the shard of the key.
  bool IsFree(std::string_view key) {
    bool is_free = false;
    std::thread([&] {
      Keyspace& keyspace = engine_->keyspace();
      std::mutex& mutex = keyspace.shard(keyspace.ShardIndex(KeyRef(0, key).position)).mutex;
      is_free = mutex.try_lock();
      if (is_free) mutex.unlock();
    }).join();
    return is_free;
  }
};

TEST_F(ShardLeaseTest, TheLockStaysUntilItIsReleased) {
  ShardLease lease;
  EXPECT_EQ(ShardLease::Current(), &lease);
  Set("k", "1");
  EXPECT_TRUE(IsFree("k"));  // nobody wanted it
  lease.set_wanted(true);
  Set("k", "2");
  EXPECT_TRUE(lease.is_held());
  EXPECT_FALSE(IsFree("k"));
  lease.Release();
  EXPECT_FALSE(lease.is_held());
  EXPECT_TRUE(IsFree("k"));
}

TEST_F(ShardLeaseTest, TheScopeReleases) {
  {
    ShardLease lease;
    lease.set_wanted(true);
    Set("k", "1");
    EXPECT_FALSE(IsFree("k"));
  }
  EXPECT_TRUE(IsFree("k"));
  EXPECT_EQ(ShardLease::Current(), nullptr);
}

TEST_F(ShardLeaseTest, TheNextTxOfTheShardTakesItOver) {
  ShardLease lease;
  lease.set_wanted(true);
  Set("k", "1");
  InTx({"k"}, [&](Tx& tx) {
    EXPECT_FALSE(lease.is_held());
    EXPECT_FALSE(IsFree("k"));
    tx.SetString("k", "2", Expiry::None());
  });
  EXPECT_TRUE(lease.is_held());
  lease.set_wanted(false);
  EXPECT_EQ(Get("k"), "2");
  EXPECT_TRUE(IsFree("k"));
}

// Shards are locked in ascending order: whoever needs others must not hold one meanwhile.
TEST_F(ShardLeaseTest, ATxOfOtherShardsHasItReleased) {
  ShardLease lease;
  lease.set_wanted(true);
  Set("a", "1");
  InTx({"b"}, [&](Tx&) { EXPECT_TRUE(IsFree("a")); });
  EXPECT_TRUE(lease.is_held());
  EXPECT_FALSE(IsFree("b"));
  InTx({"a", "b"}, [&](Tx&) { EXPECT_FALSE(lease.is_held()); });
  EXPECT_FALSE(lease.is_held());  // two are not kept
  EXPECT_TRUE(IsFree("a"));
  EXPECT_TRUE(IsFree("b"));
}

TEST_F(ShardLeaseTest, ATxOfAllShardsLeavesThemToTheNextOfItsKind) {
  ShardLease lease;
  lease.set_wanted(true);
  Set("a", "1");
  const auto lock_all = [this](const std::function<void(Tx&)>& body) {
    Tx tx(engine_->keyspace(), {}, clock_.WallMs(), {.write = true, .lock_all = true});
    body(tx);
    EXPECT_TRUE(Tx::ThreadHoldsAll());
  };
  lock_all([&](Tx&) { EXPECT_FALSE(lease.is_held()); });
  EXPECT_FALSE(Tx::ThreadHoldsAll());
  EXPECT_TRUE(lease.is_held());
  EXPECT_FALSE(IsFree("a"));
  EXPECT_FALSE(IsFree("b"));
  lock_all([&](Tx& tx) { tx.FlushDb(0); });
  InTx({"a"}, [&](Tx&) { EXPECT_TRUE(IsFree("b")); });
  EXPECT_FALSE(IsFree("a"));
  lease.Release();
  lock_all([](Tx&) {});
  lease.Release();
  EXPECT_TRUE(IsFree("a"));
  EXPECT_TRUE(IsFree("b"));
}

// Those who serve waiting clients may take any lock.
TEST_F(ShardLeaseTest, ATxThatTellsOfAReadyKeyKeepsNothing) {
  ShardLease lease;
  lease.set_wanted(true);
  bool was_told = false;
  engine_->keyspace().SetHasWaiters(true);
  engine_->keyspace().SetReadyListener([&](const std::vector<ReadyKey>&) {
    was_told = true;
    EXPECT_TRUE(IsFree("k"));
  });
  InTx({"k"}, [](Tx& tx) { ListKey(tx, "k", tx.Find("k")).Push(ListEnd::kTail, "a"); });
  EXPECT_TRUE(was_told);
  EXPECT_FALSE(lease.is_held());
  engine_->keyspace().SetReadyListener(nullptr);
}

// Events of a key come in the order of its changes.
TEST_F(ShardLeaseTest, EventsAreToldBeforeTheirKeysAreUnlocked) {
  int told_count = 0;
  engine_->keyspace().SetEventClasses(static_cast<uint32_t>(EventClass::kString));
  engine_->keyspace().SetEventListener([&](const std::vector<KeyEvent>& events, uint64_t) {
    EXPECT_EQ(events.size(), 1u);
    ++told_count;
    EXPECT_FALSE(IsFree("k"));
  });
  const auto notify = [](Tx& tx) { tx.Notify(EventClass::kString, "set", "k"); };
  InTx({"k"}, notify);
  EXPECT_TRUE(IsFree("k"));
  {
    ShardLease lease;
    lease.set_wanted(true);
    InTx({"k"}, notify);
    EXPECT_FALSE(lease.is_held()) << "what is told is delivered next";
  }
  EXPECT_EQ(told_count, 2);
  engine_->keyspace().SetEventListener(nullptr);
}

TEST_F(ShardLeaseTest, TheInnermostCounts) {
  ShardLease outer;
  outer.set_wanted(true);
  Set("k", "1");
  {
    ShardLease inner;
    EXPECT_EQ(ShardLease::Current(), &inner);
    EXPECT_TRUE(IsFree("k"));
    Set("k", "2");
    EXPECT_TRUE(IsFree("k"));  // the outer's wish is not the inner's
  }
  EXPECT_EQ(ShardLease::Current(), &outer);
}

}  // namespace
}  // namespace hearth
