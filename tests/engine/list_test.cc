#include "engine/list.h"

#include <algorithm>

#include "tests/engine/collection_fixture.h"

namespace hearth {
namespace {

class ListTest : public CollectionFixture {
 protected:
  void TearDown() override {
    Limits().list_listpack_size = -2;
    CollectionFixture::TearDown();
  }

  // The elements in order: "[a, b, ]".
  static std::string Print(Tx& tx, std::string_view key) {
    const ListKey list(tx, key, tx.Peek(key));
    std::string text = "[", backward;
    size_t count = 0;
    list.Each(0, list.size(), [&](std::string_view element) {
      text += std::string(element) + ", ";
      ++count;
    });
    EXPECT_EQ(count, list.size());
    if (count > 0) {
      list.EachBackward(count - 1, count, [&](std::string_view element) {
        backward.insert(0, std::string(element) + ", ");
      });
    }
    EXPECT_EQ("[" + backward, text);
    return text + "]";
  }

  void Push(std::string_view key, int first, int last, ListEnd end = ListEnd::kTail) {
    InTx({key}, [&](Tx& tx) {
      ListKey list(tx, key, tx.Find(key));
      for (int i = first; i <= last; ++i) list.Push(end, "element:" + std::to_string(i));
    });
  }
  void Pop(std::string_view key, size_t count, ListEnd end) {
    for (; count > 0; --count) {
      InTx({key}, [&](Tx& tx) {
        ListKey list(tx, key, tx.Find(key));
        list.Erase(end == ListEnd::kHead ? 0 : list.size() - 1, 1);
      });
    }
  }
  uint64_t RowCount() { return engine_->log().counters().rows; }
  std::string EncodingName(std::string_view key) {
    std::string name;
    InTx({key}, [&](Tx& tx) { name = hearth::EncodingName(tx.Peek(key)->encoding); });
    return name;
  }
};

TEST_F(ListTest, ASmallListIsItsHeadRow) {
  InTx({"l"}, [](Tx& tx) {
    ListKey list(tx, "l", tx.Find("l"));
    list.Push(ListEnd::kTail, "two");
    list.Push(ListEnd::kTail, "three");
    list.Push(ListEnd::kHead, "one");
  });
  Commit();
  EXPECT_EQ(StoredRows(), "head db=0 slot=" + std::to_string(SlotOfPosition(PositionOf("l"))) +
                              " key=l type=1 encoding=11 value=\\x03one\\x03two\\x05three\n");
  EXPECT_EQ(engine_->keyspace().KeyCount(0), 1u);
}

TEST_F(ListTest, AnElementOfABigListIsOneRow) {
  Limits().packed_size_max = 30;
  Push("l", 1, 20);
  Push("l", 21, 22, ListEnd::kHead);
  Commit();
  const auto rows_of = [&](auto change) {
    Commit();
    const uint64_t before = RowCount();
    InTx({"l"}, [&](Tx& tx) {
      ListKey list(tx, "l", tx.Find("l"));
      change(list);
    });
    Commit();
    EXPECT_EQ(Differences(), "");
    return RowCount() - before;
  };
  const uint64_t kElementAndState = 2;
  EXPECT_EQ(rows_of([](ListKey& list) { list.Push(ListEnd::kTail, "x"); }), kElementAndState);
  EXPECT_EQ(rows_of([](ListKey& list) { list.Push(ListEnd::kHead, "x"); }), kElementAndState);
  EXPECT_EQ(rows_of([](ListKey& list) { list.Insert(7, "x"); }), kElementAndState);
  EXPECT_EQ(rows_of([](ListKey& list) { list.Set(7, "y"); }), kElementAndState);
  EXPECT_EQ(rows_of([](ListKey& list) { list.Erase(7, 1); }), kElementAndState);
  EXPECT_EQ(rows_of([](ListKey& list) { list.Erase(0, 1); }), kElementAndState);
  EXPECT_EQ(rows_of([](ListKey& list) { list.EraseEqual("x", 1, ListEnd::kTail); }),
            kElementAndState);
}

TEST_F(ListTest, AnEmptiedListIsGone) {
  for (const uint32_t packed_size_max : {kPackedSizeMaxUsual, 0u}) {
    Limits().packed_size_max = packed_size_max;
    Push("l", 1, 3);
    Pop("l", 2, ListEnd::kHead);
    Pop("l", 1, ListEnd::kTail);
    InTx({"l"}, [](Tx& tx) { EXPECT_EQ(tx.Find("l"), nullptr); });
    Commit();
    EXPECT_EQ(StoredRows(), "");
    EXPECT_EQ(engine_->keyspace().KeyCount(0), 0u);
  }
}

TEST_F(ListTest, AListEmptiedWhileOpenTakesElementsAgain) {
  for (const uint32_t packed_size_max : {kPackedSizeMaxUsual, 0u}) {
    Limits().packed_size_max = packed_size_max;
    Push("l", 1, 3);
    InTx({"l"}, [](Tx& tx) {
      ListKey list(tx, "l", tx.Find("l"));
      list.Erase(0, 3);
      list.Push(ListEnd::kHead, "again");
    });
    InTx({"l"}, [](Tx& tx) { EXPECT_EQ(Print(tx, "l"), "[again, ]"); });
    ExpectSameAfterLoad({"l"}, Print);
    InTx({"l"}, [](Tx& tx) { tx.Delete("l"); });
  }
}

// A bound that is noted ahead: the head row changes once in a thousand pushes and pops.
TEST_F(ListTest, AQueueSeldomChangesItsHead) {
  Push("q", 1, 200);
  Commit();
  const uint64_t before = RowCount();
  const int kCount = 20'000;
  for (int i = 0; i < kCount; ++i) {
    Push("q", i, i);
    Pop("q", 1, ListEnd::kHead);
  }
  Commit();
  const uint64_t rows = RowCount() - before;
  EXPECT_LE(rows, 2u * kCount + 2u * kCount / kListBoundElements + 4u);
  ExpectSameAfterLoad({"q"}, Print);
}

// The rows that stand, or stood and were not compacted away, outside the bounds are not walked.
TEST_F(ListTest, LoadingADrainedQueueDoesNotWalkWhatWasTaken) {
  for (const ListEnd end : {ListEnd::kHead, ListEnd::kTail}) {
    Push("q", 1, 100'000);
    Pop("q", 99'990, end);
    Commit();
    InTx({"q"}, [&](Tx& tx) {
      const Object* object = tx.Peek("q");
      ASSERT_TRUE(object->spread());
      std::string first, last;
      object->collection()->LoadBounds(&first, &last);
      const uint64_t span = GetBigEndian64(last.data()) - GetBigEndian64(first.data());
      EXPECT_LE(span / kListIndexStep, 4 * kListBoundElements + 20);
      EXPECT_LT(object->collection()->memory_bytes(), 3000u);
    });
    ExpectSameAfterLoad({"q"}, Print);
    InTx({"q"}, [](Tx& tx) { tx.Delete("q"); });
  }
}

TEST_F(ListTest, ManyElementsAreErasedByOneRow) {
  Push("l", 1, 2000);
  Commit();
  const uint64_t before = RowCount();
  InTx({"l"}, [](Tx& tx) { ListKey(tx, "l", tx.Find("l")).Erase(100, 1000); });
  Commit();
  EXPECT_EQ(RowCount() - before, 2u) << "the range and the state";
  ExpectSameAfterLoad({"l"}, Print);
}

// Always at the same place: the worst case for what room there is between two indexes.
TEST_F(ListTest, InsertingAtOnePlaceRewritesFewRows) {
  Push("l", 1, 200);
  Commit();
  const uint64_t before = RowCount();
  const int kCount = 10'000;
  for (int i = 0; i < kCount; ++i) {
    InTx({"l"}, [&](Tx& tx) {
      ListKey list(tx, "l", tx.Find("l"));
      list.Insert(100 + (i % 3 == 0 ? 1 : 0), "inserted:" + std::to_string(i));
    });
  }
  Commit();
  EXPECT_LT(RowCount() - before, uint64_t{kCount} * 40);
  ExpectSameAfterLoad({"l"}, Print);
}

// Redis 7.2: a listpack up to 8 KB, then a quicklist, until no more than half of that is left.
TEST_F(ListTest, TheEncodingFollowsTheListpackSize) {
  for (const uint32_t packed_size_max : {kPackedSizeMaxUsual, 0u, 100'000u}) {
    Limits().packed_size_max = packed_size_max;
    const std::string element(100, 'x');  // 103 bytes of a listpack
    InTx({"l"}, [&](Tx& tx) {
      ListKey list(tx, "l", tx.Find("l"));
      for (int i = 0; i < 79; ++i) list.Push(ListEnd::kTail, element);
    });
    EXPECT_EQ(EncodingName("l"), "listpack");  // 8144 bytes
    InTx({"l"}, [&](Tx& tx) { ListKey(tx, "l", tx.Find("l")).Push(ListEnd::kTail, element); });
    EXPECT_EQ(EncodingName("l"), "quicklist");
    Pop("l", 40, ListEnd::kHead);
    EXPECT_EQ(EncodingName("l"), "quicklist");  // 4127
    DemoteAll();
    Pop("l", 1, ListEnd::kTail);
    EXPECT_EQ(EncodingName("l"), "listpack");  // 4024
    ExpectSameAfterLoad({"l"}, Print);
    InTx({"l"}, [](Tx& tx) { tx.Delete("l"); });
  }
}

TEST_F(ListTest, TheEncodingFollowsTheListpackCount) {
  Limits().list_listpack_size = 6;
  Push("l", 1, 6);
  EXPECT_EQ(EncodingName("l"), "listpack");
  Push("l", 7, 7);
  EXPECT_EQ(EncodingName("l"), "quicklist");
  Pop("l", 3, ListEnd::kHead);
  EXPECT_EQ(EncodingName("l"), "quicklist");
  Pop("l", 1, ListEnd::kHead);
  EXPECT_EQ(EncodingName("l"), "listpack");
}

TEST_F(ListTest, OverwritingLeavesNoRows) {
  Limits().packed_size_max = 0;
  Push("l", 1, 2000);
  Push("m", 1, 10);
  Set("l", "string");
  Set("m", "string");
  EXPECT_EQ(Differences(), "");
}

TEST_F(ListTest, MemoryLoadAndReplicaAgree) {
  CheckProperty(
      [](Tx& tx, std::string_view key, std::mt19937_64& random) {
        ListKey list(tx, key, tx.Find(key));
        for (uint64_t left = random() % 6; left > 0; --left) {
          const std::string element = random() % 50 == 0 ? std::string(random() % 3000, 'x')
                                                         : std::to_string(random() % 99);
          const size_t size = list.size();
          const size_t position = size == 0 ? 0 : random() % size;
          const uint64_t what = random() % 12;
          const ListEnd end = random() % 2 == 0 ? ListEnd::kHead : ListEnd::kTail;
          if (what < 4 || size == 0) {
            list.Push(end, element);
          } else if (what < 7) {
            list.Insert(random() % 3 == 0 ? position : size / 2, element);
          } else if (what == 7) {
            list.Set(position, element);
          } else if (what == 8) {
            list.EraseEqual(element, 1 + random() % 3, end);
          } else if (what == 9 && random() % 20 == 0) {
            list.Erase(position, random() % (size - position + 1));
          } else if (what > 9) {
            list.Erase(end == ListEnd::kHead ? 0 : size - 1, 1);
          }
        }
      },
      Print);
}

}  // namespace
}  // namespace hearth
