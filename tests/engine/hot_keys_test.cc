#include "engine/hot_keys.h"

#include <fstream>

#include "engine/watermark.h"
#include "tests/engine/engine_fixture.h"

namespace hearth {
namespace {

class HotKeysTest : public EngineFixture {
 protected:
  std::string data_dir() { return folder_.path() + "/data"; }
  rocksdb::FileSystem* disk() { return rocksdb::FileSystem::Default().get(); }

  bool IsResident(const std::string& key, uint32_t db = 0) {
    const KeyRef ref(db, key);
    Shard& shard = engine_->keyspace().shard(engine_->keyspace().ShardIndex(ref.position));
    const Table* table = shard.dbs[db].table.get();
    return table != nullptr && table->Find(ref.position, key) != nullptr;
  }

  // 2,000 keys in the store, of which 100 in each of two databases are in use.
  void WriteAndUse() {
    for (int i = 0; i < 2000; ++i) {
      Set("key" + std::to_string(i), std::string(100, 'v'), Expiry::None(), i % 2 == 0 ? 0 : 3);
    }
    DemoteAll();
    clock_.AdvanceMs(60'000);
    for (int i = 0; i < 200; ++i) Get("key" + std::to_string(i), i % 2 == 0 ? 0 : 3);
  }
};

TEST_F(HotKeysTest, WhatWasHotBeforeARestartIsLoadedFirstAfterIt) {
  WriteAndUse();
  Reopen();
  ASSERT_FALSE(IsResident("key0"));
  EXPECT_TRUE(engine_->WarmRemembered());
  for (int i = 0; i < 2000; ++i) {
    EXPECT_EQ(IsResident("key" + std::to_string(i), i % 2 == 0 ? 0 : 3), i < 200) << i;
  }
  EXPECT_EQ(engine_->gauges().remembered_keys, 200u);
  EXPECT_EQ(engine_->gauges().remembered_loaded, 200u);
  EXPECT_EQ(Differences(), "");
  // Nobody used them in this short run: they are remembered all the same.
  Reopen();
  EXPECT_TRUE(engine_->WarmRemembered());
  EXPECT_TRUE(IsResident("key0"));
}

TEST_F(HotKeysTest, NothingIsLoadedBeyondTheMemoryLimit) {
  WriteAndUse();
  Reopen();
  engine_->residency().SetLimit(1 << 20, MemoryPolicy::kDemote, 5);
  engine_->residency().Tick();  // this process is larger than that
  EXPECT_FALSE(engine_->WarmRemembered());
  EXPECT_EQ(engine_->keyspace().ResidentCount(), 0u);
}

TEST_F(HotKeysTest, TheHottestAreKept) {
  WriteAndUse();
  clock_.AdvanceMs(60'000);
  for (int i = 0; i < 20; i += 2) Get("key" + std::to_string(i));
  const HotKeys hot = CollectHotKeys(engine_->keyspace(), /*count_max=*/10);
  ASSERT_EQ(hot.size(), 10u);
  std::vector<uint64_t> kept, wanted;
  for (const HotKeys::Group& group : hot.groups) {
    EXPECT_EQ(group.db_id, engine_->log().DbId(0));
    EXPECT_TRUE(std::is_sorted(group.positions.begin(), group.positions.end()));
    kept.insert(kept.end(), group.positions.begin(), group.positions.end());
  }
  for (int i = 0; i < 20; i += 2) wanted.push_back(PositionOf("key" + std::to_string(i)));
  std::sort(kept.begin(), kept.end());
  std::sort(wanted.begin(), wanted.end());
  EXPECT_EQ(kept, wanted);
}

TEST_F(HotKeysTest, ADatabaseThatWasFlushedSinceIsPassedOver) {
  WriteAndUse();
  ASSERT_TRUE(engine_->RememberHotKeys().ok());
  {
    Tx tx(engine_->keyspace(), {}, clock_.WallMs(), {.write = true, .lock_all = true});
    tx.FlushDb(0);
  }
  Set("key0", "new");
  DemoteAll();
  EXPECT_TRUE(engine_->WarmRemembered());
  EXPECT_FALSE(IsResident("key0"));
  EXPECT_TRUE(IsResident("key1", 3));
}

TEST_F(HotKeysTest, ADamagedFileIsIgnored) {
  WriteAndUse();
  Reopen();
  const std::string path = data_dir() + "/" + kHotKeysName;
  std::string good;
  ASSERT_TRUE(ReadWholeFile(disk(), path, &good).ok());
  HotKeys hot;
  ASSERT_TRUE(ReadHotKeys(disk(), data_dir(), &hot).ok());
  EXPECT_EQ(hot.size(), 200u);
  for (size_t at = 0; at < good.size(); at += 37) {
    std::string bad = good;
    at % 2 == 0 ? bad.resize(at) : (void)(bad[at] = static_cast<char>(bad[at] ^ 4));
    std::ofstream(path, std::ios::binary) << bad;
    EXPECT_FALSE(ReadHotKeys(disk(), data_dir(), &hot).ok()) << at;
    EXPECT_TRUE(engine_->WarmRemembered()) << "no file is no failure";
  }
  std::filesystem::remove(path);
  EXPECT_TRUE(ReadHotKeys(disk(), data_dir(), &hot).IsNotFound());
  EXPECT_EQ(engine_->keyspace().ResidentCount(), 0u);
}

}  // namespace
}  // namespace hearth
