// Arguments at the edges of numbers, and patterns made to take for ever: what servers of this
// protocol have fallen over before. Each line answers in a moment and the server goes on.
#include <gtest/gtest.h>

#include <chrono>

#include "tests/src/server_fixture.h"

namespace hearth {
namespace {

struct Hostile {
  const char* line;
  const char* reply;  // its beginning
};

constexpr const char* kIntMax = "9223372036854775807";

class HostileTest : public ServerFixture {
 protected:
  void SetUp() override {
    ServerFixture::SetUp();
    for (const char* line :
         {"SET str hello", "RPUSH l a b c", "SADD s a b c", "HSET h a 1 b 2", "ZADD z 1 a 2 b",
          "XADD x 1-1 a b", "XGROUP CREATE x g 0", "XREADGROUP GROUP g c STREAMS x >"}) {
      Run(line);
    }
  }
  void TearDown() override {
    EXPECT_EQ(Run("PING"), "+PONG\r\n");
    ServerFixture::TearDown();
  }
  void Expect(std::initializer_list<Hostile> lines) {
    for (const Hostile& hostile : lines) {
      const std::string reply = Run(hostile.line);
      EXPECT_TRUE(reply.starts_with(hostile.reply)) << hostile.line << " -> " << reply;
    }
  }
};

TEST_F(HostileTest, OffsetsOfBitsAndBytes) {
  const char* bit = "-ERR bit offset is not an integer or out of range";
  const char* big = "-ERR string exceeds maximum allowed size";
  Expect({{"BITFIELD str SET u1 9223372036854775807 1", bit},
          {"BITFIELD str SET i64 #9223372036854775807 1", bit},
          {"BITFIELD str GET u8 #288230376151711744", bit},
          {"BITFIELD str SET u8 -1 1", bit},
          {"SETBIT str 4294967296 1", bit},
          {"GETBIT str 99999999999", bit},
          {"SETRANGE str 9223372036854775807 a", big},
          {"SETRANGE str 536870911 ab", big},
          {"SETRANGE str -1 a", "-ERR offset is out of range"},
          {"GETRANGE str -9223372036854775808 9223372036854775807", "$5\r\nhello"},
          {"GETRANGE str 9223372036854775807 -9223372036854775808", "$0\r\n"},
          {"BITCOUNT str -9223372036854775808 9223372036854775807", ":21\r\n"},
          {"BITPOS str 1 -9223372036854775808 9223372036854775807 BIT", ":1\r\n"}});
}

// A count whose negation or double does not fit.
TEST_F(HostileTest, CountsOfRandomElements) {
  const char* range = "-ERR value is out of range";
  Expect({{"SRANDMEMBER s -9223372036854775808", range},
          {"HRANDFIELD h -9223372036854775808 WITHVALUES", range},
          {"HRANDFIELD h -9223372036854775807 WITHVALUES", range},
          {"HRANDFIELD h 4611686018427387904 WITHVALUES", range},
          {"ZRANDMEMBER z -9223372036854775808 WITHSCORES", range},
          {"ZRANDMEMBER z -4611686018427387904 WITHSCORES", range},
          {"SRANDMEMBER s 9223372036854775807", "*3\r\n"},
          {"SPOP s 9223372036854775808", range},
          {"LPOP l 9223372036854775807", "*3\r\n"},
          {"RPOP l -1", range}});
}

TEST_F(HostileTest, CountsOfKeys) {
  const char* syntax = "-ERR syntax error";
  const char* more = "-ERR Number of keys can't be greater than number of args";
  Expect({{"LMPOP 9223372036854775807 l LEFT", syntax},
          {"SINTERCARD 9223372036854775807 s", more},
          {"SINTERCARD 4294967297 s", more},
          {"ZUNION 9223372036854775807 z", syntax},
          {"ZUNIONSTORE d 4294967297 z", syntax},
          {"ZINTERCARD 2147483648 z", syntax},
          {"ZMPOP 9223372036854775807 z MIN", syntax},
          {"BLMPOP 0 9223372036854775807 l LEFT", syntax},
          {"XREAD COUNT 1 STREAMS x", "-ERR Unbalanced"},
          {"HEXPIRE h 1 FIELDS 9223372036854775807 a", "-ERR"}});
}

TEST_F(HostileTest, LimitsAndRanges) {
  Expect({{"ZRANGE z -inf +inf BYSCORE LIMIT 9223372036854775807 9223372036854775807", "*0\r\n"},
          {"ZRANGEBYSCORE z -inf +inf LIMIT -1 -9223372036854775808", "*0\r\n"},
          {"ZREVRANGE z -9223372036854775808 9223372036854775807", "*2\r\n"},
          {"LRANGE l -9223372036854775808 9223372036854775807", "*3\r\n"},
          {"LINDEX l -9223372036854775808", "$-1\r\n"},
          {"LPOS l a RANK -9223372036854775808", "-ERR"},
          {"LREM l -9223372036854775808 nothing", ":0\r\n"},
          {"SORT s LIMIT 9223372036854775807 9223372036854775807 ALPHA", "*0\r\n"},
          {"SORT s LIMIT -9223372036854775808 -9223372036854775808 ALPHA", "*3\r\n"},
          {"SORT s LIMIT 1 9223372036854775807 ALPHA", "*2\r\n"},
          {"LTRIM l 9223372036854775807 -9223372036854775808", "+OK\r\n"},
          {"SCAN 18446744073709551615 COUNT 9223372036854775807", "*2\r\n"}});
}

TEST_F(HostileTest, CountsOfStreams) {
  Expect({{"XAUTOCLAIM x g c 0 0 COUNT 9223372036854775807", "-ERR COUNT must be > 0"},
          {"XAUTOCLAIM x g c 0 0 COUNT 0", "-ERR COUNT must be > 0"},
          {"XAUTOCLAIM x g c -9223372036854775808 0 COUNT 1", "*3\r\n"},
          {"XPENDING x g IDLE 9223372036854775807 - + 9223372036854775807", "*0\r\n"},
          {"XRANGE x - + COUNT 9223372036854775807", "*1\r\n"},
          {"XREAD COUNT 9223372036854775807 STREAMS x 0", "*1\r\n"}});
}

TEST_F(HostileTest, TimesThatOverflow) {
  Expect({{"EXPIRE str 9223372036854775807", "-ERR invalid expire time"},
          {"EXPIRE str -9223372036854775808", "-ERR invalid expire time"},
          {"SET str a EX 9223372036854775807", "-ERR invalid expire time"},
          {"GETEX str EX 9223372036854775807", "-ERR invalid expire time"},
          {"HPEXPIRE h 9223372036854775807 FIELDS 1 a", "-ERR invalid expire time"},
          {"CLIENT PAUSE 9223372036854775807", "-ERR timeout is out of range"},
          {"BLPOP nothing 1e308", "-ERR timeout is out of range"},
          {"BLPOP nothing nan", "-ERR timeout is not a float"}});
}

// A sparse or dense HyperLogLog whose registers are cut off or run past its end.
TEST_F(HostileTest, DamagedHyperLogLogs) {
  const std::string head = "HYLL";
  const std::string zeros(11, '\0');
  for (const std::string& body :
       {std::string(), std::string("\1") + zeros, std::string("\1") + zeros + "\x7f\xff\x7f\xff",
        std::string("\1") + zeros + "\xff\xff\xff", std::string("\1") + zeros + "\x40",
        std::string(1, '\0') + zeros + "abc", std::string("\7") + zeros}) {
    client_->RunWords({"SET", "hll", head + body});
    for (const char* line : {"PFCOUNT hll", "PFADD hll a", "PFMERGE to hll", "PFCOUNT hll to"}) {
      client_->RunWords({"SET", "hll", head + body});
      EXPECT_TRUE(Run(line)[0] == '-' || Run(line)[0] == ':' || Run(line)[0] == '+') << line;
      Run("DEL to");
    }
  }
}

// Each star doubles the ways of a matcher that tries them all.
TEST_F(HostileTest, PatternsWithManyStars) {
  std::string pattern;
  for (int i = 0; i < 50; ++i) pattern += "a*";
  const std::string text(2000, 'a');
  client_->RunWords({"SET", text, "1"});
  const auto started = std::chrono::steady_clock::now();
  EXPECT_EQ(client_->RunWords({"KEYS", pattern + "b"}), "*0\r\n");
  client_->RunWords({"SCAN", "0", "MATCH", pattern + "b"});
  TestClient subscriber = Connect();
  subscriber.RunWords({"PSUBSCRIBE", pattern + "b"});
  EXPECT_EQ(client_->RunWords({"PUBLISH", text, "x"}), ":0\r\n");
  EXPECT_EQ(client_->RunWords({"KEYS", std::string(100'000, '*') + "b"}), "*0\r\n");
  EXPECT_EQ(client_->RunWords({"KEYS", std::string(100'000, '[')}), "*0\r\n");
  EXPECT_LT(std::chrono::steady_clock::now() - started, std::chrono::seconds(5));
}

// Announced sizes reserve nothing, and those beyond the limits end the connection.
TEST_F(HostileTest, AnnouncedSizes) {
  for (const auto& [bytes, error] :
       {std::pair<std::string, std::string>{"*2147483648\r\n", "invalid multibulk length"},
        {"*1\r\n$9223372036854775807\r\n", "invalid bulk length"},
        {"*1\r\n$-9223372036854775808\r\n", "invalid bulk length"},
        {"*1\r\n$536870913\r\n", "invalid bulk length"},
        {"*1\r\n:1\r\n", "expected '$', got ':'"}}) {
    TestClient client = Connect();
    client.SendRaw(bytes);
    EXPECT_EQ(client.ReadToEnd(), "-ERR Protocol error: " + error + "\r\n");
  }
  TestClient silent = Connect();
  silent.SendRaw("*1000000\r\n$536870912\r\n");
  EXPECT_FALSE(silent.HasReply());
}

TEST_F(HostileTest, SettingsThatDoNotFit) {
  Expect({{"CONFIG SET maxmemory 99999999999999999999999gb", "-ERR CONFIG SET failed"},
          {"CONFIG SET client-output-buffer-limit \"normal 99999999999999999999 0 0\"",
           "-ERR CONFIG SET failed"}});
  EXPECT_EQ(client_->RunWords({"CONFIG", "SET", "maxmemory", std::string(1'000'000, '9')})[0], '-');
  EXPECT_EQ(client_->RunWords({"CONFIG", "SET", std::string(1'000'000, 'x'), "1"})[0], '-');
  EXPECT_EQ(client_->RunWords({"SELECT", "-9223372036854775808"})[0], '-');
  EXPECT_EQ(client_->RunWords({"CLIENT", "KILL", "ID", kIntMax}), ":0\r\n");
}

}  // namespace
}  // namespace hearth
