// What commands on big collections cost in rows and bytes of the log: as little as for small ones.
#include <functional>

#include "tests/src/commands/command_fixture.h"

namespace hearth {
namespace {

constexpr int kElements = 100'000;
constexpr int kElementsALine = 500;

class RowCostTest : public CommandFixture {
 protected:
  struct Cost {
    uint64_t rows, bytes;
  };

  // command key, then words(i) for each element.
  void Fill(const std::string& command, const std::function<std::string(int)>& words) {
    for (int i = 0; i < kElements;) {
      std::string line = command;
      for (const int end = i + kElementsALine; i < end; ++i) line += " " + words(i);
      Run(line);
    }
  }
  void FillAll() {
    Fill("RPUSH l", [](int i) { return "element:" + std::to_string(i); });
    Fill("SADD s", [](int i) { return "member:" + std::to_string(i); });
    Fill("ZADD z", [](int i) { return std::to_string(i) + " member:" + std::to_string(i); });
    Fill("HSET h", [](int i) { return "field:" + std::to_string(i) + " value"; });
    for (int i = 1; i <= kElements / 10; ++i) {
      Run("XADD x " + std::to_string(i) + "-1 field value");
    }
  }

  Cost CostOf(const std::string& line) {
    Commit();
    const auto& counters = engine_->log().counters();
    const uint64_t rows = counters.rows, bytes = counters.bytes;
    const std::string reply = Run(line);
    EXPECT_NE(reply[0], '-') << line << ": " << reply;
    Commit();
    return {counters.rows - rows, counters.bytes - bytes};
  }

  void ExpectCost(const std::string& line, uint64_t rows_max, uint64_t bytes_max) {
    const Cost cost = CostOf(line);
    EXPECT_LE(cost.rows, rows_max) << line;
    EXPECT_LE(cost.bytes, bytes_max) << line;
  }
};

TEST_F(RowCostTest, AChangeOfOneElementIsItsRowAndTheState) {
  FillAll();
  for (const char* line :
       {"RPUSH l last", "LPUSH l first", "LPOP l", "RPOP l", "LSET l 50000 another",
        "LINSERT l BEFORE element:50000 new", "LREM l 1 element:5000", "SADD s new",
        "SREM s member:50000", "ZADD z 5.5 new", "ZINCRBY z 1 member:70", "ZREM z member:50000",
        "ZPOPMIN z", "HSET h field:50000 x", "HINCRBY h new 1", "HDEL h field:5", "XADD x * f v",
        "LMOVE l l LEFT RIGHT"}) {
    ExpectCost(line, 3, 200);
  }
  // A field's expiry is noted in the head too, for the sweep.
  ExpectCost("HEXPIRE h 1000 FIELDS 1 field:50001", 3, 300);
  EXPECT_EQ(Differences(), "");
}

TEST_F(RowCostTest, AChangeWithinALongStringIsItsChunk) {
  Run("SETRANGE text 1000000 end");
  Run("SETBIT bits 800000000 1");
  Run("PFADD hll 0");
  for (int i = 1; i < 5'000; ++i) Run("PFADD hll " + std::to_string(i));
  for (const char* line : {"APPEND text more", "SETRANGE text 500000 middle",
                           "SETBIT bits 400000000 1", "BITFIELD bits SET u8 4000000 255"}) {
    ExpectCost(line, 3, 4'500);
  }
  ExpectCost("PFADD hll never-seen", 3, 700);
  ExpectCost("EXPIRE bits 1000", 2, 300);
  EXPECT_EQ(Run("COPY bits copy"), ":1\r\n");
  EXPECT_EQ(Run("BITCOUNT copy"), ":10\r\n");
  EXPECT_EQ(Differences(), "");
}

TEST_F(RowCostTest, RenamingAndDeletingDoNotCountElements) {
  FillAll();
  for (const char* key : {"l", "s", "z", "h", "x"}) {
    const std::string name(key);
    ExpectCost("EXPIRE " + name + " 1000", 2, 300);
    ExpectCost("RENAME " + name + " " + name + "2", 3, 300);
    ExpectCost("DEL " + name + "2", 3, 300);
  }
  EXPECT_EQ(Run("EXISTS l s z h x l2 s2 z2 h2 x2"), ":0\r\n");
  EXPECT_EQ(Differences(), "");
}

TEST_F(RowCostTest, OverwritingDoesNotCountElements) {
  FillAll();
  Run("RPUSH l2 1");
  ExpectCost("SET l x", 3, 300);
  ExpectCost("RENAME l2 s", 4, 400);
  ExpectCost("SINTERSTORE z l2 l2", 3, 300);
  EXPECT_EQ(Differences(), "");
}

// Much that goes from a list or a stream at once goes as ranges.
TEST_F(RowCostTest, PartsGoAsRanges) {
  FillAll();
  ExpectCost("LTRIM l 20000 79999", 4, 400);
  ExpectCost("LPOP l 5000", 4, 400);
  ExpectCost("RPOP l 5000", 4, 400);
  ExpectCost("XTRIM x MAXLEN 1000", 4, 400);
  EXPECT_EQ(Run("LLEN l"), ":50000\r\n");
  EXPECT_EQ(Run("LINDEX l 0"), Bulk("element:25000"));
  EXPECT_EQ(Differences(), "");
}

TEST_F(RowCostTest, RemovingEntriesErasesTheirRows) {
  Run("XADD x 1-1 field value");
  for (int i = 2; i <= 1000; ++i) Run("XADD x " + std::to_string(i) + "-1 field value");
  ExpectCost("XDEL x 500-1", 3, 300);
  ExpectCost("XDEL x 501-1 502-1 503-1", 5, 400);
  Run("XTRIM x MAXLEN 10");
  Commit();
  const std::string rows = StoredRows();
  size_t count = 0;
  for (size_t at = 0; (at = rows.find("field", at)) != std::string::npos; ++at) ++count;
  EXPECT_EQ(count, 10u);
}

}  // namespace
}  // namespace hearth
