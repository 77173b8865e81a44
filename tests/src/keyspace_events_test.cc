// Keyspace notifications; tests/oracle/keyspace_events_test.py compares every command's with
// Redis'.
#include "src/keyspace_events.h"

#include <gtest/gtest.h>

#include <thread>

#include "tests/src/server_fixture.h"

namespace hearth {
namespace {

std::string Formatted(std::string_view text) {
  const auto flags = ParseEventFlags(text);
  return flags ? FormatEventFlags(*flags) : "(refused)";
}

TEST(EventFlags, ArePrintedAsRedisPrintsThem) {
  EXPECT_EQ(Formatted(""), "");
  EXPECT_EQ(Formatted("KEA"), "AKE");
  EXPECT_EQ(Formatted("dtexzhsl$gE"), "AE");
  EXPECT_EQ(Formatted("mnxgK"), "gxnKm");
  EXPECT_EQ(Formatted("AKn"), "AK");
  EXPECT_EQ(Formatted("Kq"), "(refused)");
  EXPECT_EQ(WantedEventClasses(*ParseEventFlags("Ag")), 0u);
}

class KeyspaceEventsTest : public ServerFixture {
 protected:
  void SetUp() override {
    Start();
    listener_ = std::make_unique<TestClient>(socket_path());
  }
  void TearDown() override { listener_.reset(); }

  // Sets the flags and listens to channels that begin so.
  void Listen(const std::string& flags, const std::string& prefix = "__keyevent@") {
    EXPECT_EQ(Run("CONFIG SET notify-keyspace-events " + flags), "+OK\r\n");
    listener_->Run("PSUBSCRIBE " + prefix + "*");
    listener_->Run("SUBSCRIBE end");
  }
  // "event key" of each event up to now (on __keyspace channels "key event").
  std::string Events() {
    Run("PUBLISH end end");
    std::string events;
    while (true) {
      const std::string message = listener_->ReadReply();
      if (message.empty() || message.starts_with("*3")) return events;
      const auto parts = BulksOf(message);
      events +=
          (events.empty() ? "" : ", ") + parts[2].substr(parts[2].find("__:") + 3) + " " + parts[3];
    }
  }
  static std::vector<std::string> BulksOf(const std::string& wire) {
    std::vector<std::string> bulks;
    for (size_t at = wire.find('$'); at != std::string::npos && at < wire.size();) {
      const size_t line_end = wire.find('\n', at);
      const size_t size = std::stoul(wire.substr(at + 1));
      bulks.push_back(wire.substr(line_end + 1, size));
      at = line_end + 1 + size + 2;
    }
    return bulks;
  }
  std::string EventsOf(std::string_view line) {
    Run(line);
    return Events();
  }

  std::unique_ptr<TestClient> listener_;
};

TEST_F(KeyspaceEventsTest, ConfigNormalisesTheFlags) {
  EXPECT_EQ(Run("CONFIG SET notify-keyspace-events KEA"), "+OK\r\n");
  EXPECT_EQ(Run("CONFIG GET notify-keyspace-events"), WireArray({"notify-keyspace-events", "AKE"}));
  EXPECT_EQ(Run("CONFIG SET notify-keyspace-events q"),
            "-ERR CONFIG SET failed (possibly related to argument 'notify-keyspace-events') - "
            "Invalid event class character. Use 'Ag$lshzxeKEtmdn'.\r\n");
}

TEST_F(KeyspaceEventsTest, NothingIsToldUnlessItIsAskedFor) {
  listener_->Run("PSUBSCRIBE __key*");
  listener_->Run("SUBSCRIBE end");
  EXPECT_EQ(EventsOf("SET a 1"), "");
  Run("CONFIG SET notify-keyspace-events A");
  EXPECT_EQ(EventsOf("SET a 1"), "");
  Run("CONFIG SET notify-keyspace-events Eg");
  EXPECT_EQ(EventsOf("SET a 1"), "");
  EXPECT_EQ(EventsOf("DEL a"), "del a");
}

TEST_F(KeyspaceEventsTest, BothChannelsAreServed) {
  Listen("KEA", "__key");
  EXPECT_EQ(EventsOf("SET a 1 EX 100"), "a set, set a, a expire, expire a");
}

TEST_F(KeyspaceEventsTest, TheDatabaseIsNamed) {
  Run("CONFIG SET notify-keyspace-events KA");
  listener_->Run("SUBSCRIBE __keyspace@3__:a");
  Run("SELECT 3");
  Run("SET a 1");
  EXPECT_EQ(listener_->ReadReply(), WireArray({"message", "__keyspace@3__:a", "set"}));
}

TEST_F(KeyspaceEventsTest, CommandsTellWhatTheyChange) {
  Listen("EA");
  EXPECT_EQ(EventsOf("MSET a 1 b 2"), "set a, set b");
  EXPECT_EQ(EventsOf("DECRBY a 2"), "incrby a");
  EXPECT_EQ(EventsOf("RENAME a c"), "rename_from a, rename_to c");
  EXPECT_EQ(EventsOf("GETEX c PXAT 1"), "del c");
  EXPECT_EQ(EventsOf("LPUSH l 1 2"), "lpush l");
  EXPECT_EQ(EventsOf("LMOVE l m LEFT RIGHT"), "rpush m, lpop l");
  EXPECT_EQ(EventsOf("LPOP l"), "lpop l, del l");
  EXPECT_EQ(EventsOf("SADD s 1 2"), "sadd s");
  EXPECT_EQ(EventsOf("SADD s 1 2"), "");
  EXPECT_EQ(EventsOf("SMOVE s t 1"), "srem s, sadd t");
  EXPECT_EQ(EventsOf("SINTERSTORE s s t"), "del s");
  EXPECT_EQ(EventsOf("ZADD z 1 a 2 b"), "zadd z");
  EXPECT_EQ(EventsOf("ZINCRBY z 1 a"), "zincr z");
  EXPECT_EQ(EventsOf("ZPOPMAX z 5"), "zpopmax z, del z");
  EXPECT_EQ(EventsOf("HSET h f 1 g 2"), "hset h");
  EXPECT_EQ(EventsOf("HEXPIRE h 100 FIELDS 1 f"), "hexpire h");
  EXPECT_EQ(EventsOf("HPERSIST h FIELDS 1 f"), "hpersist h");
  EXPECT_EQ(EventsOf("HEXPIRE h 0 FIELDS 2 f g"), "hdel h, del h");
  EXPECT_EQ(EventsOf("HSETEX h EX 10 FIELDS 2 f 1 g 2"), "hset h, hexpire h");
  EXPECT_EQ(EventsOf("HGETEX h PERSIST FIELDS 1 f"), "hpersist h");
  EXPECT_EQ(EventsOf("HGETEX h EX 0 FIELDS 1 f"), "hdel h");
  EXPECT_EQ(EventsOf("HGETDEL h FIELDS 2 f g"), "hdel h, del h");
  EXPECT_EQ(EventsOf("HSETEX h EXAT 1 FIELDS 1 f 1"), "hset h, hdel h, del h");
  EXPECT_EQ(EventsOf("XADD x MAXLEN 1 1-1 f v"), "xadd x");
  EXPECT_EQ(EventsOf("XADD x MAXLEN 1 2-1 f v"), "xadd x, xtrim x");
}

TEST_F(KeyspaceEventsTest, NewKeysAndMissesHaveToBeAskedForByName) {
  Listen("EAnm");
  EXPECT_EQ(EventsOf("SET a 1"), "new a, set a");
  EXPECT_EQ(EventsOf("SET a 1"), "set a");
  EXPECT_EQ(EventsOf("COPY a b"), "new b, copy_to b");
  EXPECT_EQ(EventsOf("COPY a b REPLACE"), "new b, copy_to b");
  EXPECT_EQ(EventsOf("MGET a x y"), "keymiss x, keymiss y");
  EXPECT_EQ(EventsOf("GETSET x 1"), "keymiss x, new x, set x");
  EXPECT_EQ(EventsOf("COPY y z"), "keymiss y");
  EXPECT_EQ(EventsOf("XACK y g 1-1"), "keymiss y");
  EXPECT_EQ(EventsOf("BITFIELD y GET u8 0"), "keymiss y");
  Run("RPUSH ids 1");
  (void)Events();
  EXPECT_EQ(EventsOf("SORT ids BY w*"), "keymiss w1");
  // Within a transaction each command counts by itself.
  Run("MULTI");
  for (const char* line : {"SET m 1", "DEL m", "LPUSH m a", "GET none"}) Run(line);
  EXPECT_EQ(EventsOf("EXEC"), "new m, set m, del m, new m, lpush m, keymiss none");
  EXPECT_EQ(EventsOf("EVAL \"redis.call('DEL', KEYS[1]) redis.call('SET', KEYS[1], 1)\" 1 m"),
            "del m, new m, set m");
  Run("SADD s 1");
  Run("SUNIONSTORE d s");
  (void)Events();
  EXPECT_EQ(EventsOf("SUNIONSTORE d s"), "sunionstore d");
}

TEST_F(KeyspaceEventsTest, ExpiredKeysAreToldBySweepAndByLook) {
  Listen("Ex");
  Run("SET swept 1 PX 1");
  EXPECT_EQ(BulksOf(listener_->ReadReply())[3], "swept");
  Run("DEBUG SET-ACTIVE-EXPIRE 0");
  Run("SET looked 1 PX 1");
  while (Run("GET looked") != "$-1\r\n") std::this_thread::yield();
  EXPECT_EQ(Events(), "expired looked");
}

// So may what a string replaces that is written unseen.
TEST_F(KeyspaceEventsTest, AStringTellsOfTheExpiredKeyInItsPlace) {
  Run("DEBUG SET-ACTIVE-EXPIRE 0");
  Run("SET source 1");
  Listen("Exg$n");
  int expired = 0;
  for (const char* line :
       {"SET e 2", "SET e 2 KEEPTTL", "SETEX e 100 2", "MSET e 2", "BITOP NOT e source"}) {
    Run("DEL e clock");
    Run("MSET e 1 clock 1");
    Run("PEXPIRE e 1");
    Run("PEXPIRE clock 2");
    while (Run("EXISTS clock") != ":0\r\n") std::this_thread::yield();
    (void)Events();
    const std::string expiry = std::string_view(line).starts_with("SETEX") ? ", expire e" : "";
    EXPECT_EQ(EventsOf(line), "expired e, new e, set e" + expiry) << line;
    expired += 2;
    EXPECT_EQ(InfoField("stats", "expired_keys"), std::to_string(expired)) << line;
  }
}

// What a rename replaces may have expired already: then it is that which is told of.
TEST_F(KeyspaceEventsTest, ARenameTellsOfAnExpiredTarget) {
  Run("DEBUG SET-ACTIVE-EXPIRE 0");
  Run("MSET source 1 target 1 clock 1");
  Run("PEXPIRE target 1");
  Run("PEXPIRE clock 2");
  while (Run("EXISTS clock") != ":0\r\n") std::this_thread::yield();
  Listen("Exg");
  EXPECT_EQ(EventsOf("RENAME source target"),
            "expired target, rename_from source, rename_to target");
}

TEST_F(KeyspaceEventsTest, ExpiredFieldsAreTold) {
  Listen("Ehg");
  Run("HSET h f 1 g 2");
  Run("HPEXPIRE h 1 FIELDS 1 f");
  for (const std::string expected : {"hset", "hexpire", "hexpired"}) {
    const std::string channel = BulksOf(listener_->ReadReply())[2];
    EXPECT_EQ(channel, "__keyevent@0__:" + expected);
  }
}

TEST_F(KeyspaceEventsTest, EvictedKeysAreTold) {
  Listen("Ee");
  Run("CONFIG SET maxmemory-policy allkeys-random");
  for (int i = 0; i < 100; ++i) Run("SET key" + std::to_string(i) + " x");
  Run("CONFIG SET maxmemory 1");
  std::string events;
  for (int i = 0; i < 10'000 && events.empty(); ++i) events = EventsOf("SET other x");
  EXPECT_TRUE(events.starts_with("evicted ")) << events;
}

// A key's events come in the order of its changes: DEL tells of a key that is there.
TEST_F(KeyspaceEventsTest, EventsOfAKeyComeInTheOrderOfItsChanges) {
  Listen("Kg$", "__keyspace@");
  constexpr int kCount = 5000;
  std::vector<std::thread> writers;
  for (const char* const line : {"SET k 1\r\n", "DEL k\r\n", "SET k 2\r\n", "DEL k\r\n"}) {
    writers.emplace_back([this, line] {
      TestClient client = Connect();
      std::string lines;
      for (int i = 0; i < kCount; ++i) lines += line;
      client.SendRaw(lines);
      for (int i = 0; i < kCount; ++i) client.ReadReply();
    });
  }
  for (std::thread& each : writers) each.join();
  const bool exists = Run("EXISTS k") == ":1\r\n";
  const std::string events = Events();
  EXPECT_TRUE(events.ends_with(exists ? "k set" : "k del"));
  EXPECT_EQ(events.find("k del, k del"), std::string::npos);
}

TEST_F(KeyspaceEventsTest, AMessageOfATransactionComesBehindItsEvents) {
  Listen("K$", "__keyspace@");
  for (const char* const line : {"MULTI", "SET k 1", "PUBLISH __keyspace@0__:k said", "SET k 2"}) {
    Run(line);
  }
  EXPECT_EQ(EventsOf("EXEC"), "k set, k said, k set");
}

TEST_F(KeyspaceEventsTest, AServedBlockedClientTells) {
  Listen("El");
  TestClient blocked = Connect();
  blocked.Send("BLPOP l 0");
  while (server_->blocked_clients().client_count() != 1) std::this_thread::yield();
  EXPECT_EQ(EventsOf("RPUSH l 1"), "rpush l, lpop l");
}

}  // namespace
}  // namespace hearth
