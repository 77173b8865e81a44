// CLIENT TRACKING between several clients of two workers.
#include "src/tracking.h"

#include <gtest/gtest.h>

#include <atomic>
#include <thread>

#include "tests/src/server_fixture.h"

namespace hearth {
namespace {

std::string Invalidation(const std::vector<std::string>& keys) {
  return ">2\r\n" + WireBulk("invalidate") + WireArray(keys);
}
const std::string kAllInvalid = ">2\r\n" + WireBulk("invalidate") + "_\r\n";

class TrackingTest : public ServerFixture {
 protected:
  void SetUp() override {
    ServerFixture::SetUp();
    // More clients than workers: each worker has some.
    for (int i = 0; i < 3; ++i) {
      readers_.push_back(std::make_unique<TestClient>(socket_path()));
      readers_.back()->Run("HELLO 3");
    }
  }
  // Every reader in turn tracks, so both workers are tried.
  void ForEachReader(const std::function<void(TestClient&)>& test) {
    for (const auto& reader : readers_) test(*reader);
  }
  std::string Info(const std::string& name) {
    return InfoField(name == "tracking_clients" ? "clients" : "stats", name);
  }
  std::string IdOf(TestClient& client) {
    std::string id = client.Run("CLIENT ID").substr(1);
    return id.substr(0, id.find('\r'));
  }

  std::vector<std::unique_ptr<TestClient>> readers_;
};

TEST_F(TrackingTest, AReadKeyIsInvalidatedOnceWhenItChanges) {
  ForEachReader([&](TestClient& reader) {
    Run("SET k 1");
    EXPECT_EQ(reader.Run("CLIENT TRACKING ON"), "+OK\r\n");
    EXPECT_EQ(reader.Run("GET k"), WireBulk("1"));
    EXPECT_EQ(Info("tracking_total_keys"), "1");
    EXPECT_EQ(Info("tracking_clients"), "1");
    Run("SET k 2");
    EXPECT_EQ(reader.ReadReply(), Invalidation({"k"}));
    Run("SET k 3");
    EXPECT_FALSE(reader.HasReply());
    EXPECT_EQ(reader.Run("CLIENT TRACKING OFF"), "+OK\r\n");
    EXPECT_EQ(Info("tracking_clients"), "0");
    EXPECT_EQ(Info("tracking_total_keys"), "0");
  });
}

TEST_F(TrackingTest, EveryWayAKeyChangesInvalidates) {
  TestClient& reader = *readers_[0];
  reader.Run("CLIENT TRACKING ON");
  Run("CONFIG SET appendonly yes");
  for (const std::string change : {"SET k 1",
                                   "INCR k",
                                   "EXPIRE k 100",
                                   "PERSIST k",
                                   "UNLINK k",
                                   "SADD k a",
                                   "SADD k b",
                                   "SPOP k",
                                   "RENAME k other",
                                   "RENAME other k",
                                   "COPY k other REPLACE",
                                   "DEL other",
                                   "HSET h f v",
                                   "HINCRBY h f2 1",
                                   "LPUSH l a",
                                   "RPOP l",
                                   "ZADD z 1 a",
                                   "XADD x * a b",
                                   "SETBIT bits 7 1",
                                   "PFADD hll a",
                                   "APPEND text more",
                                   "MOVE k 3"}) {
    std::string key = change.substr(change.find(' ') + 1);
    key = key.substr(0, key.find(' '));
    if (change.starts_with("COPY")) key = "other";
    reader.Run("EXISTS " + key);
    Run(change);
    EXPECT_EQ(reader.ReadReply(), Invalidation({key})) << change;
  }
}

// A write that changes nothing tells nothing, nor does a read.
TEST_F(TrackingTest, OnlyChangesInvalidate) {
  TestClient& reader = *readers_[0];
  Run("SADD s a");
  reader.Run("CLIENT TRACKING ON");
  reader.Run("SMEMBERS s");
  Run("SADD s a");
  Run("SREM s b");
  Run("DEL nothing");
  Run("SMEMBERS s");
  EXPECT_FALSE(reader.HasReply());
}

TEST_F(TrackingTest, OwnChangesAreToldBehindTheirReply) {
  ForEachReader([&](TestClient& reader) {
    reader.Run("CLIENT TRACKING ON");
    reader.Run("GET k");
    EXPECT_EQ(reader.Run("SET k 1"), "+OK\r\n");
    EXPECT_EQ(reader.ReadReply(), Invalidation({"k"}));
    reader.Run("CLIENT TRACKING OFF");
  });
}

TEST_F(TrackingTest, NoloopLeavesOutOwnChanges) {
  TestClient& reader = *readers_[0];
  reader.Run("CLIENT TRACKING ON NOLOOP");
  reader.Run("MGET k l");
  EXPECT_EQ(reader.Run("SET k 1"), "+OK\r\n");
  EXPECT_FALSE(reader.HasReply());
  Run("SET l 1");
  EXPECT_EQ(reader.ReadReply(), Invalidation({"l"}));
}

TEST_F(TrackingTest, WhatATransactionReadsAndWritesIsToldBehindExec) {
  ForEachReader([&](TestClient& reader) {
    reader.Run("CLIENT TRACKING ON");
    reader.Run("GET k");
    reader.Run("MULTI");
    reader.Run("SET k 1");
    reader.Run("GET j");
    EXPECT_EQ(reader.Run("EXEC"), "*2\r\n+OK\r\n_\r\n");
    EXPECT_EQ(reader.ReadReply(), Invalidation({"k"}));
    Run("MULTI");
    Run("SET j 1");
    EXPECT_FALSE(reader.HasReply());
    Run("EXEC");
    EXPECT_EQ(reader.ReadReply(), Invalidation({"j"}));
    Run("FLUSHALL");
    EXPECT_EQ(reader.ReadReply(), kAllInvalid);
    reader.Run("CLIENT TRACKING OFF");
  });
}

// EXEC asks the other workers between two of its commands: what changes meanwhile is told behind
// its reply, not within.
TEST_F(TrackingTest, NewsDuringAnExecThatWaitsDoesNotTearItsReply) {
  ForEachReader([&](TestClient& reader) {
    reader.Run("CLIENT TRACKING ON");
    int news = 0;
    const auto reply_behind_news = [&] {
      for (;;) {
        std::string reply = reader.ReadReply();
        if (reply[0] != '>') return reply;
        ++news;
      }
    };
    for (int round = 0; round < 20; ++round) {
      for (const char* line : {"MULTI", "GET k", "CLIENT LIST ID 1", "CLIENT LIST ID 1",
                               "CLIENT LIST ID 1", "CLIENT LIST ID 1"}) {
        reader.Send(line);
        reply_behind_news();
      }
      reader.Send("EXEC");
      Run("SET k " + std::to_string(round));
      const std::string reply = reply_behind_news();
      ASSERT_EQ(reply.substr(0, 4), "*5\r\n");
      EXPECT_EQ(reply.find("invalidate"), std::string::npos);
    }
    reader.Send("CLIENT TRACKING OFF");
    reply_behind_news();
    EXPECT_GT(news, 0);
  });
}

TEST_F(TrackingTest, FlushingAndSwappingInvalidateEverything) {
  TestClient& reader = *readers_[0];
  TestClient& bcast = *readers_[1];
  bcast.Run("CLIENT TRACKING ON BCAST PREFIX x");
  reader.Run("CLIENT TRACKING ON");
  reader.Run("GET k");
  for (const char* line : {"FLUSHALL", "FLUSHDB", "SWAPDB 0 1", "FLUSHALL ASYNC"}) {
    Run(line);
    EXPECT_EQ(reader.ReadReply(), kAllInvalid) << line;
    EXPECT_EQ(bcast.ReadReply(), kAllInvalid) << line;
  }
  EXPECT_EQ(Info("tracking_total_keys"), "0");
  EXPECT_FALSE(reader.HasReply());
}

TEST_F(TrackingTest, ExpiryInvalidatesAndDemotionDoesNot) {
  TestClient& reader = *readers_[0];
  reader.Run("CLIENT TRACKING ON");
  Run("SET k 1 PX 50");
  Run("SET cold 1");
  reader.Run("MGET k cold");
  EXPECT_EQ(Run("DEBUG DEMOTE-ALL"), "+OK\r\n");
  EXPECT_EQ(reader.ReadReply(), Invalidation({"k"}));
  EXPECT_EQ(reader.Run("GET cold"), WireBulk("1"));
  EXPECT_FALSE(reader.HasReply());
  Run("SET cold 2");
  EXPECT_EQ(reader.ReadReply(), Invalidation({"cold"}));
}

TEST_F(TrackingTest, AFieldThatExpiresInvalidatesItsHash) {
  TestClient& reader = *readers_[0];
  reader.Run("CLIENT TRACKING ON");
  Run("HSET h a 1 b 2");
  Run("HPEXPIRE h 50 FIELDS 1 a");
  reader.Run("HGETALL h");
  EXPECT_EQ(reader.ReadReply(), Invalidation({"h"}));
}

TEST_F(TrackingTest, BcastTellsOfPrefixesUnasked) {
  ForEachReader([&](TestClient& reader) {
    EXPECT_EQ(reader.Run("CLIENT TRACKING ON BCAST PREFIX user: PREFIX post:"), "+OK\r\n");
    EXPECT_EQ(Info("tracking_total_prefixes"), "2");
    EXPECT_TRUE(reader.Run("CLIENT TRACKINGINFO")
                    .ends_with(WireBulk("prefixes") + WireArray({"post:", "user:"})));
    reader.Run("GET other");
    EXPECT_EQ(Info("tracking_total_keys"), "0");
    Run("MSET user:2 a other b user:1 c user:2 d");
    EXPECT_EQ(reader.ReadReply(), Invalidation({"user:1", "user:2"}));
    Run("SET post:1 a");
    EXPECT_EQ(reader.ReadReply(), Invalidation({"post:1"}));
    reader.Run("CLIENT TRACKING OFF");
    EXPECT_EQ(reader.Run("CLIENT TRACKING ON BCAST NOLOOP"), "+OK\r\n");
    EXPECT_EQ(reader.Run("SET mine 1"), "+OK\r\n");
    Run("SET yours 1");
    EXPECT_EQ(reader.ReadReply(), Invalidation({"yours"}));
    reader.Run("RESET");
    reader.Run("HELLO 3");
    EXPECT_EQ(Info("tracking_total_prefixes"), "0");
  });
}

TEST_F(TrackingTest, OptinAndOptoutFollowCaching) {
  TestClient& reader = *readers_[0];
  reader.Run("CLIENT TRACKING ON OPTIN");
  reader.Run("GET a");
  EXPECT_EQ(reader.Run("CLIENT CACHING YES"), "+OK\r\n");
  reader.Run("GET b");
  reader.Run("GET c");
  Run("MSET a 1 b 1 c 1");
  EXPECT_EQ(reader.ReadReply(), Invalidation({"b"}));
  reader.Run("CLIENT CACHING YES");
  reader.Run("MULTI");
  reader.Run("GET a");
  reader.Run("GET b");
  reader.Run("EXEC");
  Run("MSET a 2 b 2 c 2");
  EXPECT_EQ(reader.ReadReply(), Invalidation({"a"}));
  EXPECT_EQ(reader.ReadReply(), Invalidation({"b"}));
  reader.Run("CLIENT TRACKING OFF");
  reader.Run("CLIENT TRACKING ON OPTOUT");
  EXPECT_EQ(reader.Run("CLIENT CACHING NO"), "+OK\r\n");
  reader.Run("GET a");
  reader.Run("GET b");
  Run("MSET a 3 b 3");
  EXPECT_EQ(reader.ReadReply(), Invalidation({"b"}));
  EXPECT_FALSE(reader.HasReply());
}

TEST_F(TrackingTest, OnlyReadsThatSucceedAreRemembered) {
  TestClient& reader = *readers_[0];
  Run("LPUSH l a");
  reader.Run("CLIENT TRACKING ON");
  reader.Run("GET l");
  reader.Run("SET k 1");
  reader.Run("INCR k");
  reader.Run("DBSIZE");
  EXPECT_EQ(Info("tracking_total_keys"), "0");
  reader.Run("LRANGE l 0 -1");
  EXPECT_EQ(Info("tracking_total_keys"), "1");
  readers_[1]->Run("CLIENT TRACKING ON");
  readers_[1]->Run("LLEN l");
  EXPECT_EQ(Info("tracking_total_keys"), "1");
  EXPECT_EQ(Info("tracking_total_items"), "2");
}

TEST_F(TrackingTest, Resp2IsToldThroughARedirection) {
  ForEachReader([&](TestClient& reader) {
    TestClient subscriber = Connect(), old = Connect();
    subscriber.Run("SUBSCRIBE __redis__:invalidate");
    TestClient target = Connect();
    const std::string id = IdOf(target);
    target.Run("SUBSCRIBE __redis__:invalidate");
    EXPECT_EQ(old.Run("CLIENT TRACKING ON REDIRECT " + id), "+OK\r\n");
    EXPECT_EQ(old.Run("CLIENT GETREDIR"), ":" + id + "\r\n");
    old.Run("GET k");
    reader.Run("SET k 1");
    EXPECT_EQ(target.ReadReply(),
              "*3\r\n" + WireBulk("message") + WireBulk("__redis__:invalidate") + WireArray({"k"}));
    Run("FLUSHALL");
    EXPECT_EQ(target.ReadReply(),
              "*3\r\n" + WireBulk("message") + WireBulk("__redis__:invalidate") + "$-1\r\n");
    EXPECT_FALSE(old.HasReply());
    EXPECT_FALSE(subscriber.HasReply());
  });
}

TEST_F(TrackingTest, ABrokenRedirectionIsTold) {
  ForEachReader([&](TestClient& reader) {
    std::string id;
    {
      TestClient target = Connect();
      id = IdOf(target);
      EXPECT_EQ(reader.Run("CLIENT TRACKING ON REDIRECT " + id), "+OK\r\n");
      target.Run("QUIT");
    }
    reader.Run("GET k");
    Run("SET k 1");
    EXPECT_EQ(reader.ReadReply(), ">2\r\n" + WireBulk("tracking-redir-broken") + ":" + id + "\r\n");
    EXPECT_EQ(reader.Run("CLIENT TRACKINGINFO"), "%3\r\n" + WireBulk("flags") + "~2\r\n" +
                                                     WireBulk("on") + WireBulk("broken_redirect") +
                                                     WireBulk("redirect") + ":" + id + "\r\n" +
                                                     WireBulk("prefixes") + "*0\r\n");
    EXPECT_NE(reader.Run("CLIENT INFO").find("flags=tRU"), std::string::npos);
    reader.Run("CLIENT TRACKING OFF");
  });
}

TEST_F(TrackingTest, OptionsThatDoNotFitAreRefused) {
  EXPECT_EQ(Run("CLIENT TRACKING MAYBE"), "-ERR syntax error\r\n");
  EXPECT_EQ(Run("CLIENT TRACKING ON FOO"), "-ERR syntax error\r\n");
  EXPECT_EQ(Run("CLIENT TRACKING ON REDIRECT 999999"),
            "-ERR The client ID you want redirect to does not exist\r\n");
  EXPECT_EQ(Run("CLIENT TRACKING ON REDIRECT x"),
            "-ERR value is not an integer or out of range\r\n");
  EXPECT_EQ(Run("CLIENT TRACKING ON PREFIX a"),
            "-ERR PREFIX option requires BCAST mode to be enabled\r\n");
  EXPECT_EQ(Run("CLIENT TRACKING ON BCAST OPTIN"),
            "-ERR OPTIN and OPTOUT are not compatible with BCAST\r\n");
  EXPECT_EQ(Run("CLIENT TRACKING ON OPTIN OPTOUT"),
            "-ERR You can't specify both OPTIN mode and OPTOUT mode\r\n");
  EXPECT_EQ(Run("CLIENT TRACKING ON BCAST PREFIX fo PREFIX foo"),
            "-ERR Prefix 'fo' overlaps with another provided prefix 'foo'. Prefixes for a single "
            "client must not overlap.\r\n");
  EXPECT_EQ(Run("CLIENT TRACKING ON BCAST PREFIX foo"), "+OK\r\n");
  EXPECT_EQ(Run("CLIENT TRACKING ON BCAST PREFIX f"),
            "-ERR Prefix 'f' overlaps with an existing prefix 'foo'. Prefixes for a single client "
            "must not overlap.\r\n");
  EXPECT_EQ(Run("CLIENT TRACKING ON"),
            "-ERR You can't switch BCAST mode on/off before disabling tracking for this client, "
            "and then re-enabling it with a different mode.\r\n");
  Run("CLIENT TRACKING OFF");
  EXPECT_EQ(Run("CLIENT CACHING YES"),
            "-ERR CLIENT CACHING can be called only when the client is in tracking mode with OPTIN "
            "or OPTOUT mode enabled\r\n");
  Run("CLIENT TRACKING ON OPTIN");
  EXPECT_EQ(Run("CLIENT CACHING NO"),
            "-ERR CLIENT CACHING NO is only valid when tracking is enabled in OPTOUT mode.\r\n");
  EXPECT_EQ(Run("CLIENT TRACKING ON OPTOUT"),
            "-ERR You can't switch OPTIN/OPTOUT mode before disabling tracking for this client, "
            "and then re-enabling it with a different mode.\r\n");
}

TEST_F(TrackingTest, TheTableIsBoundedByTellingReadersToForget) {
  TestClient& reader = *readers_[0];
  reader.Run("CLIENT TRACKING ON");
  Run("CONFIG SET tracking-table-max-keys 100");
  for (int i = 0; i < 300; ++i) reader.Send("EXISTS key:" + std::to_string(i));
  int replies = 0, forgotten = 0;
  while (replies < 300 || forgotten < 200) {
    reader.ReadReply().starts_with(":") ? ++replies : ++forgotten;
  }
  EXPECT_EQ(Info("tracking_total_keys"), "100");
  Run("CONFIG SET tracking-table-max-keys 10");
  while (forgotten < 290) {
    reader.ReadReply();
    ++forgotten;
  }
  EXPECT_EQ(Info("tracking_total_keys"), "10");
}

// The script's reads and writes, not the keys that EVAL names.
TEST_F(TrackingTest, ScriptsReadAndWriteAsCommandsDo) {
  TestClient& reader = *readers_[0];
  reader.Run("CLIENT TRACKING ON");
  reader.Run("EVAL \"redis.call('set', 'w', 1) return redis.call('get', KEYS[1])\" 2 k other");
  EXPECT_EQ(Info("tracking_total_keys"), "1");
  Run("EVAL \"redis.call('incr', KEYS[1]) return redis.call('incr', KEYS[1])\" 1 k");
  EXPECT_EQ(reader.ReadReply(), Invalidation({"k"}));
  EXPECT_FALSE(reader.HasReply());
}

// What a blocked read shows at last is tracked as well.
TEST_F(TrackingTest, AReadThatWaitedIsRemembered) {
  TestClient& reader = *readers_[0];
  reader.Run("CLIENT TRACKING ON");
  reader.Send("XREAD BLOCK 0 STREAMS x $");
  while (InfoField("clients", "blocked_clients") != "1") std::this_thread::yield();
  Run("XADD x 1-1 a b");
  EXPECT_NE(reader.ReadReply().find("1-1"), std::string::npos);
  while (reader.HasReply()) reader.ReadReply();  // the write that woke it may be told
  reader.Run("XLEN x");
  Run("XADD x 1-2 a b");
  EXPECT_EQ(reader.ReadReply(), Invalidation({"x"}));
}

// A client that keeps what it reads until it is told never keeps a stale value for good.
TEST_F(TrackingTest, NoInvalidationIsLostBetweenWorkers) {
  constexpr int kWrites = 3000;
  std::thread writer([&] {
    TestClient client = Connect();
    for (int i = 1; i <= kWrites; ++i) client.Run("SET k " + std::to_string(i));
  });
  std::vector<std::thread> caches;
  for (const auto& reader : readers_) {
    caches.emplace_back([&reader = *reader] {
      reader.Run("CLIENT TRACKING ON");
      std::string kept;
      // Each invalidation is answered by a new read; in between the cache stands.
      while (kept != WireBulk(std::to_string(kWrites))) {
        reader.Send("GET k");
        bool is_stale = false;
        for (;;) {
          const std::string reply = reader.ReadReply();
          if (reply[0] != '>') {
            kept = reply;
            break;
          }
        }
        if (kept == WireBulk(std::to_string(kWrites))) break;  // the last: nothing follows
        while (!is_stale) is_stale = reader.ReadReply()[0] == '>';
      }
    });
  }
  writer.join();
  for (std::thread& cache : caches) cache.join();
}

}  // namespace
}  // namespace hearth
