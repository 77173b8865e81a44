#include "engine/sorted_set.h"

#include <cmath>
#include <limits>

#include "engine/rows.h"
#include "engine/score.h"
#include "tests/engine/collection_fixture.h"

namespace hearth {
namespace {

class SortedSetTest : public CollectionFixture {
 protected:
  // The members in order: "{a=1, b=2}".
  static std::string Print(Tx& tx, std::string_view key) {
    const SortedSetKey set(tx, key, tx.Peek(key));
    std::string text = "{", reverse;
    size_t rank = 0;
    set.Visit(0, SIZE_MAX, false, [&](const ScoredMember& element) {
      char item[600];
      std::snprintf(item, sizeof(item), "%.*s=%.17g, ", static_cast<int>(element.member.size()),
                    element.member.data(), element.score);
      text += item;
      const auto place = set.Find(element.member);
      EXPECT_TRUE(place && place->rank == rank && set.Score(element.member) == element.score);
      EXPECT_LE(set.CountBefore(AtScore(element.score, false)), rank);
      EXPECT_GT(set.CountBefore(AtScore(element.score, true)), rank);
      ++rank;
    });
    EXPECT_EQ(rank, set.size());
    set.Visit(rank - 1, SIZE_MAX, true, [&](const ScoredMember&) { --rank; });
    EXPECT_EQ(rank, 0u);
    set.Walk(0, SIZE_MAX, [&](const ScoredMember& element) {
      EXPECT_EQ(set.Score(element.member), element.score);
      ++rank;
    });
    EXPECT_EQ(rank, set.size());
    return text + "}";
  }

  static SortedSetCut AtScore(double score, bool behind) {
    return {.kind = SortedSetCut::Kind::kScore, .behind = behind, .score = score};
  }

  void Put(std::string_view key, int first, int last) {
    InTx({key}, [&](Tx& tx) {
      SortedSetKey set(tx, key, tx.Find(key));
      for (int i = first; i <= last; ++i) set.Put("member:" + std::to_string(i), i);
    });
  }
};

TEST_F(SortedSetTest, EveryScoreRoundTripsInFewBytes) {
  const double infinity = std::numeric_limits<double>::infinity();
  const struct {
    double score;
    size_t size;
  } kScores[] = {{0, 1},
                 {-0.0, 5},
                 {239, 1},
                 {240, 3},
                 {-1, 3},
                 {32767, 3},
                 {-32769, 5},
                 {2147483648.0, 7},
                 {1700000000123.0, 7},
                 {3479099956230698.0, 8},
                 {36028797018963968.0, 5},
                 {0.5, 5},
                 {0.1, 9},
                 {infinity, 5},
                 {-infinity, 5},
                 {std::numeric_limits<double>::max(), 9},
                 {-std::numeric_limits<double>::denorm_min(), 9}};
  for (const auto& [score, size] : kScores) {
    std::string bytes;
    AppendScore(&bytes, score);
    EXPECT_EQ(bytes.size(), size) << score;
    std::string_view rest = bytes;
    double read;
    ASSERT_TRUE(ReadScore(&rest, &read) && rest.empty());
    EXPECT_TRUE(read == score && std::signbit(read) == std::signbit(score)) << score;
    rest = std::string_view(bytes).substr(0, size - 1);
    EXPECT_FALSE(ReadScore(&rest, &read)) << score;
  }
  std::mt19937_64 random(1);
  for (int i = 0; i < 100'000; ++i) {
    const uint64_t bits = random();
    double score, read;
    std::memcpy(&score, &bits, sizeof(score));
    if (std::isnan(score)) continue;
    if (i % 2 == 0) score = static_cast<double>(static_cast<int64_t>(bits) >> (bits % 64));
    std::string bytes;
    AppendScore(&bytes, score);
    std::string_view rest = bytes;
    ASSERT_TRUE(ReadScore(&rest, &read) && read == score) << score;
  }
  std::string_view nan("\xf5\xff\xff\xff\xff\xff\xff\xff\x7f", 9);
  double read;
  EXPECT_FALSE(ReadScore(&nan, &read));
}

TEST_F(SortedSetTest, ASmallOneIsItsHeadRow) {
  InTx({"z"}, [](Tx& tx) {
    SortedSetKey set(tx, "z", tx.Find("z"));
    set.Put("two", 2);
    set.Put("one", 1);
    set.Put("three", 3);
    set.Put("two", -1);
  });
  Commit();
  EXPECT_EQ(
      StoredRows(),
      "head db=0 slot=" + std::to_string(SlotOfPosition(PositionOf("z"))) +
          " key=z type=3 encoding=11 value=\\x03two\\xf0\\xff\\xff\\x03one\\x01\\x05three\\x03\n");
}

TEST_F(SortedSetTest, ABigOneHasARowAMember) {
  Limits().packed_size_max = 30;
  Put("z", 1, 4);
  Commit();
  for (const int last : {5, 300}) {
    Put("z", 6, last);
    Commit();
    const uint64_t rows_before = engine_->log().counters().rows;
    Put("z", 5, 5);
    Commit();
    EXPECT_EQ(engine_->log().counters().rows - rows_before, 2u) << "the member and the state";
  }
  EXPECT_EQ(Differences(), "");
}

TEST_F(SortedSetTest, AnEmptiedOneIsGone) {
  for (const uint32_t packed_size_max : {kPackedSizeMaxUsual, 0u}) {
    Limits().packed_size_max = packed_size_max;
    Put("z", 1, 3);
    Put("y", 1, 3);
    InTx({"z", "y"}, [](Tx& tx) {
      SortedSetKey set(tx, "z", tx.Find("z"));
      for (int i = 1; i <= 3; ++i) EXPECT_TRUE(set.Remove("member:" + std::to_string(i)));
      SortedSetKey(tx, "y", tx.Find("y")).RemoveRange(0, 5);
    });
    InTx({"z"}, [](Tx& tx) { EXPECT_EQ(tx.Find("z"), nullptr); });
    Commit();
    EXPECT_EQ(StoredRows(), "");
    EXPECT_EQ(engine_->keyspace().KeyCount(0), 0u);
  }
}

// A queue of some members through which many went: a load finds few deleted rows.
TEST_F(SortedSetTest, AQueueGetsNewRowsAfterManyDeletions) {
  Limits().packed_size_max = 100;
  Put("q", 1, 50);
  Commit();
  const std::string first = StoredRows();
  for (int i = 51; i <= 2000; ++i) {
    Put("q", i, i);
    InTx({"q"}, [](Tx& tx) { SortedSetKey(tx, "q", tx.Find("q")).RemoveRange(0, 1); });
  }
  Commit();
  EXPECT_EQ(Differences(), "");
  const std::string rows = StoredRows();
  const auto id = [](const std::string& text) {
    const size_t at = text.find(" id=");
    return text.substr(at, text.find(' ', at + 1) - at);
  };
  EXPECT_NE(id(first), id(rows));
  // Few left: packed again.
  InTx({"q"}, [](Tx& tx) {
    SortedSetKey queue(tx, "q", tx.Find("q"));
    for (int i = 0; i < 1000; ++i) {
      queue.Put("new:" + std::to_string(i), i);
      queue.RemoveRange(0, 1);
    }
    queue.RemoveRange(0, 49);
  });
  Commit();
  EXPECT_EQ(StoredRows().find("element"), std::string::npos) << StoredRows();
  ExpectSameAfterLoad({"q"}, Print);
}

TEST_F(SortedSetTest, TheEncodingIsThatOfRedis) {
  Put("z", 1, 128);
  InTx({"z"}, [](Tx& tx) {
    SortedSetKey set(tx, "z", tx.Find("z"));
    EXPECT_EQ(set.encoding(), Encoding::kListpack);
    set.Put("member:1", 5);
    EXPECT_EQ(set.encoding(), Encoding::kListpack);
    set.Put("one more", 5);
    EXPECT_EQ(set.encoding(), Encoding::kSkiplist);
    set.RemoveRange(0, 120);
    EXPECT_EQ(set.encoding(), Encoding::kSkiplist);
  });
  InTx({"long"}, [](Tx& tx) {
    SortedSetKey set(tx, "long", tx.Find("long"));
    set.Put(std::string(64, 'x'), 5);
    EXPECT_EQ(set.encoding(), Encoding::kListpack);
    set.Put(std::string(65, 'x'), 5);
    EXPECT_EQ(set.encoding(), Encoding::kSkiplist);
  });
}

TEST_F(SortedSetTest, MemoryLoadAndReplicaAgree) {
  CheckProperty(
      [](Tx& tx, std::string_view key, std::mt19937_64& random) {
        SortedSetKey set(tx, key, tx.Find(key));
        for (uint64_t left = random() % 8; left > 0; --left) {
          const std::string member = "member:" + std::to_string(random() % 400);
          const uint64_t what = random() % 20;
          if (what < 14) {
            set.Put(member, static_cast<double>(random() % 50) / (1 + random() % 3));
          } else if (what < 19) {
            set.Remove(member);
          } else if (set.size() > 0) {
            set.RemoveRange(random() % set.size(), random() % (random() % 8 == 0 ? 300 : 10));
          }
        }
      },
      Print);
}

}  // namespace
}  // namespace hearth
