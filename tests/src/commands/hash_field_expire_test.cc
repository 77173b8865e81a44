#include <algorithm>

#include "engine/collection_limits.h"
#include "tests/src/commands/command_fixture.h"

namespace hearth {
namespace {

constexpr char kNoSuchField[] = "*1\r\n:-2\r\n";
constexpr char kNotMet[] = "*1\r\n:0\r\n";
constexpr char kSet[] = "*1\r\n:1\r\n";

class HashFieldExpireTest : public CommandFixture {
 protected:
  void TearDown() override {
    Limits().packed_size_max = packed_size_max_;
    CommandFixture::TearDown();
  }
  static std::string One(int64_t number) { return "*1\r\n:" + std::to_string(number) + "\r\n"; }

  const uint32_t packed_size_max_ = Limits().packed_size_max;
};

TEST_F(HashFieldExpireTest, FourWaysToSayWhen) {
  for (const uint32_t packed_size_max : {kPackedSizeMaxUsual, 0u}) {
    Limits().packed_size_max = packed_size_max;
    Run("DEL h");
    Run("HSET h a 1 b 2");
    const int64_t now_ms = clock_.WallMs();
    EXPECT_EQ(Run("HEXPIRE h 10 FIELDS 1 a"), kSet);
    EXPECT_NE(LoggedRows(), "");
    EXPECT_EQ(Run("HPEXPIRETIME h FIELDS 1 a"), One(now_ms + 10'000));
    EXPECT_EQ(Run("HPEXPIRE h 1500 FIELDS 1 a"), kSet);
    EXPECT_EQ(Run("HPEXPIRETIME h FIELDS 1 a"), One(now_ms + 1500));
    EXPECT_EQ(Run("HEXPIREAT h 1900000000 FIELDS 1 a"), kSet);
    EXPECT_EQ(Run("HPEXPIRETIME h FIELDS 1 a"), One(1'900'000'000'000));
    EXPECT_EQ(Run("HPEXPIREAT h 1900000000001 fields 1 a"), kSet);
    Reopen();
    EXPECT_EQ(Run("HPEXPIRETIME h FIELDS 2 a b"), "*2\r\n:1900000000001\r\n:-1\r\n");
  }
}

TEST_F(HashFieldExpireTest, ConditionsCompareWithTheOldExpiry) {
  Run("HSET h a 1");
  EXPECT_EQ(Refused("HEXPIRE h 10 XX FIELDS 1 a"), kNotMet);
  EXPECT_EQ(Refused("HEXPIRE h 10 GT FIELDS 1 a"), kNotMet) << "without expiry it ends last";
  EXPECT_EQ(Run("HEXPIRE h 10 LT FIELDS 1 a"), kSet);
  EXPECT_EQ(Refused("HEXPIRE h 20 NX FIELDS 1 a"), kNotMet);
  EXPECT_EQ(Refused("HEXPIRE h 10 GT FIELDS 1 a"), kNotMet);
  EXPECT_EQ(Refused("HEXPIRE h 10 lt FIELDS 1 a"), kNotMet);
  EXPECT_EQ(Run("HEXPIRE h 20 gt FIELDS 1 a"), kSet);
  EXPECT_EQ(Run("HEXPIRE h 5 LT FIELDS 1 a"), kSet);
  EXPECT_EQ(Run("HEXPIRE h 7 XX FIELDS 1 a"), kSet);
  EXPECT_EQ(Refused("HEXPIRE h 0 NX FIELDS 1 a"), kNotMet) << "nothing is deleted then";
  EXPECT_EQ(Run("HTTL h FIELDS 1 a"), One(7));
}

TEST_F(HashFieldExpireTest, APastTimeDeletes) {
  for (const uint32_t packed_size_max : {kPackedSizeMaxUsual, 0u}) {
    Limits().packed_size_max = packed_size_max;
    Run("DEL h");
    Run("HSET h a 1 b 2 c 3 d 4");
    EXPECT_EQ(Run("HEXPIRE h 0 FIELDS 2 a a"), "*2\r\n:2\r\n:-2\r\n");
    EXPECT_EQ(Run("HPEXPIREAT h 1 FIELDS 2 b x"), "*2\r\n:2\r\n:-2\r\n");
    Reopen();
    EXPECT_EQ(Run("HLEN h"), ":2\r\n");
    EXPECT_EQ(Run("HEXPIREAT h 1 FIELDS 2 c d"), "*2\r\n:2\r\n:2\r\n");
    Reopen();
    EXPECT_EQ(Run("EXISTS h"), ":0\r\n");
  }
}

TEST_F(HashFieldExpireTest, AFieldIsGoneAtItsTime) {
  for (const uint32_t packed_size_max : {kPackedSizeMaxUsual, 0u}) {
    Limits().packed_size_max = packed_size_max;
    Run("DEL h");
    Run("HSET h a 1 b 2 c 3");
    Run("HPEXPIRE h 100 FIELDS 1 a");
    Run("HPEXPIRE h 200 FIELDS 2 b c");
    clock_.AdvanceMs(99);
    EXPECT_EQ(Run("HLEN h"), ":3\r\n");
    clock_.AdvanceMs(1);
    EXPECT_EQ(Run("HGET h a"), "$-1\r\n");
    EXPECT_NE(LoggedRows(), "") << "who meets an expired field deletes it";
    EXPECT_EQ(Refused("HEXISTS h a"), ":0\r\n");
    EXPECT_EQ(Refused("HSTRLEN h a"), ":0\r\n");
    EXPECT_EQ(Refused("HMGET h a"), "*1\r\n$-1\r\n");
    EXPECT_EQ(Refused("HDEL h a"), ":0\r\n");
    EXPECT_EQ(Refused("HTTL h FIELDS 1 a"), kNoSuchField);
    EXPECT_EQ(Refused("HPERSIST h FIELDS 1 a"), kNoSuchField);
    EXPECT_EQ(Refused("HEXPIRE h 10 FIELDS 1 a"), kNoSuchField);
    EXPECT_EQ(Run("HSETNX h a new"), ":1\r\n");
    EXPECT_EQ(Run("HDEL h a"), ":1\r\n");
    clock_.AdvanceMs(100);
    EXPECT_EQ(Run("EXISTS h"), ":0\r\n") << "the key goes with its last field";
    const std::string rows = LoggedRows();
    EXPECT_NE(rows.find("delete 0/h\n"), std::string::npos) << rows;
    Reopen();
    EXPECT_EQ(Run("EXISTS h"), ":0\r\n");
    EXPECT_EQ(Run("DBSIZE"), ":0\r\n");
  }
}

TEST_F(HashFieldExpireTest, SettingAFieldEndsItsExpiry) {
  Run("HSET h a 1 b 2");
  Run("HPEXPIRE h 100 FIELDS 2 a b");
  Run("HSET h a 3");
  EXPECT_EQ(Run("HTTL h FIELDS 2 a b"), "*2\r\n:-1\r\n:1\r\n");
  clock_.AdvanceMs(1000);
  EXPECT_EQ(Run("HGETALL h"), Bulks({"a", "3"}));
}

TEST_F(HashFieldExpireTest, HPersistEndsTheExpiry) {
  Run("HSET h a 1 b 2");
  Run("HPEXPIRE h 100 FIELDS 1 a");
  EXPECT_EQ(Run("HPERSIST h FIELDS 3 a b x"), "*3\r\n:1\r\n:-1\r\n:-2\r\n");
  clock_.AdvanceMs(1000);
  EXPECT_EQ(Run("HLEN h"), ":2\r\n");
  EXPECT_EQ(Refused("HPERSIST h FIELDS 1 a"), One(-1));
}

TEST_F(HashFieldExpireTest, TimesAreToldInFourWays) {
  Run("HSET h a 1 b 2");
  Run("HPEXPIREAT h " + std::to_string(clock_.WallMs() + 1001) + " FIELDS 1 a");
  const int64_t at_ms = clock_.WallMs() + 1001;
  EXPECT_EQ(Refused("HTTL h FIELDS 1 a"), One(2)) << "a begun second counts";
  EXPECT_EQ(Refused("HPTTL h FIELDS 3 a b x"), "*3\r\n:1001\r\n:-1\r\n:-2\r\n");
  EXPECT_EQ(Refused("HEXPIRETIME h FIELDS 1 a"), One((at_ms + 999) / 1000));
  EXPECT_EQ(Refused("HPEXPIRETIME h FIELDS 1 a"), One(at_ms));
}

TEST_F(HashFieldExpireTest, AnAbsentKeyHasNoFields) {
  for (const char* line :
       {"HEXPIRE none 10", "HPEXPIRE none 10", "HEXPIREAT none 10", "HPEXPIREAT none 10",
        "HPERSIST none", "HTTL none", "HPTTL none", "HEXPIRETIME none", "HPEXPIRETIME none"}) {
    EXPECT_EQ(Refused(std::string(line) + " FIELDS 1 a"), kNoSuchField) << line;
  }
}

TEST_F(HashFieldExpireTest, OtherTypesAreRefused) {
  MakeList("l");
  for (const char* line : {"HEXPIRE l x", "HPERSIST l", "HTTL l"}) {
    EXPECT_EQ(Refused(std::string(line) + " FIELDS 1 a"),
              "-WRONGTYPE Operation against a key holding the wrong kind of value\r\n")
        << line;
  }
}

TEST_F(HashFieldExpireTest, HostileTimesAreRefused) {
  Run("HSET h a 1");
  EXPECT_EQ(Refused("HEXPIRE h -1 FIELDS 1 a"), "-ERR invalid expire time, must be >= 0\r\n");
  EXPECT_EQ(Refused("HEXPIRE h x FIELDS 1 a"), "-ERR value is not an integer or out of range\r\n");
  EXPECT_EQ(Refused("HEXPIRE h 9223372036854775807 FIELDS 1 a"),
            "-ERR invalid expire time in 'hexpire' command\r\n");
  EXPECT_EQ(Refused("HPEXPIRE h 70368744177663 FIELDS 1 a"),
            "-ERR invalid expire time in 'hpexpire' command\r\n");
  EXPECT_EQ(Refused("HPEXPIREAT h 70368744177664 FIELDS 1 a"),
            "-ERR invalid expire time in 'hpexpireat' command\r\n");
  EXPECT_EQ(Refused("HEXPIREAT h 70368744178 FIELDS 1 a"),
            "-ERR invalid expire time in 'hexpireat' command\r\n");
  EXPECT_EQ(Run("HPEXPIREAT h 70368744177663 FIELDS 1 a"), kSet);
}

TEST_F(HashFieldExpireTest, FieldsMustBeCountedRightly) {
  Run("HSET h a 1");
  const std::string position =
      "-ERR Mandatory argument FIELDS is missing or not at the right position\r\n";
  const std::string number =
      "-ERR The `numfields` parameter must match the number of arguments\r\n";
  EXPECT_EQ(Refused("HEXPIRE h 10 NOFIELDS 1 a"), position);
  EXPECT_EQ(Refused("HEXPIRE h 10 NX GT FIELDS 1 a"), position);
  EXPECT_EQ(Refused("HTTL h NOFIELDS 1 a"), position);
  EXPECT_EQ(Refused("HEXPIRE h 10 FIELDS 2 a"), number);
  EXPECT_EQ(Refused("HEXPIRE h 10 NX FIELDS 1"), number);
  EXPECT_EQ(Refused("HPERSIST h FIELDS 1 a b"), number);
  EXPECT_EQ(Refused("HEXPIRE h 10 FIELDS 0 a"),
            "-ERR Parameter `numFields` should be greater than 0\r\n");
  EXPECT_EQ(Refused("HTTL h FIELDS x a"), "-ERR Number of fields must be a positive integer\r\n");
  EXPECT_EQ(Refused("HEXPIRE h 10 FIELDS 1"),
            "-ERR wrong number of arguments for 'hexpire' command\r\n");
}

TEST_F(HashFieldExpireTest, TheEncodingTellsOfExpiringFields) {
  Run("HSET h a 1");
  EXPECT_EQ(Run("OBJECT ENCODING h"), Bulk("listpack"));
  Run("HEXPIRE h 10 FIELDS 1 a");
  EXPECT_EQ(Run("OBJECT ENCODING h"), Bulk("listpackex"));
  Reopen();
  EXPECT_EQ(Run("OBJECT ENCODING h"), Bulk("listpackex"));
}

TEST_F(HashFieldExpireTest, CopiesAndRenamesKeepTheFieldsExpiry) {
  for (const uint32_t packed_size_max : {kPackedSizeMaxUsual, 0u}) {
    Limits().packed_size_max = packed_size_max;
    Run("FLUSHALL");
    Run("HSET h a 1 b 2");
    Run("HPEXPIRE h 100 FIELDS 1 a");
    EXPECT_EQ(Run("COPY h copy"), ":1\r\n");
    EXPECT_EQ(Run("RENAME h moved"), "+OK\r\n");
    Reopen();
    EXPECT_EQ(Run("HPTTL copy FIELDS 1 a"), One(100));
    EXPECT_EQ(Run("HPTTL moved FIELDS 1 a"), One(100));
    clock_.AdvanceMs(100);
    EXPECT_EQ(Run("HLEN copy"), ":1\r\n");
    EXPECT_EQ(Run("HLEN moved"), ":1\r\n");
  }
}

}  // namespace
}  // namespace hearth
