// All keys of a view of the store, whatever memory has and what is written meanwhile.
#include "engine/stored_keys.h"

#include <rocksdb/write_batch.h>

#include <algorithm>
#include <map>
#include <mutex>

#include "engine/hash.h"
#include "engine/list.h"
#include "engine/set.h"
#include "engine/sorted_set.h"
#include "engine/stream.h"
#include "tests/engine/collection_fixture.h"

namespace hearth {
namespace {

std::string Joined(std::vector<std::string> parts, bool sorted) {
  if (sorted) std::sort(parts.begin(), parts.end());
  std::string text;
  for (const std::string& part : parts) text += (text.empty() ? "" : " ") + part;
  return text;
}

// An object of no keyspace, through a Tx that holds nothing.
std::string ValueText(Tx& tx, const Object& object) {
  std::vector<std::string> parts;
  const auto add = [&](std::string_view part) { parts.emplace_back(part); };
  switch (object.type) {
    case ObjectType::kString:
      return std::string(object.value());
    case ObjectType::kList: {
      const ListKey list(tx, object.key(), &object);
      list.Each(0, list.size(), add);
      return Joined(std::move(parts), /*sorted=*/false);
    }
    case ObjectType::kSet:
      SetKey(tx, object.key(), &object).Each(add);
      break;
    case ObjectType::kHash:
      HashKey(tx, object.key(), &object).Each([&](const HashKey::Field& field) {
        add(std::string(field.name) + ":" + std::string(field.value));
        if (field.expire_at_ms != kNoExpiry) {
          parts.back() += "@" + std::to_string(field.expire_at_ms);
        }
      });
      break;
    case ObjectType::kSortedSet: {
      const SortedSetKey set(tx, object.key(), &object);
      set.Visit(0, set.size(), /*reverse=*/false, [&](const ScoredMember& element) {
        add(std::string(element.member) + ":" + std::to_string(static_cast<int>(element.score)));
      });
      break;
    }
    case ObjectType::kStream:
      add("entries:" + std::to_string(StreamKey(tx, object.key(), &object).entries().size()));
  }
  return Joined(std::move(parts), /*sorted=*/true);
}

class StoredKeysTest : public CollectionFixture {
 protected:
  using Keys = std::map<std::string, std::string>;

  // "db/key" -> "value", " until" and when it expires.
  Keys Read(StoredKeys& stored) {
    Keys keys;
    Tx tx(engine_->keyspace(), {}, clock_.WallMs(), {.touch = false, .see_expired = true});
    const Status status = stored.Keys([&](uint32_t db, const Object& object) {
      std::string text = ValueText(tx, object);
      if (object.has_expiry()) text += " until " + std::to_string(object.expire_at_ms());
      const auto [at, is_new] =
          keys.emplace(std::to_string(db) + "/" + std::string(object.key()), text);
      EXPECT_TRUE(is_new) << at->first;
      return true;
    });
    EXPECT_TRUE(status.ok()) << status.message();
    return keys;
  }
  Keys ReadNow(size_t piece_bytes = kStoredPieceBytes) {
    Commit();
    StoredKeys stored(engine_->keyspace(), piece_bytes);
    return Read(stored);
  }
  Status Walk() {
    StoredKeys stored(engine_->keyspace());
    return stored.Keys([](uint32_t, const Object&) { return true; });
  }

  void Clear() {
    Tx tx(engine_->keyspace(), {}, clock_.WallMs(), {.write = true, .lock_all = true});
    for (const uint32_t db : {0u, 3u}) tx.FlushDb(db);
  }
  void Fill() {
    filled_ms_ = clock_.WallMs();
    Set("string", "value");
    Set("other", "there", Expiry::AtMs(clock_.WallMs() + 1000), /*db=*/3);
    InTx({"list", "set", "hash", "scores", "stream"}, [&](Tx& tx) {
      ListKey list(tx, "list", nullptr);
      for (const char* element : {"b", "a", "c"}) list.Push(ListEnd::kTail, element);
      SetKey set(tx, "set", nullptr);
      for (const char* member : {"x", "y", "12"}) set.Add(member);
      HashKey hash(tx, "hash", nullptr);
      hash.Set("f", "v");
      hash.Set("g", "w", clock_.WallMs() + 500);
      SortedSetKey scores(tx, "scores", nullptr);
      scores.Put("m", 2);
      scores.Put("n", 1);
      StreamKey stream(tx, "stream", nullptr);
      stream.CreateEmpty();
      const std::vector<std::string_view> fields = {"f", "v"};
      stream.Add({1, 1}, fields);
      stream.Add({2, 1}, fields);
    });
  }
  Keys Filled() const {
    const std::string soon = std::to_string(filled_ms_ + 500);
    return {{"0/string", "value"},
            {"0/list", "b a c"},
            {"0/set", "12 x y"},
            {"0/hash", "f:v g:w@" + soon},
            {"0/scores", "m:2 n:1"},
            {"0/stream", "entries:2"},
            {"3/other", "there until " + std::to_string(filled_ms_ + 1000)}};
  }

  void PutRow(const std::string& key, const std::string& value) {
    rocksdb::WriteBatch batch;
    ASSERT_TRUE(batch.Put(key, value).ok());
    ASSERT_TRUE(engine_->store().Write(&batch, /*use_wal=*/true, /*sync=*/false).ok());
  }

  int64_t filled_ms_ = 0;
};

TEST_F(StoredKeysTest, EveryTypeComesWithAllItsElements) {
  for (const uint32_t packed_size_max : {kPackedSizeMaxUsual, 0u}) {
    Limits().packed_size_max = packed_size_max;
    Clear();
    Fill();
    for (const size_t piece_bytes : {kStoredPieceBytes, size_t{1}}) {
      EXPECT_EQ(ReadNow(piece_bytes), Filled()) << packed_size_max << " " << piece_bytes;
    }
    DemoteAll();
    EXPECT_EQ(ReadNow(), Filled());
  }
}

// All shards are locked by somebody else: a walk needs none of them.
TEST_F(StoredKeysTest, MemoryIsNeitherAskedNorChanged) {
  Limits().packed_size_max = 0;
  Fill();
  DemoteAll();
  Keyspace& keyspace = engine_->keyspace();
  const auto counters = [&] {
    std::string text;
    for (const auto counter : {&ShardCounters::hits, &ShardCounters::absent_reads,
                               &ShardCounters::misses, &ShardCounters::loads}) {
      text += std::to_string(keyspace.CounterSum(counter)) + " ";
    }
    return text;
  };
  const std::string before = counters();
  const uint64_t seq = engine_->log().joined_seq();
  {
    std::vector<std::unique_lock<std::mutex>> locks;
    for (uint32_t i = 0; i < keyspace.shard_count(); ++i) {
      locks.emplace_back(keyspace.shard(i).mutex);
    }
    StoredKeys stored(keyspace);
    EXPECT_EQ(Read(stored), Filled());
  }
  EXPECT_EQ(keyspace.ResidentCount(), 0u);
  EXPECT_EQ(counters(), before);
  EXPECT_EQ(engine_->log().joined_seq(), seq);
}

TEST_F(StoredKeysTest, TheViewStaysAsItWasTaken) {
  Limits().packed_size_max = 0;
  Fill();
  Commit();
  StoredKeys stored(engine_->keyspace(), /*piece_bytes=*/1);
  EXPECT_EQ(stored.seq(), engine_->log().committed_seq());
  Set("late", "1");
  Set("string", "changed");
  InTx({"list", "hash"}, [&](Tx& tx) {
    tx.Delete("list");
    HashKey(tx, "hash", tx.Find("hash")).Set("f", "changed");
  });
  for (int round = 0; round < 2; ++round) {
    {
      Tx tx(engine_->keyspace(), {}, clock_.WallMs(), {.write = true, .lock_all = true});
      if (round == 0) tx.SwapDb(0, 5);
      if (round == 1) tx.FlushDb(5);
    }
    DemoteAll();
    EXPECT_EQ(Read(stored), Filled());
    EXPECT_EQ(stored.dbs()[0].keys, 6u);
    EXPECT_EQ(stored.dbs()[0].expires, 0u);
    EXPECT_EQ(stored.dbs()[3].keys, 1u);
    EXPECT_EQ(stored.dbs()[3].expires, 1u);
    EXPECT_EQ(stored.dbs()[5].keys, 0u);
  }
  EXPECT_EQ(ReadNow().size(), 1u) << "of database 3";
}

TEST_F(StoredKeysTest, WhatHasExpiredIsThere) {
  for (const uint32_t packed_size_max : {kPackedSizeMaxUsual, 0u}) {
    Limits().packed_size_max = packed_size_max;
    Clear();
    Fill();
    DemoteAll();
    clock_.AdvanceMs(2000);
    EXPECT_EQ(ReadNow(), Filled());
  }
}

TEST_F(StoredKeysTest, AVisitMayEndTheWalk) {
  Fill();
  Commit();
  for (const size_t piece_bytes : {kStoredPieceBytes, size_t{1}}) {
    StoredKeys stored(engine_->keyspace(), piece_bytes);
    int visits = 0;
    EXPECT_TRUE(stored.Keys([&](uint32_t, const Object&) { return ++visits < 2; }).ok());
    EXPECT_EQ(visits, 2);
  }
}

TEST_F(StoredKeysTest, DamagedRowsAreErrors) {
  Limits().packed_size_max = 0;
  Fill();
  Commit();
  ASSERT_TRUE(Walk().ok());
  const std::string first_key = HeadKey(engine_->log().DbId(0), 0, "damaged");
  PutRow(first_key, "\xff nonsense");
  EXPECT_TRUE(Walk().IsCorruption());
}

TEST_F(StoredKeysTest, ACollectionThatLostItsElementsIsAnError) {
  Limits().packed_size_max = 0;
  Fill();
  Commit();
  const uint32_t db_id = engine_->log().DbId(0);
  rocksdb::WriteBatch batch;
  ASSERT_TRUE(batch.DeleteRange(ElementKey(db_id, 0, {}), ElementKey(db_id + 1, 0, {})).ok());
  ASSERT_TRUE(engine_->store().Write(&batch, /*use_wal=*/true, /*sync=*/false).ok());
  EXPECT_TRUE(Walk().IsCorruption());
}

TEST_F(StoredKeysTest, LibrariesAreOfTheViewToo) {
  const auto change = [&](auto what) {
    Tx tx(engine_->keyspace(), {}, clock_.WallMs(), {.write = true, .lock_all = true});
    what(tx);
  };
  change([](Tx& tx) {
    tx.PutLibrary("b", "code of b");
    tx.PutLibrary("a", "code of a");
  });
  Commit();
  StoredKeys stored(engine_->keyspace());
  change([](Tx& tx) {
    tx.DeleteLibrary("a");
    tx.PutLibrary("b", "changed");
  });
  Commit();
  std::string text;
  const auto visit = [&](std::string_view name, std::string_view code) {
    text += std::string(name) + "=" + std::string(code) + "\n";
    return true;
  };
  EXPECT_TRUE(stored.Libraries(visit).ok());
  EXPECT_EQ(text, "a=code of a\nb=code of b\n");
  PutRow(std::string(1, kLibraryTable) + "c", "\xff nonsense");
  StoredKeys damaged(engine_->keyspace());
  EXPECT_TRUE(damaged.Libraries(visit).IsCorruption());
}

TEST_F(StoredKeysTest, ManyKeysInManyPieces) {
  Keys expected;
  for (int i = 0; i < 3000; ++i) {
    const std::string key = "key:" + std::to_string(i);
    const uint32_t db = static_cast<uint32_t>(i) % 3;
    Set(key, std::to_string(i), Expiry::None(), db);
    expected[std::to_string(db) + "/" + key] = std::to_string(i);
    if (i % 500 == 0) DemoteAll();
  }
  for (const size_t piece_bytes : {size_t{1}, size_t{1000}, kStoredPieceBytes}) {
    EXPECT_EQ(ReadNow(piece_bytes), expected);
  }
}

}  // namespace
}  // namespace hearth
