#include "engine/group_applier.h"

#include <thread>

#include "engine/hash.h"
#include "engine/list.h"
#include "engine/set.h"
#include "engine/sorted_set.h"
#include "engine/stream.h"
#include "tests/engine/collection_fixture.h"

namespace hearth {
namespace {

class GroupApplierTest : public CollectionFixture {
 protected:
  void SetUp() override {
    CollectionFixture::SetUp();
    ASSERT_TRUE(engine_->feed().SetActive(true).ok());
    StartReplica();
  }

  static std::string PrintString(Tx& tx, std::string_view key) {
    const Object* object = tx.Peek(key);
    return object->spread() ? "(spread)" : std::string(object->value());
  }

  void FillSet(std::string_view key, int first, int last, uint32_t db = 0) {
    InTx(
        {key},
        [&](Tx& tx) {
          SetKey set(tx, key, tx.Find(key));
          for (int i = first; i <= last; ++i) set.Add("member:" + std::to_string(i));
        },
        db);
  }

  // Every database, with all shards locked.
  template <typename Change>
  void InAll(Change change) {
    Tx tx(engine_->keyspace(), {}, clock_.WallMs(), {.write = true, .lock_all = true});
    ASSERT_EQ(tx.state(), Tx::State::kReady);
    change(tx);
  }

  void ExpectSame() {
    FeedReplica();
    const std::string rows = StoredRows();
    OnReplica([&] {
      EXPECT_EQ(Differences(), "");
      EXPECT_EQ(StoredRows(), rows);
    });
  }
};

TEST_F(GroupApplierTest, StringsFollowThePrimary) {
  Set("a", "1");
  Set("b", "2", Expiry::AtMs(clock_.WallMs() + 1000));
  FeedReplica();
  OnReplica([&] {
    EXPECT_EQ(Get("a"), "1");
    EXPECT_EQ(Get("b"), "2");
    EXPECT_EQ(engine_->log().KeyCount(0), 2u);
    EXPECT_EQ(engine_->log().ExpiryCount(0), 1u);
  });
  EXPECT_EQ(replica_->log().history(), engine_->log().history());
  Set("a", std::string(1000, 'x'));
  InTx({"b"}, [](Tx& tx) { tx.Delete("b"); });
  ExpectSame();
  OnReplica([&] {
    EXPECT_EQ(Get("a"), std::string(1000, 'x'));
    EXPECT_EQ(Get("b"), "(nil)");
  });
}

TEST_F(GroupApplierTest, RandomStringsOfManyKeys) {
  const uint64_t seed = RandomBits() % 1'000'000;
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937_64 random(seed);
  for (int i = 0; i < 4000; ++i) {
    const std::string key = "key:" + std::to_string(random() % 200);
    if (random() % 4 == 0) {
      InTx({key}, [&](Tx& tx) { tx.Delete(key); });
    } else {
      Set(key, std::string(random() % 100, 'v'),
          random() % 3 == 0 ? Expiry::AtMs(clock_.WallMs() + 1'000'000) : Expiry::None());
    }
    if (random() % 10 == 0) Commit();
    if (random() % 50 == 0) FeedReplica();
    if (random() % 500 == 0) OnReplica([&] { DemoteAll(); });
    if (random() % 20 == 0) OnReplica([&] { Get(key); });
    if (random() % 300 == 0) replica_->SetReplicaWarm(random() % 2 == 0);
    if (random() % 300 == 0) ExpectSame();
  }
  ExpectSame();
}

// The element row alone comes; the key's name stands in no row of the group.
TEST_F(GroupApplierTest, AnElementOfAResidentCollectionFollows) {
  Limits().packed_size_max = 0;
  FillSet("s", 1, 1000);
  FeedReplica();
  FillSet("s", 1001, 1001);
  FeedReplica();
  OnReplica([&] {
    EXPECT_EQ(SetSize("s"), 1001u);
    EXPECT_EQ(Differences(), "");
  });
}

// An object without room for an expiry becomes another, among changes of its elements.
TEST_F(GroupApplierTest, AnExpiryIsGivenToAResidentCollection) {
  Limits().packed_size_max = 0;
  FillSet("s", 1, 1000);
  FeedReplica();
  const auto change = [&](int from, int64_t at_ms) {
    FillSet("s", from, from);
    InTx({"s"}, [&](Tx& tx) { tx.SetExpiry("s", at_ms); });
    FillSet("s", from + 1, from + 1);
    FeedReplica();
  };
  int next = 1001;
  for (const int64_t at_ms : {clock_.WallMs() + 1000, clock_.WallMs() + 2000, kNoExpiry}) {
    change(next, at_ms);
    next += 2;
    OnReplica([&] {
      InTx({"s"}, [&](Tx& tx) { EXPECT_EQ(tx.Peek("s")->expire_at_ms(), at_ms); });
      EXPECT_EQ(engine_->keyspace().ResidentBytes(), CountResidentBytes());
      EXPECT_EQ(Differences(), "");
    });
  }
  OnReplica([&] { EXPECT_EQ(SetSize("s"), 1006u); });
}

TEST_F(GroupApplierTest, AnElementOfADemotedCollectionIsInTheStore) {
  Limits().packed_size_max = 0;
  FillSet("s", 1, 1000);
  FeedReplica();
  OnReplica([&] { DemoteAll(); });
  FillSet("s", 1001, 1001);
  FeedReplica();
  OnReplica([&] {
    EXPECT_EQ(engine_->keyspace().ResidentCount(), 0u);
    EXPECT_EQ(SetSize("s"), 1001u);
  });
}

// What was read before a group may not become resident after it.
TEST_F(GroupApplierTest, ALoadThatAGroupOvertakesIsReadAgain) {
  Limits().packed_size_max = 0;
  FillSet("s", 1, 10);
  Set("t", "old");
  FeedReplica();
  replica_->SetReplicaWarm(false);
  OnReplica([&] { DemoteAll(); });
  Keyspace& keyspace = replica_->keyspace();
  const KeyRef set(0, "s"), text(0, "t");
  Keyspace::ReadKey old_set, old_text;
  ASSERT_TRUE(keyspace.Read(set, 0, &old_set).ok());
  ASSERT_TRUE(keyspace.Read(text, 0, &old_text).ok());
  FillSet("s", 11, 11);
  Set("t", "new");
  FeedReplica();
  for (auto [ref, read] : {std::pair{set, &old_set}, std::pair{text, &old_text}}) {
    Shard& shard = keyspace.shard(keyspace.ShardIndex(ref.position));
    std::lock_guard lock(shard.mutex);
    EXPECT_FALSE(keyspace.Install(shard, ref, 0, std::move(*read), true));
  }
  OnReplica([&] {
    EXPECT_EQ(SetSize("s"), 11u);
    EXPECT_EQ(Get("t"), "new");
  });
}

TEST_F(GroupApplierTest, ARenamedCollectionKeepsItsElements) {
  Limits().packed_size_max = 0;
  FillSet("from", 1, 100);
  Commit();
  FeedReplica();
  InTx({"from", "to"}, [](Tx& tx) { tx.Move(KeyRef(0, "from"), KeyRef(0, "to")); });
  FillSet("to", 101, 101);
  ExpectSame();
  OnReplica([&] {
    EXPECT_EQ(SetSize("to"), 101u);
    EXPECT_EQ(SetSize("from"), 0u);
  });
}

TEST_F(GroupApplierTest, ADroppedCollectionIsGone) {
  Limits().packed_size_max = 0;
  for (const int size : {10, 2000}) {  // row by row, and as one range
    FillSet("s", 1, size);
    FeedReplica();
    InTx({"s"}, [](Tx& tx) { tx.Delete("s"); });
    FillSet("s", 1, 5);
    ExpectSame();
    OnReplica([&] { EXPECT_EQ(SetSize("s"), 5u); });
  }
}

TEST_F(GroupApplierTest, FlushedAndSwappedDatabases) {
  Set("a", "zero");
  Set("a", "one", Expiry::None(), 1);
  FillSet("s", 1, 50);
  FeedReplica();
  InAll([](Tx& tx) { tx.SwapDb(0, 1); });
  ExpectSame();
  OnReplica([&] {
    EXPECT_EQ(Get("a"), "one");
    EXPECT_EQ(Get("a", 1), "zero");
  });
  // In one group: written, flushed, written again, swapped.
  Set("b", "lost");
  InAll([](Tx& tx) { tx.FlushDb(0); });
  Set("c", "kept");
  InAll([](Tx& tx) { tx.SwapDb(0, 2); });
  Set("d", "here");
  ExpectSame();
  OnReplica([&] {
    EXPECT_EQ(Get("b"), "(nil)");
    EXPECT_EQ(Get("b", 2), "(nil)");
    EXPECT_EQ(Get("c", 2), "kept");
    EXPECT_EQ(Get("d"), "here");
    EXPECT_EQ(engine_->log().KeyCount(0), 1u);
    EXPECT_EQ(engine_->log().KeyCount(2), 1u);
  });
}

TEST_F(GroupApplierTest, AReplicaDeletesNothingByItself) {
  Set("a", "1", Expiry::AtMs(clock_.WallMs() + 1000));
  FeedReplica();
  const uint64_t seq = replica_->log().committed_seq();
  clock_.AdvanceMs(2000);
  OnReplica([&] {
    EXPECT_EQ(Get("a"), "(nil)") << "hidden";
    engine_->ExpireSome(100);
    engine_->KeeperTick();
  });
  EXPECT_EQ(replica_->log().committed_seq(), seq);
  EXPECT_EQ(replica_->log().KeyCount(0), 1u);
}

TEST_F(GroupApplierTest, AGroupThatDoesNotFollowIsRefused) {
  Set("a", "1");
  Commit();
  Set("a", "2");
  Commit();
  ReplicationFeed::Groups groups;
  ASSERT_TRUE(engine_->feed().Read(replica_->log().committed_seq() + 1, SIZE_MAX, &groups).ok());
  ASSERT_EQ(groups.size(), 2u);
  EXPECT_EQ(replica_->ApplyGroup(groups[1]).code(), Status::Code::kInvalid);
  ASSERT_TRUE(replica_->ApplyGroup(groups[0]).ok());
  EXPECT_EQ(replica_->ApplyGroup(groups[0]).code(), Status::Code::kInvalid) << "twice";
  ASSERT_TRUE(replica_->ApplyGroup(groups[1]).ok());
  EXPECT_EQ(engine_->ApplyGroup(groups[1]).code(), Status::Code::kInvalid) << "no replica";
}

TEST_F(GroupApplierTest, WatchedKeysOfAReplicaChange) {
  Set("a", "1");
  FeedReplica();
  Watcher watcher;
  replica_->keyspace().watched_keys().Add(watcher, 0, "a", Presence::kPresent);
  Set("b", "1");
  FeedReplica();
  EXPECT_FALSE(watcher.changed());
  Set("a", "2");
  FeedReplica();
  EXPECT_TRUE(watcher.changed());
  replica_->keyspace().watched_keys().Clear(watcher);
}

// Whatever byte of a group differs, its checksum does; and what gets through validation, which
// knows nothing of values, is written and leaves a store that opens.
TEST_F(GroupApplierTest, DamagedGroupsBrickNothing) {
  Limits().packed_size_max = 0;
  Set("a", "value");
  FillSet("s", 1, 3);
  InAll([](Tx& tx) { tx.FlushDb(3); });
  InTx({"a"}, [](Tx& tx) { tx.Delete("a"); });
  Commit();
  ReplicationFeed::Groups groups;
  ASSERT_TRUE(engine_->feed().Read(replica_->log().committed_seq() + 1, SIZE_MAX, &groups).ok());
  ASSERT_EQ(groups.size(), 1u);
  const Group& whole = *groups[0];
  const uint64_t checksum = GroupChecksum(whole.payload);
  int refused = 0;
  for (size_t at = 0; at < whole.payload.size(); ++at) {
    SCOPED_TRACE("byte " + std::to_string(at));
    auto damaged = std::make_shared<Group>(whole);
    damaged->payload[at] = static_cast<char>(damaged->payload[at] ^ 0xff);
    ASSERT_NE(GroupChecksum(damaged->payload), checksum);
    const Status status = replica_->ApplyGroup(damaged);
    if (!status.ok()) {
      ASSERT_EQ(status.code(), Status::Code::kInvalid) << status.message();
      ++refused;
      continue;
    }
    const std::string dir = replica_folder_->path();
    ASSERT_TRUE(replica_->Shutdown().ok());
    EngineOptions options = Options();
    options.store.dir = dir;
    options.replica = true;
    const Status opened = Engine::Open(options, &replica_);
    ASSERT_TRUE(opened.ok()) << "byte " << at << ": " << opened.message();
    StartReplica();
  }
  EXPECT_GT(refused, static_cast<int>(whole.payload.size() / 3));
  for (size_t size = 0; size < whole.payload.size(); ++size) {
    auto shorter = std::make_shared<Group>(whole);
    shorter->payload.resize(size);
    ASSERT_EQ(replica_->ApplyGroup(shorter).code(), Status::Code::kInvalid) << size;
  }
  ASSERT_TRUE(replica_->ApplyGroup(groups[0]).ok());
}

// Readers and loads go on while groups come; two keys locked together show one group.
TEST_F(GroupApplierTest, ReadersSeeWholeGroups) {
  constexpr int kRoundsMin = 300;
  Limits().packed_size_max = 0;
  std::atomic<bool> ends{false};
  std::atomic<int> torn{0}, looked{0};
  FillSet("s", 1, 1);
  FeedReplica();
  std::thread reader([&] {
    // The demoter may take away what was loaded before it is looked at: every other time the
    // missing keys are read under the locks.
    for (bool blocking = false; !ends; blocking = !blocking) {
      const KeyRef refs[] = {KeyRef(0, "a"), KeyRef(0, "b"), KeyRef(0, "s")};
      Tx tx(replica_->keyspace(), refs, clock_.WallMs(), {.read_blocking = blocking});
      if (tx.state() == Tx::State::kPending) {
        const std::vector<KeyRef> missing = tx.missing();
        // The Tx holds no locks any more.
        (void)replica_->keyspace().Load(missing);
        continue;
      }
      const Object *a = tx.Peek("a"), *b = tx.Peek("b");
      const std::string a_text(a != nullptr ? a->value() : "none");
      const std::string b_text(b != nullptr ? b->value() : "none");
      torn += a_text != b_text;
      ++looked;
    }
  });
  std::thread demoter([&] {
    while (!ends) {
      (void)replica_->store().Flush(/*wait=*/true);
      replica_->residency().DemoteAll();
    }
  });
  int rounds = 0;
  for (; rounds < kRoundsMin || looked < 10; ++rounds) {
    const int i = rounds;
    InTx({"a", "b"}, [&](Tx& tx) {
      tx.SetString("a", std::to_string(i), Expiry::None());
      tx.SetString("b", std::to_string(i), Expiry::None());
    });
    FillSet("s", i, i + 2);
    FeedReplica();
  }
  ends = true;
  reader.join();
  demoter.join();
  EXPECT_EQ(torn, 0);
  ExpectSame();
  OnReplica([&] { EXPECT_EQ(SetSize("s"), static_cast<size_t>(rounds) + 2); });
}

}  // namespace
}  // namespace hearth
