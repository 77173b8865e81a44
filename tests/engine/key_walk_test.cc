#include "engine/key_walk.h"

#include <map>
#include <random>

#include "tests/engine/engine_fixture.h"

namespace hearth {
namespace {

class KeyWalkTest : public EngineFixture {
 protected:
  // Counts the keys of a page; returns where the next begins.
  uint64_t WalkPage(uint64_t cursor, std::map<std::string, int>* seen) {
    KeyPage page;
    EXPECT_TRUE(ReadKeyPage(engine_->keyspace(), 0, cursor, 17, clock_.WallMs(), &page).ok());
    for (const KeyInfo& info : page.keys) ++(*seen)[info.key];
    return page.next;
  }
};

// Keys that are present throughout are returned exactly once, whatever happens around them.
TEST_F(KeyWalkTest, ReturnsEveryLastingKeyOnceThroughDemotionsLoadsAndReopens) {
  const uint64_t seed = std::random_device{}();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937_64 random(seed);
  for (int i = 0; i < 500; ++i) Set("lasting" + std::to_string(i), "v");
  for (int round = 0; round < 6; ++round) {
    std::map<std::string, int> seen;
    uint64_t cursor = 0;
    do {
      cursor = WalkPage(cursor, &seen);
      const std::string passing = "passing" + std::to_string(random() % 100);
      if (random() % 2 == 0) {
        Set(passing, "v");
      } else {
        InTx({passing}, [&](Tx& tx) { tx.Delete(passing); });
      }
      if (random() % 3 == 0) Get("lasting" + std::to_string(random() % 500));
      if (random() % 5 == 0) DemoteAll();
      if (random() % 9 == 0) Reopen();
    } while (cursor != 0);
    for (int i = 0; i < 500; ++i) EXPECT_EQ(seen["lasting" + std::to_string(i)], 1) << i;
  }
}

TEST_F(KeyWalkTest, TellsApartWhatIsDeletedOrExpiredInMemoryButStillStored) {
  Set("stays", "v");
  Set("deleted", "v");
  Set("expires", "v", Expiry::AtMs(clock_.WallMs() + 10));
  DemoteAll();
  InTx({"deleted"}, [](Tx& tx) { tx.Delete("deleted"); });
  clock_.AdvanceMs(20);
  KeyPage page;
  ASSERT_TRUE(ReadKeyPage(engine_->keyspace(), 0, 0, 100, clock_.WallMs(), &page).ok());
  ASSERT_EQ(page.keys.size(), 1u);
  EXPECT_EQ(page.keys[0].key, "stays");
  ASSERT_EQ(page.expired.size(), 1u);
  EXPECT_EQ(page.expired[0].key, "expires");
}

// A page that may only show live keys would walk, and delete, all of a database at once.
TEST_F(KeyWalkTest, ExpiredKeysCountAmongThoseOfAPage) {
  for (int i = 0; i < 100; ++i) Set("k" + std::to_string(i), "v", Expiry::AtMs(clock_.WallMs()));
  KeyPage page;
  ASSERT_TRUE(ReadKeyPage(engine_->keyspace(), 0, 0, 10, clock_.WallMs(), &page).ok());
  EXPECT_EQ(page.keys.size(), 0u);
  EXPECT_EQ(page.expired.size(), 10u);
  EXPECT_NE(page.next, 0u);
}

TEST_F(KeyWalkTest, ARandomKeyIsFoundWhereverItIs) {
  std::string key;
  bool found = true;
  std::vector<KeyInfo> expired;
  const auto read = [&](uint64_t random) {
    return ReadRandomKey(engine_->keyspace(), 0, random, clock_.WallMs(), &key, &found, &expired);
  };
  ASSERT_TRUE(read(12345).ok());
  EXPECT_FALSE(found);
  Set("only", "v");
  DemoteAll();
  for (const uint64_t random : {uint64_t{0}, uint64_t{1} << 40, UINT64_MAX}) {
    ASSERT_TRUE(read(random).ok());
    EXPECT_TRUE(found);
    EXPECT_EQ(key, "only");
    EXPECT_EQ(expired.size(), 0u);
  }
}

TEST_F(KeyWalkTest, ARandomKeyIsFoundBehindManyThatHaveExpired) {
  for (int i = 0; i < 3000; ++i) Set("k" + std::to_string(i), "v", Expiry::AtMs(clock_.WallMs()));
  Set("only", "v");
  std::string key;
  bool found = false;
  std::vector<KeyInfo> expired;
  const uint64_t behind = PositionOf("only") + 1;
  ASSERT_TRUE(
      ReadRandomKey(engine_->keyspace(), 0, behind, clock_.WallMs(), &key, &found, &expired).ok());
  EXPECT_TRUE(found);
  EXPECT_EQ(key, "only");
  EXPECT_GT(expired.size(), 0u);
}

// All positions are one shard's: as many as 64 bits count.
TEST_F(KeyWalkTest, OneShardIsWalkedToItsEnd) {
  ASSERT_TRUE(engine_->Shutdown().ok());
  EngineOptions options = Options();
  options.shard_count = 1;
  ASSERT_TRUE(Engine::Open(std::move(options), &engine_).ok());
  for (int i = 0; i < 500; ++i) Set("k" + std::to_string(i), "v");
  for (const bool demotes : {false, true}) {
    if (demotes) DemoteAll();
    std::map<std::string, int> seen;
    uint64_t cursor = 0;
    do {
      const uint64_t next = WalkPage(cursor, &seen);
      ASSERT_TRUE(next == 0 || next > cursor);
      cursor = next;
    } while (cursor != 0);
    EXPECT_EQ(seen.size(), 500u);
    std::string key;
    bool found = false;
    std::vector<KeyInfo> expired;
    for (const uint64_t random : {uint64_t{0}, uint64_t{1} << 40, UINT64_MAX}) {
      EXPECT_TRUE(
          ReadRandomKey(engine_->keyspace(), 0, random, clock_.WallMs(), &key, &found, &expired)
              .ok());
      EXPECT_TRUE(found);
    }
  }
}

TEST_F(KeyWalkTest, WhatHasExpiredIsDeletedWhereverItIs) {
  for (int i = 0; i < 10; ++i) Set("k" + std::to_string(i), "v", Expiry::AtMs(clock_.WallMs() + 5));
  Set("again", "v", Expiry::AtMs(clock_.WallMs() + 5));
  DemoteAll();
  clock_.AdvanceMs(5);
  KeyPage page;
  ASSERT_TRUE(ReadKeyPage(engine_->keyspace(), 0, 0, 100, clock_.WallMs(), &page).ok());
  ASSERT_EQ(page.expired.size(), 11u);
  Set("again", "v");  // meanwhile
  EXPECT_GT(DeleteExpired(engine_->keyspace(), 0, page.expired, clock_.WallMs(), nullptr), 0u);
  EXPECT_EQ(engine_->keyspace().KeyCount(0), 1u);
  Reopen();
  EXPECT_EQ(engine_->keyspace().KeyCount(0), 1u);
}

}  // namespace
}  // namespace hearth
