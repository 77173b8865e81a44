#include "engine/hash.h"

#include <algorithm>
#include <set>

#include "tests/engine/collection_fixture.h"

namespace hearth {
namespace {

class HashTest : public CollectionFixture {
 protected:
  // The fields in order: "{a=1, b=2@900, }"; the times in ms from now.
  static std::string Print(Tx& tx, std::string_view key) {
    const HashKey hash(tx, key, tx.Peek(key));
    std::vector<std::string> fields;
    hash.Each([&](const HashKey::Field& field) {
      fields.push_back(std::string(field.name) + "=" + std::string(field.value));
      if (field.expire_at_ms == kNoExpiry) return;
      fields.back() += "@" + std::to_string(field.expire_at_ms - tx.now_ms());
    });
    std::sort(fields.begin(), fields.end());
    EXPECT_EQ(fields.size(), hash.size());
    std::string text = "{";
    for (const std::string& field : fields) text += field + ", ";
    return text + "}";
  }

  std::string Show(std::string_view key) {
    std::string text = "(none)";
    InTx({key}, [&](Tx& tx) {
      if (tx.Peek(key) != nullptr) text = Print(tx, key);
    });
    return text;
  }

  // Runs change on the key's hash.
  template <typename Change>
  void Do(std::string_view key, Change change) {
    InTx({key}, [&](Tx& tx) {
      HashKey hash(tx, key, tx.Find(key));
      change(hash);
    });
  }

  void Fill(std::string_view key, int first, int last) {
    Do(key, [&](HashKey& hash) {
      for (int i = first; i <= last; ++i) hash.Set("field:" + std::to_string(i), "v");
    });
  }

  int64_t At(int64_t ms) { return clock_.WallMs() + ms; }
  // Engine::ExpireSome over every shard.
  void SweepExpired() {
    for (int round = 0; round < 100; ++round) engine_->ExpireSome(1000);
  }
};

TEST_F(HashTest, ASmallHashIsItsHeadRow) {
  Do("h", [](HashKey& hash) {
    EXPECT_TRUE(hash.Set("one", "1"));
    EXPECT_TRUE(hash.Set("two", "2"));
    EXPECT_FALSE(hash.Set("one", "uno"));
    EXPECT_EQ(hash.Find("one")->value, "uno");
    EXPECT_FALSE(hash.Find("three").has_value());
  });
  Commit();
  EXPECT_EQ(StoredRows(), "head db=0 slot=" + std::to_string(SlotOfPosition(PositionOf("h"))) +
                              " key=h type=4 encoding=11 value="
                              "\\x00\\x03one\\x03uno\\x03two\\x012\n");
}

TEST_F(HashTest, ChangingAFieldOfABigHashLogsLittle) {
  Limits().packed_size_max = 64;
  Fill("h", 1, 100'000);
  Commit();
  const uint64_t rows_before = engine_->log().counters().rows;
  const uint64_t bytes_before = engine_->log().counters().bytes;
  Do("h", [](HashKey& hash) { EXPECT_FALSE(hash.Set("field:77", "another")); });
  Commit();
  EXPECT_EQ(engine_->log().counters().rows - rows_before, 2u) << "the field and the state";
  EXPECT_LT(engine_->log().counters().bytes - bytes_before, 200u);
}

TEST_F(HashTest, AnEmptiedHashIsGone) {
  for (const uint32_t packed_size_max : {kPackedSizeMaxUsual, 0u}) {
    Limits().packed_size_max = packed_size_max;
    Fill("h", 1, 3);
    Do("h", [](HashKey& hash) {
      for (int i = 1; i <= 3; ++i) EXPECT_TRUE(hash.Remove("field:" + std::to_string(i)));
      EXPECT_FALSE(hash.Remove("field:1"));
    });
    Commit();
    EXPECT_EQ(StoredRows(), "");
  }
}

TEST_F(HashTest, AFieldThatHasExpiredIsNotThere) {
  for (const uint32_t packed_size_max : {kPackedSizeMaxUsual, 0u}) {
    SCOPED_TRACE(packed_size_max);
    Limits().packed_size_max = packed_size_max;
    Do("h", [&](HashKey& hash) {
      hash.Set("a", "1", At(100));
      hash.Set("b", "2");
    });
    clock_.AdvanceMs(99);
    EXPECT_EQ(Show("h"), "{a=1@1, b=2, }");
    clock_.AdvanceMs(1);
    Do("h", [](HashKey& hash) {
      EXPECT_EQ(hash.size(), 1u);
      EXPECT_FALSE(hash.Find("a").has_value());
      EXPECT_EQ(hash.Random().name, "b");
      EXPECT_TRUE(hash.Set("a", "new")) << "it is a new field";
    });
    EXPECT_EQ(Show("h"), "{a=new, b=2, }");
    EXPECT_EQ(Differences(), "");
    InTx({"h"}, [](Tx& tx) { tx.Delete("h"); });
  }
}

TEST_F(HashTest, WhereNothingMayBeDeletedExpiredFieldsAreHidden) {
  for (const uint32_t packed_size_max : {kPackedSizeMaxUsual, 0u}) {
    Limits().packed_size_max = packed_size_max;
    Do("h", [&](HashKey& hash) {
      hash.Set("a", "1", At(100));
      hash.Set("b", "2");
    });
    Commit();
    clock_.AdvanceMs(100);
    const std::string rows = StoredRows();
    {
      const KeyRef ref(0, "h");
      Tx tx(engine_->keyspace(), {&ref, 1}, clock_.WallMs(), {.expire = false});
      EXPECT_EQ(Print(tx, "h"), "{b=2, }");
      HashKey hash(tx, "h", tx.Find("h"));
      EXPECT_EQ(hash.Random().name, "b");
      EXPECT_FALSE(hash.Find("a").has_value());
    }
    Commit();
    EXPECT_EQ(StoredRows(), rows);
    InTx({"h"}, [](Tx& tx) { tx.Delete("h"); });
  }
}

// Who follows another server leaves that to it.
TEST_F(HashTest, WhatAnotherServerJudgesIsShownPastItsTime) {
  for (const uint32_t packed_size_max : {512u, 0u}) {
    Limits().packed_size_max = packed_size_max;
    Do("h", [&](HashKey& hash) { hash.Set("a", "1", At(100)); });
    clock_.AdvanceMs(200);
    {
      const KeyRef ref(0, "h");
      Tx tx(engine_->keyspace(), {&ref, 1}, clock_.WallMs(), {.write = true, .see_expired = true});
      EXPECT_EQ(Print(tx, "h"), "{a=1@-100, }");
      HashKey hash(tx, "h", tx.Find("h"));
      EXPECT_EQ(hash.Random().name, "a");
      hash.SetExpiry("a", kNoExpiry);
      EXPECT_TRUE(hash.Set("b", "2", At(-1)));
    }
    EXPECT_EQ(Show("h"), "{a=1, }");
    EXPECT_EQ(Differences(), "");
    InTx({"h"}, [](Tx& tx) { tx.Delete("h"); });
  }
}

TEST_F(HashTest, AKeyGoesWithItsLastField) {
  for (const uint32_t packed_size_max : {kPackedSizeMaxUsual, 0u}) {
    Limits().packed_size_max = packed_size_max;
    Do("h", [&](HashKey& hash) {
      hash.Set("a", "1", At(100));
      hash.Set("b", "2", At(200));
    });
    clock_.AdvanceMs(200);
    InTx({"h"}, [](Tx& tx) { EXPECT_EQ(tx.Find("h"), nullptr); });
    Commit();
    EXPECT_EQ(StoredRows(), "");
    EXPECT_EQ(engine_->keyspace().KeyCount(0), 0u);
  }
}

TEST_F(HashTest, TheSweepDeletesFieldsThatNobodyTouches) {
  for (const uint32_t packed_size_max : {kPackedSizeMaxUsual, 0u}) {
    for (const bool reload : {false, true}) {
      SCOPED_TRACE(std::to_string(packed_size_max) + (reload ? ", loaded anew" : ""));
      Limits().packed_size_max = packed_size_max;
      Do("h", [&](HashKey& hash) {
        hash.Set("a", "1");
        hash.Set("b", "2");
        hash.SetExpiry("a", At(100));
      });
      if (reload) {
        Reopen();
        EXPECT_EQ(Show("h"), "{a=1@100, b=2, }");
      }
      InTx({"h", "i"}, [](Tx& tx) { tx.Move(KeyRef(0, "h"), KeyRef(0, "i")); });
      InTx({"h", "i"}, [](Tx& tx) { tx.Copy(KeyRef(0, "i"), KeyRef(0, "h")); });
      clock_.AdvanceMs(100);
      SweepExpired();
      Commit();
      const std::string rows = StoredRows();
      EXPECT_EQ(Show("h"), "{b=2, }");
      EXPECT_EQ(Show("i"), "{b=2, }");
      Commit();
      EXPECT_EQ(StoredRows(), rows) << "nothing was left to delete";
      InTx({"h", "i"}, [](Tx& tx) { tx.Delete("h"), tx.Delete("i"); });
    }
  }
}

TEST_F(HashTest, TheSweepFindsColdHashes) {
  Do("h", [&](HashKey& hash) {
    hash.Set("a", "1", At(100));
    hash.Set("b", "2");
  });
  Do("gone", [&](HashKey& hash) { hash.Set("a", "1", At(100)); });
  DemoteAll();
  clock_.AdvanceMs(2000);
  for (int i = 0; i < 20; ++i) engine_->KeeperTick();
  Commit();
  EXPECT_EQ(engine_->keyspace().KeyCount(0), 1u);
  const std::string rows = StoredRows();
  EXPECT_EQ(Show("h"), "{b=2, }");
  Commit();
  EXPECT_EQ(StoredRows(), rows) << "nothing was left to delete";
}

TEST_F(HashTest, AnExpiryIsKeptAndTakenBack) {
  for (const uint32_t packed_size_max : {kPackedSizeMaxUsual, 0u}) {
    Limits().packed_size_max = packed_size_max;
    Do("h", [&](HashKey& hash) {
      hash.Set("a", "1", At(100));
      hash.Set("b", "2", At(100));
      hash.Set("a", "3");
      hash.Set("c", "3", At(100));
      hash.SetExpiry("b", At(300));
      hash.SetExpiry("c", kNoExpiry);
    });
    EXPECT_EQ(Show("h"), "{a=3, b=2@300, c=3, }");
    Do("h", [&](HashKey& hash) { hash.SetExpiry("b", kNoExpiry); });
    clock_.AdvanceMs(1000);
    EXPECT_EQ(Show("h"), "{a=3, b=2, c=3, }");
    ExpectSameAfterLoad({"h"}, Print);
    InTx({"h"}, [](Tx& tx) { tx.Delete("h"); });
  }
}

TEST_F(HashTest, ListpackBecomesListpackExWithTheFirstExpiry) {
  const auto encoding = [&] {
    std::string name;
    InTx({"h"}, [&](Tx& tx) { name = EncodingName(tx.Find("h")->encoding); });
    return name;
  };
  Do("h", [](HashKey& hash) { hash.Set("a", "1"); });
  EXPECT_EQ(encoding(), "listpack");
  Do("h", [&](HashKey& hash) { hash.SetExpiry("a", At(100)); });
  EXPECT_EQ(encoding(), "listpackex");
  Do("h", [](HashKey& hash) { hash.SetExpiry("a", kNoExpiry); });
  EXPECT_EQ(encoding(), "listpackex");
  ExpectSameAfterLoad({"h"}, Print);
  Do("h", [](HashKey& hash) { hash.Set("b", std::string(65, 'v')); });
  EXPECT_EQ(encoding(), "hashtable");
  Do("h", [&](HashKey& hash) { hash.SetExpiry("a", At(100)); });
  EXPECT_EQ(encoding(), "hashtable");
}

// One opening deletes a bounded number; the rest is hidden until the next.
TEST_F(HashTest, ManyFieldsThatExpireAtOnceAreDeletedInPieces) {
  Limits().packed_size_max = 0;
  const int64_t count = 2 * kFieldsPurgedMax + 500;
  Do("h", [&](HashKey& hash) {
    for (int64_t i = 0; i < count; ++i) hash.Set("field:" + std::to_string(i), "v", At(100));
    hash.Set("stays", "v");
  });
  Commit();
  clock_.AdvanceMs(100);
  for (int opening = 0; opening < 4; ++opening) {
    const uint64_t rows_before = engine_->log().counters().rows;
    EXPECT_EQ(Show("h"), "{stays=v, }");
    Commit();
    EXPECT_LE(engine_->log().counters().rows - rows_before, kFieldsPurgedMax + 2);
  }
  ExpectSameAfterLoad({"h"}, Print);
}

// A load would walk over the rows of everything that was ever deleted.
TEST_F(HashTest, ErasedRowsDoNotPileUp) {
  Limits().packed_size_max = 100;
  Fill("h", 1, 50);
  for (const bool packs : {false, true}) {
    if (packs) {
      Do("h", [](HashKey& hash) {
        for (int i = 4; i <= 50; ++i) hash.Remove("field:" + std::to_string(i));
      });
    }
    const uint64_t rows_before = engine_->log().counters().rows;
    for (int i = 0; i < 2000; ++i) {
      Do("h", [&](HashKey& hash) {
        hash.Set("x", "1");
        hash.Remove("x");
      });
    }
    Commit();
    InTx({"h"}, [&](Tx& tx) {
      const Object* object = tx.Find("h");
      EXPECT_EQ(object->spread(), !packs);
      if (object->spread()) {
        EXPECT_LE(object->collection()->erased_row_count(), kErasedRowsKept);
      }
    });
    EXPECT_LT(engine_->log().counters().rows - rows_before, 4300u);
    ExpectSameAfterLoad({"h"}, Print);
  }
}

TEST_F(HashTest, AHashOfMediumSizeIsOneBufferInMemory) {
  const auto bytes = [this] {
    size_t size = 0;
    InTx({"h"}, [&](Tx& tx) {
      EXPECT_TRUE(tx.Find("h")->spread());
      size = tx.Find("h")->collection()->memory_bytes();
    });
    return size;
  };
  Fill("h", 1, 400);  // of 11 bytes and less each
  EXPECT_LE(bytes(), 400 * 14u);
  Do("h", [](HashKey& hash) {
    EXPECT_FALSE(hash.Set("field:200", "a value that is longer"));
    EXPECT_EQ(hash.Find("field:200")->value, "a value that is longer");
    EXPECT_EQ(hash.Find("field:201")->value, "v");
    EXPECT_FALSE(hash.Find("field:20x").has_value());
    EXPECT_TRUE(hash.Remove("field:199"));
    EXPECT_FALSE(hash.Remove("field:199"));
    EXPECT_EQ(hash.size(), 399u);
  });
  ExpectSameAfterLoad({"h"}, Print);
  EXPECT_LE(bytes(), 400 * 14u) << "after a load";
  Fill("h", 401, 700);
  EXPECT_GT(bytes(), 700 * 14u) << "a table";
  Do("h", [](HashKey& hash) {
    EXPECT_EQ(hash.size(), 699u);
    EXPECT_EQ(hash.Find("field:200")->value, "a value that is longer");
  });
}

// A walk that began over a table goes on where the hash has become small.
TEST_F(HashTest, AWalkGoesOnInAnotherForm) {
  Fill("h", 1, 600);
  std::multiset<std::string> seen;
  const auto visit = [&](const HashKey::Field& field) { seen.insert(std::string(field.name)); };
  uint64_t cursor = 0;
  Do("h", [&](HashKey& hash) { cursor = hash.Walk(0, 100, visit); });
  EXPECT_NE(cursor, 0u);
  EXPECT_GE(seen.size(), 100u);
  Do("h", [](HashKey& hash) {
    for (int i = 401; i <= 600; ++i) hash.Remove("field:" + std::to_string(i));
  });
  Commit();
  DemoteAll();
  Do("h", [&](HashKey& hash) { EXPECT_EQ(hash.Walk(cursor, 100, visit), 0u); });
  for (int i = 1; i <= 400; ++i) EXPECT_EQ(seen.count("field:" + std::to_string(i)), 1u) << i;
}

TEST_F(HashTest, MemoryLoadAndReplicaAgree) {
  CheckProperty(
      [this](Tx& tx, std::string_view key, std::mt19937_64& random) {
        if (random() % 40 == 0) clock_.AdvanceMs(static_cast<int64_t>(random() % 50));
        HashKey hash(tx, key, tx.Find(key));
        for (uint64_t left = random() % 6; left > 0; --left) {
          const std::string name = "field:" + std::to_string(random() % 100);
          const std::string value(random() % (random() % 50 == 0 ? 3000 : 30), 'v');
          const int64_t at_ms = random() % 4 == 0
                                    ? tx.now_ms() + 1 + static_cast<int64_t>(random() % 500)
                                    : kNoExpiry;
          const uint64_t what = random() % 10;
          if (what < 5) {
            hash.Set(name, value, at_ms);
          } else if (what < 7) {
            if (hash.Find(name)) hash.SetExpiry(name, at_ms);
          } else if (what < 9 || hash.size() == 0) {
            hash.Remove(name);
          } else {
            hash.Remove(std::string(hash.Random().name));
          }
        }
      },
      Print);
}

}  // namespace
}  // namespace hearth
