#include "engine/unread_collection.h"

#include "engine/hash.h"
#include "engine/list.h"
#include "engine/set.h"
#include "tests/engine/collection_fixture.h"

namespace hearth {
namespace {

// A property of each type's test is that nothing of all this shows: here stands what is read.
class UnreadCollectionTest : public CollectionFixture {
 protected:
  static constexpr int kMany = 1000;

  void SetUp() override {
    CollectionFixture::SetUp();
    Set("another", "so that no shard is complete once everything is demoted");
    FillSet("s");
  }

  void FillSet(std::string_view key, int count = kMany) {
    InTx({key}, [&](Tx& tx) {
      SetKey set(tx, key, tx.Find(key));
      for (int i = 0; i < count; ++i) set.Add("member:" + std::to_string(i));
    });
  }

  template <typename Change>
  void WithHeads(std::initializer_list<std::string_view> keys, Change change) {
    InTx(keys, change, /*db=*/0, /*head_only=*/true);
  }

  // Whether a command that asks for no elements leaves the key unread.
  bool IsLeftUnread(std::string_view key) {
    bool unread = false;
    WithHeads({key}, [&](Tx& tx) { unread = tx.Peek(key)->unread(); });
    return unread;
  }
};

TEST_F(UnreadCollectionTest, OfABigOneTheHeadAloneIsRead) {
  DemoteAll();
  WithHeads({"s"}, [](Tx& tx) {
    const Object* object = tx.Peek("s");
    ASSERT_NE(object, nullptr);
    EXPECT_EQ(object->type, ObjectType::kSet);
    EXPECT_EQ(object->encoding, Encoding::kHashtable);
    EXPECT_TRUE(object->unread());
  });
  EXPECT_LT(engine_->keyspace().ResidentBytes(), 1000u);
  EXPECT_EQ(engine_->keyspace().ResidentBytes(), CountResidentBytes());
  EXPECT_EQ(Differences(), "");
  EXPECT_EQ(SetSize("s"), size_t{kMany});
  EXPECT_FALSE(IsLeftUnread("s"));
  EXPECT_EQ(engine_->keyspace().ResidentBytes(), CountResidentBytes());
  EXPECT_EQ(Differences(), "");
}

TEST_F(UnreadCollectionTest, OneOfFewRowsIsReadWhole) {
  FillSet("few", 200);
  DemoteAll();
  EXPECT_FALSE(IsLeftUnread("few"));
}

TEST_F(UnreadCollectionTest, FewRowsOfManyBytesAreNotRead) {
  InTx({"l"}, [](Tx& tx) {
    ListKey list(tx, "l", nullptr);
    for (int i = 0; i < 20; ++i) list.Push(ListEnd::kTail, std::string(100'000, 'x'));
  });
  DemoteAll();
  EXPECT_TRUE(IsLeftUnread("l"));
}

TEST_F(UnreadCollectionTest, GetsAnExpiryANameAndAnEnd) {
  const int64_t at_ms = clock_.WallMs() + 1000;
  FillSet("t", 3);
  DemoteAll();
  WithHeads({"s"}, [&](Tx& tx) { tx.SetExpiry("s", at_ms); });
  WithHeads({"s", "t"}, [](Tx& tx) {
    tx.Move(KeyRef(0, "s"), KeyRef(0, "t"));
    EXPECT_TRUE(tx.Peek("t")->unread());
  });
  EXPECT_EQ(Differences(), "");
  EXPECT_EQ(engine_->keyspace().ResidentBytes(), CountResidentBytes());
  EXPECT_EQ(SetSize("t"), size_t{kMany});
  InTx({"t"}, [&](Tx& tx) { EXPECT_EQ(tx.Peek("t")->expire_at_ms(), at_ms); });
  DemoteAll();
  EXPECT_EQ(SetSize("t"), size_t{kMany});
  DemoteAll();
  WithHeads({"t"}, [](Tx& tx) { EXPECT_TRUE(tx.Delete("t")); });
  EXPECT_EQ(Differences(), "");
  EXPECT_EQ(StoredRows().find("member:"), std::string::npos);
  EXPECT_EQ(SetSize("t"), 0u);
}

// The new name stands in no row that a reader could see.
TEST_F(UnreadCollectionTest, ElementsAreReadBeforeTheNewNameIsCommitted) {
  FillSet("t", 3);
  DemoteAll();
  WithHeads({"s", "t"}, [](Tx& tx) { tx.Move(KeyRef(0, "s"), KeyRef(0, "t")); });
  EXPECT_EQ(SetSize("t"), size_t{kMany});
  EXPECT_EQ(SetSize("s"), 0u);
  EXPECT_EQ(Differences(), "");
}

TEST_F(UnreadCollectionTest, IsReplacedByAString) {
  DemoteAll();
  WithHeads({"s"}, [](Tx& tx) { tx.SetString("s", "v", Expiry::None()); });
  EXPECT_EQ(Differences(), "");
  EXPECT_EQ(Get("s"), "v");
  EXPECT_EQ(StoredRows().find("member:"), std::string::npos);
}

// Its head tells how many rows it has.
TEST_F(UnreadCollectionTest, ALongStringIsDeletedByItsRows) {
  const auto rows_of_delete = [&](size_t size) {
    InTx({"l"}, [&](Tx& tx) { tx.SetString("l", std::string(size, 'x'), Expiry::None()); });
    DemoteAll();
    EXPECT_TRUE(IsLeftUnread("l"));
    const uint64_t rows_before = engine_->log().counters().rows;
    WithHeads({"l"}, [](Tx& tx) { EXPECT_TRUE(tx.Delete("l")); });
    Commit();
    EXPECT_EQ(Differences(), "");
    EXPECT_EQ(StoredRows().find("xxx"), std::string::npos);
    return engine_->log().counters().rows - rows_before - 1;  // of the state
  };
  EXPECT_EQ(rows_of_delete(20'000), 2u) << "its head, its bytes";
  EXPECT_EQ(rows_of_delete((1 << 20) + 1), 1u + 257u);
  EXPECT_EQ(rows_of_delete(4 << 20), 2u) << "its head, a range";
}

// Its fields alone tell whether such a hash is still there.
TEST_F(UnreadCollectionTest, AHashWhoseFieldsExpireIsReadWhole) {
  InTx({"h"}, [&](Tx& tx) {
    HashKey hash(tx, "h", nullptr);
    for (int i = 0; i < kMany; ++i) hash.Set("field:" + std::to_string(i), "v");
  });
  DemoteAll();
  EXPECT_TRUE(IsLeftUnread("h"));
  InTx({"h"}, [&](Tx& tx) {
    HashKey hash(tx, "h", tx.Find("h"));
    hash.SetExpiry("field:7", clock_.WallMs() + 1000);
  });
  DemoteAll();
  EXPECT_FALSE(IsLeftUnread("h"));
  InTx({"h"}, [&](Tx& tx) {
    HashKey hash(tx, "h", tx.Find("h"));
    hash.SetExpiry("field:7", kNoExpiry);
  });
  DemoteAll();
  EXPECT_TRUE(IsLeftUnread("h"));
  EXPECT_EQ(Differences(), "");
}

// What is known to be whole in memory stays so.
TEST_F(UnreadCollectionTest, NothingUnreadComesToACompleteShard) {
  const auto complete = [this](std::string_view key) -> bool& {
    Keyspace& keyspace = engine_->keyspace();
    return keyspace.shard(keyspace.ShardIndex(KeyRef(0, key).position)).dbs[0].complete;
  };
  DemoteAll();
  ASSERT_TRUE(complete("t"));
  ASSERT_FALSE(complete("s"));
  WithHeads({"s", "t"}, [](Tx& tx) {
    tx.Move(KeyRef(0, "s"), KeyRef(0, "t"));
    EXPECT_FALSE(tx.Peek("t")->unread());
  });
  EXPECT_TRUE(complete("t"));
  EXPECT_EQ(SetSize("t"), size_t{kMany});
}

// What was read for it may be all that is left of it.
TEST_F(UnreadCollectionTest, WhatIsGoneMeanwhileIsNotFilled) {
  DemoteAll();
  ASSERT_TRUE(IsLeftUnread("s"));
  Keyspace& keyspace = engine_->keyspace();
  const KeyRef ref(0, "s");
  Shard& shard = keyspace.shard(keyspace.ShardIndex(ref.position));
  const uint32_t db_id = engine_->log().DbId(0);
  Keyspace::ReadKey read;
  {
    std::lock_guard lock(shard.mutex);
    read.object = UnreadAt(shard, ref);
  }
  ASSERT_NE(read.object, nullptr);
  WithHeads({"s"}, [](Tx& tx) { EXPECT_TRUE(tx.Delete("s")); });
  Commit();
  ASSERT_TRUE(keyspace.Read(ref, db_id, &read).ok());
  DemoteAll();
  {
    std::lock_guard lock(shard.mutex);
    EXPECT_TRUE(keyspace.Install(shard, ref, db_id, std::move(read), /*hot=*/true));
  }
  InTx({"s"}, [](Tx& tx) { EXPECT_EQ(tx.Peek("s"), nullptr); });
  EXPECT_EQ(Differences(), "");
}

// Its rows change in the store behind memory's back.
TEST_F(UnreadCollectionTest, AReplicasIsForgottenWhenAGroupChangesIt) {
  ASSERT_TRUE(engine_->feed().SetActive(true).ok());
  FillSet("t");
  FeedReplica();
  OnReplica([&] {
    DemoteAll();
    EXPECT_TRUE(IsLeftUnread("t"));
  });
  InTx({"t"}, [](Tx& tx) { SetKey(tx, "t", tx.Find("t")).Remove("member:1"); });
  FeedReplica();
  OnReplica([&] {
    EXPECT_EQ(engine_->keyspace().ResidentCount(), 0u);
    EXPECT_EQ(SetSize("t"), size_t{kMany} - 1);
    EXPECT_EQ(Differences(), "");
    DemoteAll();
    EXPECT_TRUE(IsLeftUnread("t"));
  });
  InTx({"t"}, [&](Tx& tx) { tx.SetExpiry("t", clock_.WallMs() + 1000); });
  FeedReplica();
  OnReplica([&] {
    EXPECT_TRUE(IsLeftUnread("t"));
    EXPECT_EQ(Differences(), "");
  });
  InTx({"t", "u"}, [](Tx& tx) { tx.Move(KeyRef(0, "t"), KeyRef(0, "u")); });
  FeedReplica();
  OnReplica([&] {
    EXPECT_EQ(SetSize("u"), size_t{kMany} - 1);
    EXPECT_EQ(SetSize("t"), 0u);
    EXPECT_EQ(Differences(), "");
  });
}

}  // namespace
}  // namespace hearth
