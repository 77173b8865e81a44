// DUMP and RESTORE of every type, and what they refuse.
#include <gtest/gtest.h>

#include <algorithm>
#include <random>

#include "src/rdb/crc64.h"
#include "src/rdb/dump_payload.h"
#include "src/stored_value.h"
#include "tests/src/commands/command_fixture.h"

namespace hearth {
namespace {

class DumpTest : public CommandFixture {
 protected:
  // The payload that DUMP answers.
  std::string Payload(const std::string& key) {
    const std::string reply = Run("DUMP " + key);
    const size_t begin = reply.find("\r\n") + 2;
    return reply.substr(begin, reply.size() - begin - 2);
  }
  std::string Restore(const std::string& key, const std::string& payload,
                      std::vector<std::string> more = {}) {
    std::vector<std::string> words = {"RESTORE", key, "0", payload};
    words.insert(words.end(), more.begin(), more.end());
    return RunWords(words);
  }

  // The payload with some bytes of its value changed, and a checksum that fits them.
  static std::string Damaged(std::string payload, std::mt19937_64& random) {
    payload.resize(payload.size() - 8);
    const size_t value_size = payload.size() - 2;  // without the version
    for (uint64_t changes = 1 + random() % 3; changes > 0; --changes) {
      const size_t at = 1 + random() % (value_size - 1);
      payload[at] = random() % 2 == 0 ? static_cast<char>(random())
                                      : static_cast<char>(payload[at] ^ (1 << random() % 8));
    }
    uint64_t crc = rdb::Crc64(0, payload);
    for (int i = 0; i < 8; ++i, crc >>= 8) payload.push_back(static_cast<char>(crc));
    return payload;
  }
};

// Fields that have expired are not stored, unless another server tells when they go.
TEST_F(DumpTest, ExpiredFieldsAreKeptForWhoFollowsAnother) {
  const RdbHash value{{{"gone", "1", 5}, {"kept", "2", -1}}};
  for (const bool see_expired : {false, true}) {
    const KeyRef ref(0, "h");
    Tx tx(engine_->keyspace(), {&ref, 1}, clock_.WallMs(),
          {.write = true, .see_expired = see_expired});
    WriteStoredValue(tx, "h", value);
    const RdbValue stored = ReadStoredValue(tx, "h", *tx.Find("h"));
    EXPECT_EQ(std::get<RdbHash>(stored).fields.size(), see_expired ? 2u : 1u);
    tx.Delete("h");
  }
}

TEST_F(DumpTest, EveryTypeComesBackAsItWas) {
  Run("SET string value");
  Run("SET integer 12345");
  Run("RPUSH list a b 3");
  Run("SADD ints 1 2 3");
  Run("SADD words a b c");
  Run("ZADD scores 1.5 a -2 b inf c");
  Run("HSET hash f v g w");
  Run("XADD stream 1-1 f v");
  Run("XADD stream 2-1 f v g w");
  Run("XGROUP CREATE stream group 0");
  Run("XREADGROUP GROUP group consumer COUNT 1 STREAMS stream >");
  const std::pair<std::string, std::string> reads[] = {
      {"string", "GET"},    {"integer", "GET"},       {"list", "LRANGE 0 -1"},
      {"ints", "SMEMBERS"}, {"words", "SMEMBERS"},    {"scores", "ZRANGE 0 -1 WITHSCORES"},
      {"hash", "HGETALL"},  {"stream", "XRANGE - +"}, {"stream", "XPENDING group"},
  };
  for (const auto& [key, read] : reads) {
    const auto command = [&, read = read](const std::string& of) {
      const size_t name_end = std::min(read.find(' '), read.size());
      return read.substr(0, name_end) + " " + of + read.substr(name_end);
    };
    EXPECT_EQ(Restore("copy", Payload(key), {"REPLACE"}), "+OK\r\n") << key;
    EXPECT_EQ(Run(command("copy")), Run(command(key)));
    EXPECT_EQ(Run("OBJECT ENCODING copy"), Run("OBJECT ENCODING " + key));
    EXPECT_EQ(Payload("copy"), Payload(key));
  }
  EXPECT_EQ(Run("DUMP none"), "$-1\r\n");
}

TEST_F(DumpTest, FieldsKeepTheirExpiry) {
  Run("HSET hash f v g w");
  Run("HPEXPIRE hash 5000 FIELDS 1 f");
  const std::string payload = Payload("hash");
  Restore("copy", payload);
  EXPECT_EQ(Run("HPEXPIRETIME copy FIELDS 2 f g"), Run("HPEXPIRETIME hash FIELDS 2 f g"));
  clock_.AdvanceMs(6000);
  Restore("late", payload);
  EXPECT_EQ(Run("HKEYS late"), "*1\r\n$1\r\ng\r\n");
}

TEST_F(DumpTest, TimeToLiveIsRelativeOrAbsolute) {
  Run("SET a x");
  const std::string payload = Payload("a");
  EXPECT_EQ(RunWords({"RESTORE", "b", "1500", payload}), "+OK\r\n");
  EXPECT_EQ(Run("PTTL b"), ":1500\r\n");
  const std::string at = std::to_string(clock_.WallMs() + 700);
  EXPECT_EQ(RunWords({"RESTORE", "b", at, payload, "ABSTTL", "REPLACE"}), "+OK\r\n");
  EXPECT_EQ(Run("PTTL b"), ":700\r\n");
  // A time that has passed removes what is replaced, and stores nothing.
  EXPECT_EQ(RunWords({"RESTORE", "b", "1", payload, "ABSTTL", "REPLACE"}), "+OK\r\n");
  EXPECT_EQ(Run("EXISTS b"), ":0\r\n");
  EXPECT_EQ(RunWords({"RESTORE", "b", "-1", payload}), "-ERR Invalid TTL value, must be >= 0\r\n");
}

TEST_F(DumpTest, AnExistingKeyIsReplacedOnlyWhenAsked) {
  Run("SET a x");
  Run("RPUSH b 1");
  EXPECT_EQ(Refused("RESTORE b 0 nonsense"), "-BUSYKEY Target key name already exists.\r\n");
  EXPECT_EQ(Restore("b", Payload("a"), {"REPLACE"}), "+OK\r\n");
  EXPECT_EQ(Run("GET b"), "$1\r\nx\r\n");
}

TEST_F(DumpTest, OptionsAreChecked) {
  Run("SET a x");
  const std::string payload = Payload("a");
  EXPECT_EQ(Restore("b", payload, {"NONSENSE"}), "-ERR syntax error\r\n");
  EXPECT_EQ(Restore("b", payload, {"IDLETIME"}), "-ERR syntax error\r\n");
  EXPECT_EQ(Restore("b", payload, {"IDLETIME", "1", "FREQ", "1"}), "-ERR syntax error\r\n");
  EXPECT_EQ(Restore("b", payload, {"IDLETIME", "-1"}),
            "-ERR Invalid IDLETIME value, must be >= 0\r\n");
  EXPECT_EQ(Restore("b", payload, {"FREQ", "256"}),
            "-ERR Invalid FREQ value, must be >= 0 and <= 255\r\n");
  EXPECT_EQ(Restore("b", payload, {"IDLETIME", "100"}), "+OK\r\n");
  EXPECT_EQ(Run("OBJECT IDLETIME b"), ":100\r\n");
}

// Whatever is damaged, the key that was there stays.
TEST_F(DumpTest, DamageIsRefusedAndHarmsNothing) {
  Run("SET a x");
  Run("RPUSH list 1 2 3");
  const std::string payload = Payload("list");
  const std::string wrong_checksum = "-" + std::string(kErrDumpPayload) + "\r\n";
  for (size_t i = 0; i < payload.size(); ++i) {
    std::string damaged = payload;
    damaged[i] = static_cast<char>(damaged[i] ^ 0x40);
    EXPECT_EQ(Restore("a", damaged, {"REPLACE"}), wrong_checksum) << i;
  }
  EXPECT_EQ(Restore("a", "", {"REPLACE"}), wrong_checksum);
  EXPECT_EQ(Restore("a", MakeDumpPayload(RdbSet{{"m", "m"}}), {"REPLACE"}),
            "-" + std::string(kErrDumpData) + "\r\n");
  EXPECT_EQ(Run("GET a"), "$1\r\nx\r\n");
}

// A checksum is no proof: what is damaged in a payload that verifies is refused, or makes a value
// that memory and the store agree on and that every command can read.
TEST_F(DumpTest, DamageUnderARightChecksumIsRefusedOrWhole) {
  Run("RPUSH list a b 3 -70000");
  Run("SADD ints 1 2 300");
  Run("SADD words a b c");
  Run("ZADD scores 1.5 a -2 b inf c");
  Run("HSET hash f v g w");
  Run("HPEXPIRE hash 5000 FIELDS 1 f");
  for (int i = 1; i < 5; ++i) Run("XADD stream " + std::to_string(i) + "-1 f v g 1");
  Run("XGROUP CREATE stream group 0");
  Run("XREADGROUP GROUP group consumer COUNT 2 STREAMS stream >");
  Run("XREADGROUP GROUP group other COUNT 1 STREAMS stream >");
  const std::vector<std::string> keys = {"list", "ints", "words", "scores", "hash", "stream"};
  std::vector<std::string> payloads;
  for (const std::string& key : keys) payloads.push_back(Payload(key));
  size_t stored = 0;
  for (uint64_t seed = 0; seed < 6000; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    std::mt19937_64 random(seed);
    const size_t which = random() % 9;  // streams have most to go wrong
    const std::string& payload = payloads[std::min(which, keys.size() - 1)];
    if (Restore("copy", Damaged(payload, random), {"REPLACE"})[0] != '+') continue;
    ++stored;
    for (const char* line :
         {"XINFO STREAM copy FULL", "XINFO GROUPS copy", "XINFO CONSUMERS copy group",
          "XPENDING copy group IDLE 1 - + 9", "XREADGROUP GROUP group new STREAMS copy >",
          "XAUTOCLAIM copy group new 1 0", "XADD copy * f v", "XTRIM copy MAXLEN 2",
          "HPTTL copy FIELDS 1 f", "HGETALL copy", "HSET copy f v", "ZRANGE copy 0 -1 WITHSCORES",
          "ZINCRBY copy 1 a", "SMEMBERS copy", "SADD copy z", "RPUSH copy z", "LRANGE copy 0 -1"}) {
      Run(line);
    }
    const std::string again = Payload("copy");
    if (seed % 50 == 0) {
      DemoteAll();
      EXPECT_EQ(Payload("copy"), again);
      EXPECT_EQ(Differences(), "");
    }
    EXPECT_EQ(Restore("copy", again, {"REPLACE"}), "+OK\r\n");
  }
  EXPECT_GT(stored, 300u) << "the damage is too rough to reach what is inside";
}

// Times and counts that no clock shows are taken as the nearest that one does.
TEST_F(DumpTest, AbsurdTimesOfAStreamAreReadWithoutOverflow) {
  RdbStream stream;
  stream.entries.push_back({{1, 1}, {{"f", "v"}}});
  stream.first_id = stream.last_id = {1, 1};
  stream.entries_added = INT64_MAX;
  stream.groups.push_back({"group",
                           {0, 0},
                           INT64_MAX,
                           {{{1, 1}, INT64_MIN, UINT64_MAX, 0}},
                           {{"c", INT64_MIN, INT64_MIN}}});
  ASSERT_EQ(Restore("s", MakeDumpPayload(stream)), "+OK\r\n");
  const std::string now = std::to_string(clock_.WallMs());
  EXPECT_NE(Run("XINFO CONSUMERS s group").find("idle\r\n:" + now), std::string::npos);
  EXPECT_NE(Run("XPENDING s group IDLE 1 - + 9").find(":" + now), std::string::npos);
  Run("XADD s 2-1 f v");
  Run("XREADGROUP GROUP group c STREAMS s >");
  EXPECT_NE(Run("XINFO GROUPS s").find("entries-read\r\n:9223372036854775807"), std::string::npos);
  EXPECT_NE(Run("XINFO STREAM s").find("entries-added\r\n:9223372036854775807"), std::string::npos);
  EXPECT_EQ(Restore("t", Payload("s")), "+OK\r\n");
}

}  // namespace
}  // namespace hearth
