// Commands that are given one key twice: as source and destination, or as several sources.
#include "engine/collection_limits.h"
#include "tests/src/commands/command_fixture.h"

namespace hearth {
namespace {

class SameKeyTest : public CommandFixture {
 protected:
  void TearDown() override {
    Limits().packed_size_max = packed_size_max_;
    CommandFixture::TearDown();
  }

  void Fill() {
    Run("DEL l s t z h x k g p");
    for (const char* line :
         {"RPUSH l 1 2 3", "SADD s 1 2 3", "SADD t 3 x", "ZADD z 1 a 2 b", "HSET h f v",
          "XADD x 1-1 f v", "SET k abc", "GEOADD g 1 1 here", "PFADD p a b"}) {
      Run(line);
    }
  }

  const uint32_t packed_size_max_ = Limits().packed_size_max;
};

// What redis-server answers, and what it then answers to the second line.
struct Case {
  const char* line;
  const char* reply;
  const char* look;
  std::string seen;
};

TEST_F(SameKeyTest, SourceAndDestinationMayBeOne) {
  const std::string none = "*0\r\n";
  const Case cases[] = {
      {"LMOVE l l LEFT RIGHT", "$1\r\n1\r\n", "LRANGE l 0 -1", Bulks({"2", "3", "1"})},
      {"LMOVE l l LEFT LEFT", "$1\r\n1\r\n", "LRANGE l 0 -1", Bulks({"1", "2", "3"})},
      {"RPOPLPUSH l l", "$1\r\n3\r\n", "LRANGE l 0 -1", Bulks({"3", "1", "2"})},
      {"BLMOVE l l RIGHT LEFT 1", "$1\r\n3\r\n", "LRANGE l 0 -1", Bulks({"3", "1", "2"})},
      {"BLPOP l l 1", "*2\r\n$1\r\nl\r\n$1\r\n1\r\n", "LRANGE l 0 -1", Bulks({"2", "3"})},
      {"LMPOP 2 l l LEFT COUNT 9", "*2\r\n$1\r\nl\r\n*3\r\n$1\r\n1\r\n$1\r\n2\r\n$1\r\n3\r\n",
       "LRANGE l 0 -1", none},
      {"SORT l DESC STORE l", ":3\r\n", "LRANGE l 0 -1", Bulks({"3", "2", "1"})},
      {"SMOVE s s 1", ":1\r\n", "SORT s", Bulks({"1", "2", "3"})},
      {"SMOVE s s 9", ":0\r\n", "SORT s", Bulks({"1", "2", "3"})},
      {"SUNIONSTORE s s s", ":3\r\n", "SORT s", Bulks({"1", "2", "3"})},
      {"SUNIONSTORE s s t", ":4\r\n", "SORT s ALPHA", Bulks({"1", "2", "3", "x"})},
      {"SINTERSTORE s s t", ":1\r\n", "SMEMBERS s", Bulks({"3"})},
      {"SDIFFSTORE s t s", ":1\r\n", "SMEMBERS s", Bulks({"x"})},
      {"SDIFFSTORE s s s", ":0\r\n", "SMEMBERS s", none},
      {"SINTERCARD 2 s s", ":3\r\n", "SCARD s", ":3\r\n"},
      {"ZUNIONSTORE z 1 z", ":2\r\n", "ZRANGE z 0 -1 WITHSCORES", Bulks({"a", "1", "b", "2"})},
      {"ZUNIONSTORE z 2 z z", ":2\r\n", "ZRANGE z 0 -1 WITHSCORES", Bulks({"a", "2", "b", "4"})},
      {"ZUNIONSTORE s 2 s z", ":5\r\n", "ZRANGE s 0 -1", Bulks({"1", "2", "3", "a", "b"})},
      {"ZINTERSTORE z 2 z z", ":2\r\n", "ZRANGE z 0 -1 WITHSCORES", Bulks({"a", "2", "b", "4"})},
      {"ZDIFFSTORE z 2 z z", ":0\r\n", "ZRANGE z 0 -1", none},
      {"ZRANGESTORE z z 1 1", ":1\r\n", "ZRANGE z 0 -1 WITHSCORES", Bulks({"b", "2"})},
      {"ZRANGESTORE z z 5 9", ":0\r\n", "ZRANGE z 0 -1", none},
      {"BZPOPMIN z z 1", "*3\r\n$1\r\nz\r\n$1\r\na\r\n$1\r\n1\r\n", "ZRANGE z 0 -1", Bulks({"b"})},
      {"GEOSEARCHSTORE g g FROMLONLAT 1 1 BYRADIUS 1 km", ":1\r\n", "ZRANGE g 0 -1",
       Bulks({"here"})},
      {"PFMERGE p p p", "+OK\r\n", "PFCOUNT p p", ":2\r\n"},
      {"BITOP NOT k k", ":3\r\n", "GET k", Bulk("\x9e\x9d\x9c")},
      {"BITOP AND k k k", ":3\r\n", "GET k", Bulk("abc")},
      {"MSET k 1 k 2", "+OK\r\n", "GET k", Bulk("2")},
      {"RENAME l l", "+OK\r\n", "LRANGE l 0 -1", Bulks({"1", "2", "3"})},
      {"RENAME h h", "+OK\r\n", "HGETALL h", Bulks({"f", "v"})},
      {"RENAMENX z z", ":0\r\n", "ZRANGE z 0 -1", Bulks({"a", "b"})},
      {"COPY s s", "-ERR source and destination objects are the same\r\n", "SCARD s", ":3\r\n"},
      {"COPY x x REPLACE", "-ERR source and destination objects are the same\r\n", "XLEN x",
       ":1\r\n"},
      {"DEL l l", ":1\r\n", "EXISTS l l", ":0\r\n"},
      {"UNLINK z z", ":1\r\n", "EXISTS z h h", ":2\r\n"},
  };
  for (const uint32_t packed_size_max : {kPackedSizeMaxUsual, 4u, 0u}) {
    Limits().packed_size_max = packed_size_max;
    for (const Case& one : cases) {
      SCOPED_TRACE(std::string(one.line) + ", packed up to " + std::to_string(packed_size_max));
      Fill();
      EXPECT_EQ(Run(one.line), one.reply);
      EXPECT_EQ(Run(one.look), one.seen);
      EXPECT_EQ(Differences(), "");
      DemoteAll();
      EXPECT_EQ(Run(one.look), one.seen);
    }
  }
}

// Only LMOVE's own push keeps the list from being emptied, and its expiry with it.
TEST_F(SameKeyTest, TheOnlyElementMovesWithinItsList) {
  for (const uint32_t packed_size_max : {kPackedSizeMaxUsual, 0u}) {
    Limits().packed_size_max = packed_size_max;
    Run("DEL l s");
    Run("RPUSH l only");
    Run("PEXPIREAT l 1900000000000");
    EXPECT_EQ(Run("LMOVE l l LEFT RIGHT"), Bulk("only"));
    EXPECT_EQ(Run("PEXPIRETIME l"), ":1900000000000\r\n");
    EXPECT_EQ(Run("LRANGE l 0 -1"), Bulks({"only"}));
    Run("SADD s only");
    EXPECT_EQ(Refused("SMOVE s s only"), ":1\r\n");
    DemoteAll();
    EXPECT_EQ(Run("PEXPIRETIME l"), ":1900000000000\r\n");
    EXPECT_EQ(Run("SMEMBERS s"), Bulks({"only"}));
    EXPECT_EQ(Differences(), "");
  }
}

}  // namespace
}  // namespace hearth
