#include "engine/set.h"

#include <algorithm>
#include <set>

#include "tests/engine/collection_fixture.h"

namespace hearth {
namespace {

class SetTest : public CollectionFixture {
 protected:
  // The members in order: "{a, b}".
  static std::string Print(Tx& tx, std::string_view key) {
    const SetKey set(tx, key, tx.Peek(key));
    std::vector<std::string> members;
    set.Each([&](std::string_view member) { members.emplace_back(member); });
    std::sort(members.begin(), members.end());
    EXPECT_EQ(members.size(), set.size());
    std::string text = "{";
    for (const std::string& member : members) text += member + ", ";
    return text + "}";
  }

  void Add(std::string_view key, int first, int last) {
    InTx({key}, [&](Tx& tx) {
      SetKey set(tx, key, tx.Find(key));
      for (int i = first; i <= last; ++i) set.Add("member:" + std::to_string(i));
    });
  }
};

TEST_F(SetTest, ASmallSetIsItsHeadRow) {
  InTx({"s"}, [](Tx& tx) {
    SetKey set(tx, "s", tx.Find("s"));
    EXPECT_TRUE(set.Add("one"));
    EXPECT_TRUE(set.Add("two"));
    EXPECT_FALSE(set.Add("one"));
  });
  Commit();
  EXPECT_EQ(StoredRows(), "head db=0 slot=" + std::to_string(SlotOfPosition(PositionOf("s"))) +
                              " key=s type=2 encoding=11 value=\\x06one\\x06two\n");
  EXPECT_EQ(engine_->keyspace().KeyCount(0), 1u);
}

TEST_F(SetTest, IntegersArePackedAsSuch) {
  const std::vector<std::string> members = {"0",
                                            "-1",
                                            "127",
                                            "128",
                                            "-128",
                                            "-129",
                                            "007",
                                            "-0",
                                            "32767",
                                            "32768",
                                            "8388608",
                                            "9223372036854775807",
                                            "-9223372036854775808",
                                            "9223372036854775808",
                                            "",
                                            "x"};
  InTx({"s"}, [&](Tx& tx) {
    SetKey set(tx, "s", tx.Find("s"));
    for (const std::string& member : members) EXPECT_TRUE(set.Add(member)) << member;
    for (const std::string& member : members) {
      EXPECT_TRUE(set.Contains(member)) << member;
      EXPECT_FALSE(set.Add(member)) << member;
    }
    EXPECT_FALSE(set.Contains("1"));
    EXPECT_EQ(set.size(), members.size());
    std::vector<std::string> visited;
    set.Each([&](std::string_view member) { visited.emplace_back(member); });
    EXPECT_EQ(visited, members) << "in the order of adding";
  });
  InTx({"few"}, [&](Tx& tx) {
    SetKey set(tx, "few", tx.Find("few"));
    for (const char* member : {"100000", "-70000", "5"}) set.Add(member);
  });
  InTx({"few"}, [&](Tx& tx) { EXPECT_EQ(tx.Find("few")->value().size(), 4u + 4u + 2u); });
  ExpectSameAfterLoad({"s"}, Print);
}

TEST_F(SetTest, ABigSetHasARowAMember) {
  Limits().packed_size_max = 30;
  Add("s", 1, 4);
  Commit();
  EXPECT_EQ(StoredRows().find("value=\\x08"), std::string::npos);
  const uint64_t rows_before = engine_->log().counters().rows;
  Add("s", 5, 5);
  Commit();
  EXPECT_EQ(engine_->log().counters().rows - rows_before, 2u) << "the member and the state";
  EXPECT_EQ(Differences(), "");
}

TEST_F(SetTest, AnEmptiedSetIsGone) {
  for (const uint32_t packed_size_max : {kPackedSizeMaxUsual, 0u}) {
    Limits().packed_size_max = packed_size_max;
    Add("s", 1, 3);
    InTx({"s"}, [](Tx& tx) {
      SetKey set(tx, "s", tx.Find("s"));
      for (int i = 1; i <= 3; ++i) EXPECT_TRUE(set.Remove("member:" + std::to_string(i)));
    });
    InTx({"s"}, [](Tx& tx) { EXPECT_EQ(tx.Find("s"), nullptr); });
    Commit();
    EXPECT_EQ(StoredRows(), "");
    EXPECT_EQ(engine_->keyspace().KeyCount(0), 0u);
  }
}

TEST_F(SetTest, OverwritingAndFlushingLeaveNoRows) {
  Limits().packed_size_max = 0;
  Add("s", 1, 2000);
  Add("t", 1, 10);
  Set("s", "string");
  Set("t", "string");
  EXPECT_EQ(Differences(), "");
  Add("u", 1, 10);
  {
    Tx tx(engine_->keyspace(), {}, clock_.WallMs(), {.write = true, .lock_all = true});
    tx.FlushDb(0);
  }
  Commit();
  EXPECT_EQ(StoredRows(), "");
}

TEST_F(SetTest, RenamingABigSetMovesOneRow) {
  Limits().packed_size_max = 0;
  Add("s", 1, 2000);
  Commit();
  const uint64_t rows_before = engine_->log().counters().rows;
  InTx({"s", "t"}, [](Tx& tx) { tx.Move(KeyRef(0, "s"), KeyRef(0, "t")); });
  Commit();
  EXPECT_EQ(engine_->log().counters().rows - rows_before, 3u) << "both heads and the state";
  ExpectSameAfterLoad({"s", "t"}, Print);
}

TEST_F(SetTest, WhatWasNotCommittedIsForgotten) {
  Limits().packed_size_max = 0;
  Add("s", 1, 10);
  Commit();
  Add("s", 11, 20);
  engine_->log().Fail(Status::IoError("a test"));
  engine_->keyspace().ForgetUncommitted();
  engine_->log().Restart(engine_->log().CommittedState());
  InTx({"s"}, [](Tx& tx) { EXPECT_EQ(SetKey(tx, "s", tx.Find("s")).size(), 10u); });
  EXPECT_EQ(Differences(), "");
}

TEST_F(SetTest, ManyLookUpsFindWhatOneDoes) {
  for (const uint32_t packed_size_max : {kPackedSizeMaxUsual, 0u}) {
    Limits().packed_size_max = packed_size_max;
    InTx({"s"}, [](Tx& tx) {
      SetKey set(tx, "s", tx.Find("s"));
      for (const char* member : {"one", "2", "", "-3", "four"}) set.Add(member);
      for (int round = 0; round < 3; ++round) {
        for (const char* member : {"one", "2", "", "-3", "four"}) EXPECT_TRUE(set.Contains(member));
        for (const char* member : {"On", "3", "-2", "five"}) EXPECT_FALSE(set.Contains(member));
      }
      set.Remove("2");
      set.Add("3");
      for (int round = 0; round < 10; ++round) EXPECT_TRUE(set.Contains("3"));
      for (int round = 0; round < 10; ++round) EXPECT_FALSE(set.Contains("2"));
    });
    InTx({"s"}, [](Tx& tx) { tx.Delete("s"); });
  }
}

TEST_F(SetTest, ASetOfMediumSizeIsOneBufferInMemory) {
  const auto bytes = [this](std::string_view key) {
    size_t size = 0;
    InTx({key}, [&](Tx& tx) {
      EXPECT_TRUE(tx.Find(key)->spread());
      size = tx.Find(key)->collection()->memory_bytes();
    });
    return size;
  };
  const auto add = [this](std::string_view key, const std::vector<std::string>& members) {
    InTx({key}, [&](Tx& tx) {
      SetKey set(tx, key, tx.Find(key));
      for (const std::string& member : members) {
        EXPECT_FALSE(set.Contains(member)) << member;
        EXPECT_TRUE(set.Add(member)) << member;
        EXPECT_FALSE(set.Add(member)) << member;
      }
      for (const std::string& member : members) EXPECT_TRUE(set.Contains(member)) << member;
    });
  };
  std::vector<std::string> numbers;
  for (int i = 0; i < 400; ++i) numbers.push_back(std::to_string((i * 77 % 401 - 200) * 160));
  add("n", numbers);
  EXPECT_LE(bytes("n"), 400 * 2 * 5 / 4 + 32u) << "two bytes a number";
  add("n", {"100000"});
  EXPECT_LE(bytes("n"), 401 * 4 * 5 / 4 + 32u) << "four bytes a number";
  add("n", {"-9223372036854775808", "9223372036854775807"});
  EXPECT_LE(bytes("n"), 403 * 8 * 5 / 4 + 32u) << "eight bytes a number";
  ExpectSameAfterLoad({"n"}, Print);
  InTx({"n"}, [&](Tx& tx) {
    SetKey set(tx, "n", tx.Find("n"));
    std::set<std::string_view> drawn;
    for (int i = 0; i < 20'000; ++i) drawn.insert(set.Random());
    EXPECT_EQ(drawn.size(), 403u) << "each may be drawn, and keeps its view";
    for (size_t i = 0; i < numbers.size(); i += 2) EXPECT_TRUE(set.Remove(numbers[i]));
    EXPECT_FALSE(set.Remove(numbers[0]));
    EXPECT_FALSE(set.Remove("x"));
    EXPECT_TRUE(set.Remove(set.Random()));
    EXPECT_EQ(set.size(), 202u);
  });
  ExpectSameAfterLoad({"n"}, Print);
  add("n", {"not a number"});
  EXPECT_GT(bytes("n"), 203 * 16u) << "a table: too many for items";

  std::vector<std::string> words;
  for (int i = 0; i < 100; ++i) words.push_back("a member of a set: " + std::to_string(i));
  add("w", words);
  EXPECT_LE(bytes("w"), 100 * 22 * 5 / 4 + 32u);
  add("w", {"17", "-5"});
  ExpectSameAfterLoad({"w"}, Print);
  InTx({"w"}, [](Tx& tx) { EXPECT_TRUE(SetKey(tx, "w", tx.Find("w")).Remove("17")); });
  ExpectSameAfterLoad({"w"}, Print);

  Limits().packed_size_max = 10;
  add("m", {"1", "1000", "100000", "10000000000", "x", "-1"});
  EXPECT_LE(bytes("m"), 96u) << "numbers became items";
  ExpectSameAfterLoad({"m"}, Print);
}

TEST_F(SetTest, MemoryLoadAndReplicaAgree) {
  CheckProperty(
      [](Tx& tx, std::string_view key, std::mt19937_64& random) {
        SetKey set(tx, key, tx.Find(key));
        for (uint64_t left = random() % 6; left > 0; --left) {
          const uint64_t n = random() % 400;
          std::string member = n % 3 == 0 ? std::to_string(n) : "member:" + std::to_string(n);
          // One key nearly always holds integers alone, of all widths.
          if (key == "c" && random() % 200 != 0) {
            member = std::to_string(static_cast<int64_t>(n - 200) << (n % 8 == 0 ? n % 56 : 0));
          }
          if (random() % 5 < 3) {
            set.Add(member);
          } else if (random() % 2 == 0 || set.size() == 0) {
            set.Remove(member);
          } else {
            set.Remove(std::string(set.Random()));
          }
        }
      },
      Print);
}

}  // namespace
}  // namespace hearth
