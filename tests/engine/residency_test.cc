#include "engine/residency.h"

#include <random>
#include <set>

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

// Neither idle since 1970, nor never used: as a new one.
TEST_F(ResidencyTest, AKeyThatIsLoadedCountsAsUsedThen) {
  Set("k", "v");
  DemoteAll();
  clock_.AdvanceMs(60'000);
  InTx({"k"}, [&](Tx& tx) {
    EXPECT_EQ(tx.Peek(0, "k")->access, static_cast<uint32_t>(clock_.WallMs() / 1000));
  });
}

// Each database has its own hands: a demotion takes from both in proportion, and a sweep for
// expired keys goes on in each where it ended.
TEST_F(ResidencyTest, DatabasesAreDemotedInProportion) {
  for (int i = 0; i < 4000; ++i) Set("k" + std::to_string(i), std::string(100, 'a'));
  for (int i = 0; i < 1000; ++i) {
    Set("k" + std::to_string(i), std::string(100, 'b'), Expiry::None(), /*db=*/5);
  }
  Commit();
  ASSERT_TRUE(engine_->store().Flush(true).ok());
  for (int round = 0; round < 4; ++round) {  // takes the heat that the writes left
    engine_->residency().Demote(engine_->keyspace().ResidentBytes() / 10);
  }
  size_t left[2] = {0, 0};
  for (uint32_t index = 0; index < engine_->keyspace().shard_count(); ++index) {
    Shard& shard = engine_->keyspace().shard(index);
    for (int i = 0; i < 2; ++i) left[i] += shard.dbs[i == 0 ? 0 : 5].table->size();
  }
  EXPECT_GT(left[0], 1500u);
  EXPECT_GT(left[1], 400u);
  EXPECT_LT(left[0], 3500u);
  EXPECT_LT(left[1], 900u);
}

TEST_F(ResidencyTest, ExpiredKeysOfEveryDatabaseAreSwept) {
  // The databases' keys of one shard stand in different places.
  for (int i = 0; i < 3000; ++i) {
    Set("{a}" + std::to_string(i), "v", Expiry::AtMs(clock_.WallMs() + 1000), /*db=*/0);
    Set("{a}x" + std::to_string(i), "v", Expiry::AtMs(clock_.WallMs() + 1000), /*db=*/1);
  }
  Commit();
  clock_.AdvanceMs(2000);
  uint64_t before[2] = {3000, 3000};
  while (engine_->keyspace().KeyCount(0) + engine_->keyspace().KeyCount(1) > 0) {
    ASSERT_GT(engine_->ExpireSome(200), 0u);
    for (uint32_t db = 0; db < 2; ++db) {
      const uint64_t now = engine_->keyspace().KeyCount(db);
      EXPECT_TRUE(now < before[db] || now == 0) << "database " << db;
      before[db] = now;
    }
  }
}

TEST_F(ResidencyTest, SwappingMovesTheHandsAndFlushingResetsThem) {
  for (int i = 0; i < 3000; ++i) {
    Set("{a}" + std::to_string(i), "v", Expiry::AtMs(clock_.WallMs() + 100000));
  }
  Commit();
  (void)engine_->ExpireSome(200);
  Shard& shard = engine_->keyspace().shard(engine_->keyspace().ShardIndex(PositionOf("{a}")));
  const uint64_t hand = shard.dbs[0].expire_hand.position;
  ASSERT_NE(hand, 0u);
  const auto all = [&](auto change) {
    Tx tx(engine_->keyspace(), {}, clock_.WallMs(), {.write = true, .lock_all = true});
    change(tx);
  };
  all([](Tx& tx) { tx.SwapDb(0, 3); });
  EXPECT_EQ(shard.dbs[3].expire_hand.position, hand);
  EXPECT_EQ(shard.dbs[0].expire_hand.position, 0u);
  all([](Tx& tx) { tx.FlushDb(3); });
  EXPECT_EQ(shard.dbs[3].expire_hand.position, 0u);
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

// Deletes what the policy picks, so many times; the deleted keys.
class VictimTest : public ResidencyTest {
 protected:
  std::set<std::string> Evict(size_t count) {
    std::set<std::string> evicted;
    uint32_t db;
    std::string key;
    size_t size;
    for (size_t i = 0; i < count; ++i) {
      if (!engine_->residency().PickVictim(clock_.WallMs(), random_(), &db, &key, &size)) break;
      InTx({key}, [&](Tx& tx) { EXPECT_TRUE(tx.Delete(key)); });
      evicted.insert(key);
    }
    return evicted;
  }

  std::mt19937_64 random_{7};
};

TEST_F(VictimTest, WhatIsUsedStaysAndNoSlotIsPreferred) {
  constexpr int kCount = 20'000;
  for (int i = 0; i < kCount; ++i) Set("key:" + std::to_string(i), "v");
  // A hash tag: many keys of one slot are chosen as often as they are.
  for (int i = 0; i < kCount; ++i) Set("{tag}" + std::to_string(i), "v");
  clock_.AdvanceMs(1'000'000);
  for (int i = 0; i < kCount; i += 4) {
    Get("key:" + std::to_string(i));
    Get("{tag}" + std::to_string(i));
  }
  for (const MemoryPolicy policy : {MemoryPolicy::kAllKeysLru, MemoryPolicy::kAllKeysRandom}) {
    engine_->residency().SetLimit(1, policy, 5);
    size_t used = 0, tagged = 0, high = 0;
    const std::set<std::string> evicted = Evict(kCount / 4);
    EXPECT_EQ(evicted.size(), kCount / 4u);
    for (const std::string& key : evicted) {
      used += std::stoi(key.substr(key.find_first_of(":}") + 1)) % 4 == 0;
      tagged += key[0] == '{';
      high += PositionHashOf(key) >> (kPositionHashBits - 1);
    }
    const double share = static_cast<double>(evicted.size());
    if (policy == MemoryPolicy::kAllKeysLru) {
      EXPECT_LT(static_cast<double>(used) / share, 0.02) << "a quarter is used";
    }
    EXPECT_NEAR(static_cast<double>(tagged) / share, 0.5, 0.1);
    EXPECT_NEAR(static_cast<double>(high) / share, 0.5, 0.05) << "of the hashes in a slot";
  }
}

TEST_F(VictimTest, RareKeysThatExpireAreFound) {
  for (int i = 0; i < 20'000; ++i) {
    const bool expires = i % 1000 == 0;
    Set("key:" + std::to_string(i), "v",
        expires ? Expiry::AtMs(clock_.WallMs() + 1'000'000) : Expiry::None());
  }
  for (const MemoryPolicy policy : {MemoryPolicy::kVolatileLru, MemoryPolicy::kVolatileLfu,
                                    MemoryPolicy::kVolatileRandom, MemoryPolicy::kVolatileTtl}) {
    engine_->residency().SetLimit(1, policy, 5);
    EXPECT_EQ(Evict(5).size(), 5u);
  }
  EXPECT_EQ(Evict(1).size(), 0u) << "the others don't expire";
}

// Reading beyond the limit forgets what was read, and evicts nothing.
// What else takes memory comes and goes: not all keys are evicted for it.
TEST_F(ResidencyTest, EvictionsLeaveTheKeysAShareOfTheLimit) {
  constexpr size_t kLimit = 16 << 20;
  const std::string ballast(2 * kLimit, 'x');
  for (int i = 0; i < 100; ++i) Set("key" + std::to_string(i), std::string(1000, 'v'));
  engine_->residency().SetLimit(kLimit, MemoryPolicy::kAllKeysLru, 5);
  EXPECT_LE(engine_->residency().excess_bytes(), 0);
  engine_->residency().SetLimit(kLimit, MemoryPolicy::kNoEviction, 5);
  EXPECT_GT(engine_->residency().excess_bytes(), 0);
  for (int i = 0; i < 400; ++i) Set("big" + std::to_string(i), std::string(10'000, 'v'));
  engine_->residency().SetLimit(kLimit, MemoryPolicy::kAllKeysLru, 5);
  const auto resident = static_cast<int64_t>(engine_->keyspace().ResidentBytes());
  EXPECT_EQ(engine_->residency().excess_bytes(), resident - static_cast<int64_t>(kLimit / 8));
  EXPECT_EQ(ballast.size(), 2 * kLimit);
}

TEST_F(ResidencyTest, WhatReadsLoadGoesBackToTheStoreUnderEveryPolicy) {
  const std::string value(1000, 'v');
  for (int i = 0; i < 500; ++i) Set("cold:" + std::to_string(i), value);
  DemoteAll();
  for (const MemoryPolicy policy : {MemoryPolicy::kNoEviction, MemoryPolicy::kAllKeysLru}) {
    for (int i = 0; i < 100; ++i) Set("written:" + std::to_string(i), value);
    Commit();
    ASSERT_TRUE(engine_->store().Flush(true).ok());
    engine_->residency().SetLimit(1, policy, 5);
    engine_->residency().Tick();
    const size_t written = engine_->keyspace().ResidentCount();
    EXPECT_GE(written, 100u);
    for (int i = 0; i < 500; ++i) EXPECT_EQ(Get("cold:" + std::to_string(i)), value);
    EXPECT_GE(engine_->keyspace().ResidentCount(), written + 500);
    engine_->residency().Tick();
    EXPECT_LE(engine_->keyspace().ResidentCount(), written + 20);
    engine_->residency().Tick();
    EXPECT_GE(engine_->keyspace().ResidentCount(), written / 2) << "only so much is owed";
    engine_->residency().SetLimit(0, policy, 5);
  }
  EXPECT_EQ(engine_->log().KeyCount(0), 600u);
}

}  // namespace
}  // namespace hearth
