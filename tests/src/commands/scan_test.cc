#include <algorithm>
#include <map>
#include <random>

#include "src/commands/walk.h"
#include "tests/src/commands/command_fixture.h"

namespace hearth {
namespace {

constexpr char kSyntax[] = "-ERR syntax error\r\n";
constexpr char kBadCursor[] = "-ERR invalid cursor\r\n";

class ScanCommandsTest : public CommandFixture {
 protected:
  // The bulk strings of a reply, in order.
  static std::vector<std::string> Strings(std::string_view reply) {
    std::vector<std::string> strings;
    for (size_t at = reply.find('$'); at != std::string::npos; at = reply.find('$', at)) {
      const size_t size = std::stoul(std::string(reply.substr(at + 1)));
      const size_t begin = reply.find("\r\n", at) + 2;
      strings.emplace_back(reply.substr(begin, size));
      at = begin + size;
    }
    return strings;
  }

  // What a whole scan returns, sorted; *calls counts the calls it took.
  std::vector<std::string> ScanAll(const std::string& options, int* calls = nullptr) {
    std::vector<std::string> keys;
    std::string cursor = "0";
    do {
      std::vector<std::string> strings = Strings(Run("SCAN " + cursor + " " + options));
      cursor = strings.at(0);
      keys.insert(keys.end(), strings.begin() + 1, strings.end());
      if (calls != nullptr) ++*calls;
    } while (cursor != "0");
    std::sort(keys.begin(), keys.end());
    return keys;
  }

  std::vector<std::string> SetMany(int count) {
    std::vector<std::string> keys;
    for (int i = 0; i < count; ++i) {
      keys.push_back("key:" + std::to_string(i));
      Set(keys.back(), "v");
    }
    std::sort(keys.begin(), keys.end());
    return keys;
  }
};

TEST_F(ScanCommandsTest, AnEmptyDatabaseIsScannedAtOnce) {
  EXPECT_EQ(Run("SCAN 0"), "*2\r\n$1\r\n0\r\n*0\r\n");
  EXPECT_EQ(Run("SCAN 18446744073709551615"), "*2\r\n$1\r\n0\r\n*0\r\n");
  EXPECT_EQ(Run("KEYS *"), "*0\r\n");
  EXPECT_EQ(Run("RANDOMKEY"), "$-1\r\n");
  EXPECT_EQ(Run("DBSIZE"), ":0\r\n");
}

TEST_F(ScanCommandsTest, EveryKeyIsReturnedExactlyOnce) {
  const std::vector<std::string> keys = SetMany(1000);
  int calls = 0;
  EXPECT_EQ(ScanAll("", &calls), keys);
  EXPECT_GE(calls, 50);
  EXPECT_EQ(ScanAll("COUNT 1"), keys);
  EXPECT_EQ(ScanAll("COUNT 9223372036854775807"), keys);
  DemoteAll();
  EXPECT_EQ(ScanAll("COUNT 100"), keys);
  Reopen();
  EXPECT_EQ(ScanAll("COUNT 37"), keys);
}

// Keys that stay are all returned, whatever comes, goes, is demoted or reopened meanwhile.
TEST_F(ScanCommandsTest, KeysThatStayAreReturnedWhateverHappensMeanwhile) {
  const std::vector<std::string> keys = SetMany(300);
  const unsigned seed = std::random_device{}();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937 random(seed);
  std::map<std::string, int> seen;
  std::string cursor = "0";
  do {
    const std::vector<std::string> strings = Strings(Run("SCAN " + cursor));
    cursor = strings.at(0);
    for (size_t i = 1; i < strings.size(); ++i) ++seen[strings[i]];
    const std::string other = "other:" + std::to_string(random() % 100);
    Run((random() % 2 == 0 ? "SET " + other + " v" : "DEL " + other));
    if (random() % 8 == 0) DemoteAll();
    if (random() % 16 == 0) Reopen();
  } while (cursor != "0");
  for (const std::string& key : keys) EXPECT_EQ(seen[key], 1) << key;
}

TEST_F(ScanCommandsTest, OptionsNarrowWhatIsReturned) {
  SetMany(20);
  MakeList("list");
  EXPECT_EQ(ScanAll("MATCH key:1?").size(), 10u);
  EXPECT_EQ(ScanAll("TYPE list"), std::vector<std::string>{"list"});
  EXPECT_EQ(ScanAll("TYPE STRING").size(), 20u);
  EXPECT_EQ(ScanAll("TYPE nosuch").size(), 0u);
  EXPECT_EQ(ScanAll("MATCH a MATCH * TYPE list COUNT 5 COUNT 1").size(), 1u);
}

TEST_F(ScanCommandsTest, ExpiredKeysAreNotReturned) {
  Run("SET gone v PX 10");
  Run("SET stays v PX 20");
  DemoteAll();
  clock_.AdvanceMs(10);
  EXPECT_EQ(ScanAll(""), std::vector<std::string>{"stays"});
  EXPECT_EQ(Run("KEYS *"), Bulks({"stays"}));
  EXPECT_EQ(Run("RANDOMKEY"), Bulk("stays"));
}

// As who asks for an expired key does. KEYS asks for none.
TEST_F(ScanCommandsTest, ScanDeletesWhatHasExpired) {
  Run("SET gone v PX 10");
  Run("SET stays v");
  clock_.AdvanceMs(10);
  EXPECT_EQ(Refused("KEYS *"), Bulks({"stays"}));
  EXPECT_EQ(Run("DBSIZE"), ":2\r\n");
  EXPECT_EQ(ScanAll("COUNT 100"), std::vector<std::string>{"stays"});
  EXPECT_EQ(LoggedRows(), "delete 0/gone\n");
  EXPECT_EQ(Run("DBSIZE"), ":1\r\n");
  EXPECT_EQ(engine_->keyspace().CounterSum(&ShardCounters::expired), 1u);
  EXPECT_EQ(Refused("SCAN 0 COUNT 100").find("gone"), std::string::npos);
  Reopen();
  EXPECT_EQ(Run("DBSIZE"), ":1\r\n");
}

TEST_F(ScanCommandsTest, ScanDeletesOnlyWhatItWasAskedFor) {
  Run("SET one v PX 10");
  Run("SET two v PX 10");
  Run("RPUSH list v");
  Run("PEXPIRE list 10");
  DemoteAll();
  clock_.AdvanceMs(10);
  EXPECT_EQ(ScanAll("COUNT 100 TYPE hash").size(), 0u);
  EXPECT_EQ(Run("DBSIZE"), ":3\r\n");
  EXPECT_EQ(ScanAll("COUNT 100 TYPE list").size(), 0u);
  EXPECT_EQ(LoggedRows(), "delete 0/list\n");
  EXPECT_EQ(ScanAll("COUNT 100 MATCH o*").size(), 0u);
  EXPECT_EQ(LoggedRows(), "delete 0/one\n");
  EXPECT_EQ(Run("DBSIZE"), ":1\r\n");
}

TEST_F(ScanCommandsTest, RandomKeyDeletesWhatHasExpired) {
  for (int i = 0; i < 100; ++i)
    Set("k" + std::to_string(i), "v", Expiry::AtMs(clock_.WallMs() + 5));
  clock_.AdvanceMs(5);
  EXPECT_EQ(Run("RANDOMKEY"), "$-1\r\n");
  EXPECT_EQ(Run("DBSIZE"), ":0\r\n");
}

// As within EXEC, whose Tx holds every shard.
TEST_F(ScanCommandsTest, ScanDeletesWithinATransactionAndTellsOfIt) {
  Run("SET gone v PX 10");
  DemoteAll();
  clock_.AdvanceMs(10);
  std::string told;
  Keyspace& keyspace = engine_->keyspace();
  keyspace.SetEventListener([&](const std::vector<KeyEvent>& events, uint64_t) {
    for (const KeyEvent& event : events) told += std::string(event.name) + " " + event.key;
  });
  keyspace.SetEventClasses(static_cast<uint32_t>(EventClass::kExpired));
  Run("PING");  // what is logged from here
  {
    const std::string_view words[] = {"SCAN", "0"};
    OutputBuffer out;
    Reply reply(&out);
    Tx tx(keyspace, {}, clock_.WallMs(), {.write = true, .lock_all = true});
    (void)MakeScan(Args(words), reply)->run(keyspace, 0, clock_.WallMs(), &tx, ShardLocks::kHeld);
    EXPECT_GT(tx.barrier(), 0u);
  }
  EXPECT_EQ(LoggedRows(), "delete 0/gone\n");
  EXPECT_EQ(told, "expired gone");
}

// Another server's deletions are awaited, or the end of a pause.
TEST_F(ScanCommandsTest, NothingIsDeletedWhereAReaderMayNot) {
  Run("SET gone v PX 10");
  clock_.AdvanceMs(10);
  Keyspace& keyspace = engine_->keyspace();
  const auto scan = [&](void (Keyspace::*hold)(bool)) {
    (keyspace.*hold)(true);
    EXPECT_EQ(Refused("SCAN 0 COUNT 100"), "*2\r\n$1\r\n0\r\n*0\r\n");
    EXPECT_EQ(Refused("RANDOMKEY"), "$-1\r\n");
    (keyspace.*hold)(false);
  };
  scan(&Keyspace::SetPaused);
  scan(&Keyspace::SetExpiryHeld);
  scan(&Keyspace::SetReplica);
  Run("RANDOMKEY");
  EXPECT_EQ(LoggedRows(), "delete 0/gone\n");
}

TEST_F(ScanCommandsTest, ScanRefusesWhatItCannotRead) {
  for (const char* cursor : {"abc", "-", "+-1", "18446744073709551616", "' 1'", "1a", "0x10"}) {
    EXPECT_EQ(Refused("SCAN " + std::string(cursor) + " foo"), kBadCursor) << cursor;
  }
  for (const char* options : {"COUNT 0", "COUNT -1", "COUNT -9223372036854775808", "MATCH", "foo",
                              "foo bar", "COUNT 0 foo bar", "MATCH a COUNT"}) {
    EXPECT_EQ(Refused("SCAN 0 " + std::string(options)), kSyntax) << options;
  }
  EXPECT_EQ(Refused("SCAN 0 COUNT abc"), "-ERR value is not an integer or out of range\r\n");
}

// Clients keep cursors in doubles, or in integers with a sign.
TEST_F(ScanCommandsTest, CursorsAreWhatADoubleHolds) {
  constexpr uint64_t kSafeMax = (uint64_t{1} << 53) - 1;
  constexpr int kCount = 3000;
  for (int i = 0; i < kCount; ++i) {
    const std::string name = std::to_string(i);
    Run("SET key:" + name + " v");
    Run("SET {one-slot}" + name + " v");
    Run("HSET h " + name + " v");
    Run("SADD s m" + name);
    Run("ZADD z " + name + " " + name);
  }
  const auto scan = [&](const std::string& command, const std::string& options) {
    std::map<std::string, int> seen;
    uint64_t cursor = 0, highest = 0;
    do {
      const std::vector<std::string> strings =
          Strings(Run(command + " " + std::to_string(cursor) + options));
      cursor = std::stoull(strings.at(0));
      highest = std::max(highest, cursor);
      for (size_t i = 1; i < strings.size(); ++i) ++seen[strings[i]];
    } while (cursor != 0);
    EXPECT_LE(highest, kSafeMax);
    EXPECT_GT(highest, kSafeMax / 2) << "all of them are used";
    return seen.size();
  };
  for (const bool demotes : {false, true}) {
    if (demotes) DemoteAll();
    EXPECT_EQ(scan("SCAN", " COUNT 7"), 2 * kCount + 3u);
    EXPECT_EQ(scan("HSCAN h", " COUNT 7 NOVALUES"), kCount + 0u);
    EXPECT_EQ(scan("SSCAN s", " COUNT 7"), kCount + 0u);
    EXPECT_EQ(scan("ZSCAN z", " COUNT 7"), kCount + 0u);
  }
  EXPECT_EQ(Strings(Run("SSCAN s 9007199254740992")), std::vector<std::string>{"0"});
}

// Redis reads cursors by strtoul.
TEST_F(ScanCommandsTest, CursorsMayHaveASign) {
  Run("SET k v");
  EXPECT_EQ(Strings(Run("SCAN -1")), std::vector<std::string>{"0"});
  EXPECT_EQ(Strings(Run("SCAN +0 COUNT 100")), (std::vector<std::string>{"0", "k"}));
  EXPECT_EQ(Strings(Run("SCAN '' COUNT 100")), (std::vector<std::string>{"0", "k"}));
  EXPECT_EQ(Strings(Run("SCAN -18446744073709551615 COUNT 100")).size(), 2u);
}

TEST_F(ScanCommandsTest, KeysAnswersWhatMatches) {
  Run("MSET one 1 two 2 three 3");
  EXPECT_EQ(Strings(Run("KEYS t*")).size(), 2u);
  EXPECT_EQ(Run("KEYS on[a-f]"), Bulks({"one"}));
  EXPECT_EQ(Strings(Run("KEYS *")).size(), 3u);
  EXPECT_EQ(Run("KEYS none"), "*0\r\n");
  db_ = 1;
  EXPECT_EQ(Run("KEYS *"), "*0\r\n");
}

TEST_F(ScanCommandsTest, KeysReadsPastItsPages) {
  const std::vector<std::string> keys = SetMany(10'500);
  std::vector<std::string> found = Strings(Run("KEYS *"));
  std::sort(found.begin(), found.end());
  EXPECT_EQ(found, keys);
}

TEST_F(ScanCommandsTest, RandomKeyReachesEveryKey) {
  Run("MSET a 1 b 2 c 3");
  std::map<std::string, int> seen;
  for (int i = 0; i < 500; ++i) ++seen[Run("RANDOMKEY")];
  EXPECT_EQ(seen.size(), 3u);
}

}  // namespace
}  // namespace hearth
