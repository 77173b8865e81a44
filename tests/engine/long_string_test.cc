#include "engine/long_string.h"

#include <algorithm>

#include "tests/engine/collection_fixture.h"

namespace hearth {
namespace {

class LongStringTest : public CollectionFixture {
 protected:
  static std::string Print(Tx& tx, std::string_view key) {
    return std::string(tx.Peek(key)->value());
  }

  void Write(std::string_view key, size_t offset, std::string_view bytes) {
    InTx({key}, [&](Tx& tx) { tx.WriteRange(key, offset, bytes); });
  }

  template <typename Change>
  uint64_t RowsOf(Change change) {
    Commit();
    const uint64_t rows_before = engine_->log().counters().rows;
    InTx({"s"}, change);
    Commit();
    return engine_->log().counters().rows - rows_before - 1;  // of the state
  }
  uint64_t RowsOf(size_t offset, std::string_view bytes) {
    return RowsOf([&](Tx& tx) { tx.WriteRange("s", offset, bytes); });
  }
  uint64_t RowsOfSet(const std::string& value) {
    return RowsOf([&](Tx& tx) {
      tx.SetString("s", value, Expiry::None());
      EXPECT_EQ(tx.change_count(), 1u);
    });
  }
  bool IsSpread() {
    bool spread = false;
    InTx({"s"}, [&](Tx& tx) { spread = tx.Find("s")->spread(); });
    return spread;
  }
};

TEST_F(LongStringTest, AChangeInPlaceLogsTheChunksItTouches) {
  InTx({"s"}, [](Tx& tx) { tx.SetString("s", std::string(20'000, 'x'), Expiry::None()); });
  EXPECT_EQ(RowsOf(0, "a"), 82u)
      << "its head, 79 chunks of 256 bytes for one of all, and the one that changes";
  EXPECT_EQ(RowsOf(5'000, "b"), 1u);
  EXPECT_EQ(RowsOf(1'023, "cd"), 2u);
  EXPECT_EQ(RowsOf(19'999, "ef"), 2u) << "its head tells the new size";
  std::string wanted(20'001, 'x');
  wanted[0] = 'a', wanted[5'000] = 'b', wanted[1'023] = 'c', wanted[1'024] = 'd';
  wanted[19'999] = 'e', wanted[20'000] = 'f';
  InTx({"s"}, [&](Tx& tx) { EXPECT_EQ(tx.Find("s")->value(), wanted); });
  ExpectSameAfterLoad({"s"}, Print);
}

TEST_F(LongStringTest, ChunksOfZerosHaveNoRow) {
  EXPECT_EQ(RowsOf(100'000'000, "x"), 2u) << "its head, one chunk";
  InTx({"s"}, [](Tx& tx) { EXPECT_EQ(tx.Find("s")->value().size(), 100'000'001u); });
  EXPECT_EQ(RowsOf(100'000'000, std::string_view("\0", 1)), 1u) << "the chunk goes";
  EXPECT_EQ(Differences(), "");
  EXPECT_EQ(RowsOf(5, std::string_view("\0", 1)), 1u) << "watchers are to see a change";
}

// Redis counts a command's change, whatever it has to write for it.
TEST_F(LongStringTest, AWriteIsOneChangeInHoweverManyRows) {
  const auto changes_of = [&](size_t offset, const std::string& bytes) {
    uint64_t count = 0;
    InTx({"s"}, [&](Tx& tx) {
      tx.WriteRange("s", offset, bytes);
      count = tx.change_count();
    });
    return count;
  };
  EXPECT_EQ(changes_of(0, std::string(1 << 20, 'x')), 1u) << "a new string";
  EXPECT_EQ(changes_of(0, std::string(1 << 20, 'y')), 1u) << "in place";
  EXPECT_EQ(changes_of(1 << 20, "z"), 1u) << "behind it";
  EXPECT_EQ(changes_of(5, std::string("\0", 1)), 1u);
  Commit();
  EXPECT_EQ(Differences(), "");
}

TEST_F(LongStringTest, AGrowingStringHasLittleSpareRoom) {
  constexpr size_t kSize = 8 << 20, kSpareMax = 3 << 19;
  const auto memory = [&] {
    size_t bytes = 0;
    InTx({"s"}, [&](Tx& tx) { bytes = tx.Find("s")->memory_size(); });
    return bytes;
  };
  Write("s", 0, std::string(kSize, 'x'));
  EXPECT_LT(memory(), kSize + kSpareMax);
  Write("s", kSize + (1 << 20), "y");
  EXPECT_LT(memory(), kSize + (1 << 20) + kSpareMax);
}

TEST_F(LongStringTest, SetMakesItShortAgain) {
  Write("s", 10'000, "x");
  InTx({"s"}, [](Tx& tx) { tx.SetString("s", "short", Expiry::None()); });
  Commit();
  EXPECT_EQ(StoredRows(), "head db=0 slot=" + std::to_string(SlotOfPosition(PositionOf("s"))) +
                              " key=s type=0 encoding=8 value=short\n");
  EXPECT_EQ(Differences(), "");
}

TEST_F(LongStringTest, WhatIsSetAtOnceIsOneChunkOrSmallOnes) {
  EXPECT_EQ(RowsOfSet(std::string(16'384, 'x')), 1u);
  EXPECT_FALSE(IsSpread());
  EXPECT_EQ(RowsOfSet(std::string(16'385, 'x')), 2u) << "its head, its bytes";
  EXPECT_TRUE(IsSpread());
  EXPECT_EQ(RowsOfSet(std::string(1 << 20, 'y')), 3u) << "and the former bytes' end";
  EXPECT_EQ(RowsOfSet(std::string((1 << 20) + 1, 'y')), 2u + 257u) << "chunks of 4,096 bytes";
  ExpectSameAfterLoad({"s"}, Print);
  EXPECT_EQ(RowsOfSet("short"), 1u + 257u);
  EXPECT_EQ(StoredRows().find("element"), std::string::npos);
  EXPECT_EQ(RowsOfSet(std::string(100'000, '\0')), 1u) << "zeros have no row";
  ExpectSameAfterLoad({"s"}, Print);
}

// Who touches a session with each request does not write it anew each time.
TEST_F(LongStringTest, AnExpiryOrANameLogsTheHeadAlone) {
  EXPECT_EQ(RowsOfSet(std::string(500'000, 'x')), 2u);
  EXPECT_EQ(RowsOf([&](Tx& tx) { tx.SetExpiry("s", clock_.WallMs() + 1000); }), 1u);
  Commit();
  const uint64_t bytes_before = engine_->log().counters().bytes;
  InTx({"s", "t"}, [](Tx& tx) { tx.Move(KeyRef(0, "s"), KeyRef(0, "t")); });
  Commit();
  EXPECT_LT(engine_->log().counters().bytes - bytes_before, 1000u);
  ExpectSameAfterLoad({"s", "t"}, Print);
}

TEST_F(LongStringTest, ALoadedValueHasNoSpareRoom) {
  RowsOfSet(std::string(1 << 20, 'x'));
  DemoteAll();
  InTx({"s"}, [](Tx& tx) { EXPECT_LT(tx.Find("s")->memory_size(), (1u << 20) + 1000); });
}

TEST_F(LongStringTest, ShortStringsAreNotSpread) {
  Write("s", 4'000, "x");
  InTx({"s"}, [](Tx& tx) { EXPECT_FALSE(tx.Find("s")->spread()); });
  Write("s", 4'096, "x");
  InTx({"s"}, [](Tx& tx) { EXPECT_TRUE(tx.Find("s")->spread()); });
}

TEST_F(LongStringTest, AFailedCommitIsForgotten) {
  Write("s", 10'000, "x");
  Commit();
  Write("s", 10'000, "y");
  engine_->log().Fail(Status::IoError("a test"));
  engine_->keyspace().ForgetUncommitted();
  engine_->log().Restart(engine_->log().CommittedState());
  InTx({"s"}, [](Tx& tx) { EXPECT_EQ(tx.Find("s")->value().back(), 'x'); });
  EXPECT_EQ(Differences(), "");
}

TEST_F(LongStringTest, ADamagedRowIsRefused) {
  const auto string = MakeLongString(1);
  EXPECT_FALSE(string->ReadHead(""));
  EXPECT_FALSE(string->ReadHead("\x19\x10")) << "chunks beyond all measure";
  EXPECT_FALSE(string->ReadHead("\x04\xff\xff\xff\xff\x7f")) << "a size beyond all measure";
  ASSERT_TRUE(string->ReadHead("\x04\x12"));
  EXPECT_FALSE(string->Put("abc", "x")) << "no index";
  EXPECT_FALSE(string->Put(std::string_view("\0\0\0\1", 4), std::string(17, 'x')));
  EXPECT_TRUE(string->FinishLoad());
  ASSERT_TRUE(string->Put(std::string_view("\0\0\0\1", 4), "xyz"));
  EXPECT_FALSE(string->FinishLoad()) << "bytes beyond the head's size";
}

TEST_F(LongStringTest, MemoryLoadAndReplicaAgree) {
  CheckProperty(
      [](Tx& tx, std::string_view key, std::mt19937_64& random) {
        const Object* object = tx.Find(key);
        const size_t size = object == nullptr ? 0 : object->value().size();
        const uint64_t what = random() % 20;
        if (what == 0) {
          tx.SetString(key, std::string(random() % 20'000, 's'), Expiry::Keep());
        } else if (what < 5 && size < 40'000) {
          tx.WriteRange(key, size, std::string(1 + random() % 900, 'a'));
        } else if (what < 7 && size < 40'000) {
          tx.WriteRange(key, size + random() % 3'000, "beyond");
        } else {
          const char byte = random() % 3 == 0 ? '\0' : static_cast<char>('b' + random() % 20);
          const std::string bytes(1 + random() % (what == 7 ? 5'000 : 3), byte);
          tx.WriteRange(key, size == 0 ? 0 : random() % size, bytes);
        }
      },
      Print);
}

}  // namespace
}  // namespace hearth
