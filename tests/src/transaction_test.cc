// MULTI, EXEC, DISCARD, WATCH and UNWATCH between several clients.
#include "src/transaction.h"

#include <gtest/gtest.h>

#include <atomic>
#include <random>
#include <thread>

#include "src/command_table.h"
#include "tests/faults/fault_file_system.h"
#include "tests/src/server_fixture.h"

namespace hearth {
namespace {

constexpr char kQueued[] = "+QUEUED\r\n";
constexpr char kNullArray[] = "*-1\r\n";
constexpr char kSpoiled[] = "-EXECABORT Transaction discarded because of previous errors.\r\n";

class TransactionTest : public ServerFixture {
 protected:
  // What EXEC answers to these commands, queued one by one.
  std::string Exec(const std::vector<std::string>& lines) {
    EXPECT_EQ(Run("MULTI"), "+OK\r\n");
    for (const std::string& line : lines) EXPECT_EQ(Run(line), kQueued) << line;
    return Run("EXEC");
  }
  // Whether a transaction is refused after WATCH and then a change by another client.
  bool Conflicts(const std::string& watched, const std::string& change) {
    TestClient other = Connect();
    EXPECT_EQ(Run("WATCH " + watched), "+OK\r\n");
    other.Run(change);
    const std::string reply = Exec({"PING"});
    EXPECT_TRUE(reply == kNullArray || reply == "*1\r\n+PONG\r\n") << reply;
    return reply == kNullArray;
  }
};

TEST_F(TransactionTest, ExecRunsWhatWasQueued) {
  EXPECT_EQ(Exec({"SET a 1", "INCR a", "GET a"}), "*3\r\n+OK\r\n:2\r\n$1\r\n2\r\n");
  EXPECT_EQ(Run("GET a"), WireBulk("2"));
  EXPECT_EQ(Exec({}), "*0\r\n");
  EXPECT_EQ(Run("EXEC"), "-ERR EXEC without MULTI\r\n");
}

TEST_F(TransactionTest, DiscardDropsTheQueue) {
  EXPECT_EQ(Run("DISCARD"), "-ERR DISCARD without MULTI\r\n");
  Run("MULTI");
  Run("SET a 1");
  EXPECT_EQ(Run("DISCARD"), "+OK\r\n");
  EXPECT_EQ(Run("GET a"), "$-1\r\n");
  EXPECT_EQ(Exec({"PING"}), "*1\r\n+PONG\r\n");
  Run("MULTI");
  Run("SET a 1");
  EXPECT_EQ(Run("RESET"), "+RESET\r\n");
  EXPECT_EQ(Run("EXEC"), "-ERR EXEC without MULTI\r\n");
}

TEST_F(TransactionTest, ARefusedCommandSpoilsTheTransaction) {
  for (const char* line : {"NOSUCH", "GET", "SAVE", "CLIENT NOSUCH", "WATCH"}) {
    Run("MULTI");
    EXPECT_EQ(Run("SET a 1"), kQueued);
    EXPECT_EQ(Run(line)[0], '-') << line;
    EXPECT_EQ(Run("EXEC"), kSpoiled) << line;
  }
  Run("MULTI");
  EXPECT_EQ(Run("SAVE"), "-ERR Command not allowed inside a transaction\r\n");
  EXPECT_EQ(Run("EXEC x"),
            "-EXECABORT Transaction discarded because of: wrong number of arguments for 'exec' "
            "command\r\n");
  EXPECT_EQ(Run("EXEC"), "-ERR EXEC without MULTI\r\n");
  EXPECT_EQ(Run("GET a"), "$-1\r\n");
}

TEST_F(TransactionTest, NestingIsAnErrorThatSpoilsNothing) {
  Run("MULTI");
  EXPECT_EQ(Run("MULTI"), "-ERR MULTI calls can not be nested\r\n");
  EXPECT_EQ(Run("WATCH a"), "-ERR WATCH inside MULTI is not allowed\r\n");
  EXPECT_EQ(Run("UNWATCH"), kQueued);
  EXPECT_EQ(Run("EXEC"), "*1\r\n+OK\r\n");
}

TEST_F(TransactionTest, OneCommandsErrorStopsNoOther) {
  EXPECT_EQ(Exec({"SET a x", "INCR a", "LPUSH a y", "SET b 1"}),
            "*4\r\n+OK\r\n-ERR value is not an integer or out of range\r\n"
            "-WRONGTYPE Operation against a key holding the wrong kind of value\r\n+OK\r\n");
  EXPECT_EQ(InfoField("commandstats", "cmdstat_exec").find("failed_calls=0") != std::string::npos,
            true);
}

TEST_F(TransactionTest, BlockingCommandsAnswerAtOnce) {
  EXPECT_EQ(Exec({"BLPOP l 0", "BRPOPLPUSH l m 0", "BLMOVE l m LEFT LEFT 0", "BZPOPMIN z 0",
                  "BLMPOP 0 1 l LEFT", "XREAD BLOCK 0 STREAMS st $"}),
            "*6\r\n*-1\r\n$-1\r\n$-1\r\n*-1\r\n*-1\r\n*-1\r\n");
  EXPECT_EQ(Exec({"RPUSH l x", "BLPOP l 0"}), "*2\r\n:1\r\n" + WireArray({"l", "x"}));
}

TEST_F(TransactionTest, SelectHoldsForWhatFollows) {
  EXPECT_EQ(Exec({"SET a 0", "SELECT 1", "SET a 1", "SELECT x", "GET a", "DBSIZE", "KEYS *",
                  "SELECT 0", "SWAPDB 0 1", "GET a"}),
            "*10\r\n+OK\r\n+OK\r\n+OK\r\n-ERR value is not an integer or out of range\r\n"
            "$1\r\n1\r\n:1\r\n*1\r\n$1\r\na\r\n+OK\r\n+OK\r\n$1\r\n1\r\n");
  EXPECT_EQ(Exec({"FLUSHALL", "RANDOMKEY", "SCAN 0"}),
            "*3\r\n+OK\r\n$-1\r\n*2\r\n$1\r\n0\r\n*0\r\n");
}

TEST_F(TransactionTest, WalksInsideSeeWhatTheTransactionWroteAndWhatIsCold) {
  Run("MSET a 1 b 2");
  Run("DEBUG DEMOTE-ALL");
  EXPECT_EQ(Exec({"DEL a", "SET c 3", "DBSIZE", "SCAN 0 COUNT 100 MATCH [ab]"}),
            "*4\r\n:1\r\n+OK\r\n:2\r\n*2\r\n$1\r\n0\r\n*1\r\n$1\r\nb\r\n");
}

// Every command that may stand in a transaction, behind a write: none may lock itself out.
TEST_F(TransactionTest, NoSessionCommandWaitsForTheTransactionThatItIsIn) {
  const std::vector<std::string> calls = {"INFO everything",
                                          "CLIENT LIST",
                                          "CLIENT INFO",
                                          "CONFIG SET maxmemory 100mb",
                                          "MEMORY STATS",
                                          "CONFIG RESETSTAT",
                                          "DEBUG DIGEST",
                                          "DEBUG OBJECT a",
                                          "DEBUG VERIFY-STORE",
                                          "BGSAVE",
                                          "BGREWRITEAOF",
                                          "MEMORY PURGE",
                                          "MEMORY DOCTOR",
                                          "COMMAND",
                                          "TIME",
                                          "ROLE",
                                          "WAIT 1 0",
                                          "LASTSAVE",
                                          "SLOWLOG GET",
                                          "LATENCY LATEST",
                                          "RANDOMKEY",
                                          "KEYS *",
                                          "SCAN 0",
                                          "DBSIZE",
                                          "CLIENT KILL ID 99999",
                                          "CLIENT UNBLOCK 99999",
                                          "CLIENT PAUSE 0",
                                          "CLIENT UNPAUSE",
                                          "HELLO",
                                          "CONFIG GET *",
                                          "LOLWUT",
                                          "CLIENT NO-TOUCH ON",
                                          "DEBUG DEMOTE-ALL",
                                          "OBJECT ENCODING a"};
  for (const std::string& call : calls) {
    const std::string reply = Exec({"SET a 1", call, "GET a"});
    EXPECT_TRUE(reply.starts_with("*3\r\n+OK\r\n")) << call;
    EXPECT_TRUE(reply.ends_with("$1\r\n1\r\n")) << call;
  }
  std::vector<std::string> all;
  for (const std::string& call : calls) {
    all.push_back("INCR n");
    all.push_back(call);
  }
  EXPECT_TRUE(Exec(all).starts_with("*" + std::to_string(all.size()) + "\r\n"));
  EXPECT_EQ(Run("GET n"), WireBulk(std::to_string(calls.size())));
}

TEST_F(TransactionTest, ClientReplyInsideBeginsBehindExec) {
  EXPECT_EQ(Exec({"PING", "CLIENT REPLY SKIP", "PING"}), "*3\r\n+PONG\r\n$-1\r\n+PONG\r\n");
  client_->Send("PING");
  EXPECT_EQ(Run("ECHO x"), WireBulk("x"));
}

TEST_F(TransactionTest, ColdKeysAreLoadedBeforeAnythingRuns) {
  Run("MSET a 1 b 2 w 3");
  Run("RPUSH l 1 2 3");
  Run("DEBUG DEMOTE-ALL");
  EXPECT_EQ(Run("WATCH w"), "+OK\r\n");
  Run("DEBUG DEMOTE-ALL");
  EXPECT_EQ(Exec({"INCR a", "INCR b", "RPOP l"}), "*3\r\n:2\r\n:3\r\n$1\r\n3\r\n");
}

// What RENAME needs of a cold key is not what the next command needs of it.
TEST_F(TransactionTest, AColdKeyIsRenamedAndRead) {
  std::string fill = "SADD {t}a";
  for (int i = 0; i < 1000; ++i) fill += " member" + std::to_string(i);
  for (int i = 0; i < 100; ++i) Run("SET key" + std::to_string(i) + " v");
  Run(fill);
  Run("DEBUG DEMOTE-ALL");
  EXPECT_EQ(Exec({"RENAME {t}a {t}b", "SCARD {t}b"}), "*2\r\n+OK\r\n:1000\r\n");
  Run("DEBUG DEMOTE-ALL");
  Run("WATCH {t}b");
  EXPECT_EQ(Exec({"RENAME {t}b {t}a", "EXPIRE {t}a 100", "TYPE {t}a"}),
            "*3\r\n+OK\r\n:1\r\n+set\r\n");
  EXPECT_EQ(Run("SISMEMBER {t}a member7"), ":1\r\n");
  Run("DEBUG DEMOTE-ALL");
  const auto eval = [this](const std::string& code) { return Run("EVAL \"" + code + "\" 0"); };
  EXPECT_EQ(eval("redis.call('PERSIST', '{t}a'); redis.call('RENAME', '{t}a', '{t}b');"
                 "return redis.call('SCARD', '{t}b')"),
            ":1000\r\n");
  Run("DEBUG DEMOTE-ALL");
  EXPECT_EQ(Run("EVAL \"redis.call('RENAME', KEYS[1], KEYS[2]);"
                "return redis.call('SCARD', KEYS[2])\" 2 {t}b {t}a"),
            ":1000\r\n");
  Run("DEBUG DEMOTE-ALL");
  EXPECT_EQ(eval("redis.call('RENAME', '{t}a', '{t}b')"), "$-1\r\n");
  EXPECT_EQ(Exec({"SRANDMEMBER {t}a", "SREM {t}b member1", "SCARD {t}b"}),
            "*3\r\n$-1\r\n:1\r\n:999\r\n");
  EXPECT_EQ(Run("DEBUG VERIFY-STORE"), "+OK\r\n");
}

// A read that fails must never make a key look absent: INCR would write over it.
TEST_F(TransactionTest, AFailedReadBehindASwapWritesOverNothing) {
  const auto disk = std::make_shared<FaultFileSystem>(rocksdb::FileSystem::Default(),
                                                      folder_.path() + "/graveyard");
  adjust_engine_ = [&](EngineOptions& options) {
    options.store.file_system = disk;
    options.store.block_cache_size_bytes = 0;
  };
  Restart();
  Run("SET a 5");
  Run("DEBUG DEMOTE-ALL");
  disk->Inject({.match = {FileOp::kRead, ".sst"}, .and_all_after = true});
  EXPECT_EQ(Exec({"SWAPDB 0 1", "SELECT 1", "INCR a"}).substr(0, 10), "-EXECABORT");
  disk->Heal();
  EXPECT_EQ(Run("GET a"), "$1\r\n5\r\n");
  Run("DEBUG DEMOTE-ALL");
  EXPECT_EQ(Exec({"SWAPDB 0 1", "SWAPDB 1 2", "SELECT 2", "INCR a"}),
            "*4\r\n+OK\r\n+OK\r\n+OK\r\n:6\r\n");
  Stop();
}

TEST_F(TransactionTest, WatchNoticesChangesOfEveryKind) {
  Run("DEBUG PACKED-SIZE-MAX 32");
  Run("SET s x");
  for (const char* change :
       {"SET s x", "APPEND s y", "SETRANGE s 0 z", "EXPIRE s 1000", "PERSIST s", "RENAME s t",
        "RENAME t s", "COPY s t REPLACE", "MOVE s 1", "SET s x", "DEL s", "SET s x"}) {
    EXPECT_TRUE(Conflicts("s t", change)) << change;
  }
  for (const char* change : {"RPUSH l 1", "LSET l 0 2", "LPOP l"}) {
    EXPECT_TRUE(Conflicts("l", change)) << change;
  }
  // Spread and packed collections, elements alone.
  Run("HSET h a 1 b 2 c 3 d 4 e 5 f 6 g 7 h 8 i 9 j 10 k 11");
  Run("SADD set a b c d e f g h i j k l m n o p q r s t u v");
  Run("ZADD z 1 a 2 b 3 c 4 d 5 e 6 f 7 g 8 h 9 i");
  for (const char* change : {"HSET h a 2", "HDEL h a"}) EXPECT_TRUE(Conflicts("h", change));
  for (const char* change : {"SADD set x", "SREM set a"}) EXPECT_TRUE(Conflicts("set", change));
  for (const char* change : {"ZADD z 9 a", "ZREM z b"}) EXPECT_TRUE(Conflicts("z", change));
  EXPECT_TRUE(Conflicts("x", "XADD x * a b"));
  EXPECT_TRUE(Conflicts("s", "FLUSHDB"));
}

TEST_F(TransactionTest, WatchIsNotTroubledByWhatChangesNothing) {
  Run("MSET s x t y");
  for (const char* other : {"GET s", "SET t z", "DEL nosuch", "DEBUG DEMOTE-ALL", "SETNX s y",
                            "GETEX s", "OBJECT FREQ s", "SWAPDB 3 4", "TOUCH s"}) {
    EXPECT_FALSE(Conflicts("s", other)) << other;
  }
  EXPECT_FALSE(Conflicts("absent", "DEBUG RELOAD"));
  EXPECT_FALSE(Conflicts("absent", "FLUSHALL"));
  EXPECT_FALSE(Conflicts("absent", "SWAPDB 0 1"));
}

// What redis-server tells those who watch, against what one may think.
TEST_F(TransactionTest, WatchIsToldAsInRedis) {
  Run("RPUSH l 1 2 3");
  EXPECT_TRUE(Conflicts("l", "LTRIM l 0 -1"));
  EXPECT_FALSE(Conflicts("l", "LTRIM absent 0 -1"));
  Run("SET s 1");
  EXPECT_TRUE(Conflicts("s", "DEBUG RELOAD"));
  EXPECT_FALSE(Conflicts("s", "SETBIT s 7 1"));  // set already, but the encoding changes
  EXPECT_EQ(Run("OBJECT ENCODING s"), WireBulk("raw"));
}

// Its entries are watched, not what readers do.
TEST_F(TransactionTest, WatchOfAStreamIsOfItsEntries) {
  EXPECT_TRUE(Conflicts("x", "XGROUP CREATE x g $ MKSTREAM"));
  for (const char* change : {"XADD x 1-1 a b", "XADD x 2-1 a b", "XDEL x 2-1", "XTRIM x MAXLEN 0",
                             "XADD x 3-1 a b", "DEL x", "XADD x 3-1 a b"}) {
    EXPECT_TRUE(Conflicts("x", change)) << change;
  }
  for (const char* other :
       {"XGROUP CREATE x g 0", "XGROUP CREATECONSUMER x g c", "XGROUP SETID x g 0-5",
        "XREADGROUP GROUP g c STREAMS x >", "XREADGROUP GROUP g c STREAMS x 0",
        "XCLAIM x g d 0 3-1", "XAUTOCLAIM x g c 0 0", "XACK x g 3-1", "XGROUP DELCONSUMER x g c",
        "XSETID x 9-9", "XGROUP DESTROY x g", "XDEL x 7-7", "XTRIM x MAXLEN 100"}) {
    EXPECT_NE(Run("EXISTS x"), ":0\r\n");
    EXPECT_FALSE(Conflicts("x", other)) << other;
  }
  EXPECT_EQ(Run("DEBUG VERIFY-STORE"), "+OK\r\n");
}

TEST_F(TransactionTest, ASwapChangesWhatEitherDatabaseHolds) {
  Run("SET a 1");
  EXPECT_TRUE(Conflicts("a", "SWAPDB 0 1"));
  EXPECT_TRUE(Conflicts("a", "SWAPDB 0 1"));
}

TEST_F(TransactionTest, AKeyThatCameAndWentHasChanged) {
  TestClient other = Connect();
  Run("WATCH a");
  other.Run("SET a 1");
  other.Run("DEL a");
  EXPECT_EQ(Exec({"PING"}), kNullArray);
  EXPECT_EQ(Exec({"PING"}), "*1\r\n+PONG\r\n");
}

TEST_F(TransactionTest, AWatchedKeyThatExpiredHasChanged) {
  Run("DEBUG SET-ACTIVE-EXPIRE 0");
  Run("SET a 1 PX 1");
  while (Run("EXISTS a") != ":0\r\n") std::this_thread::yield();
  Run("WATCH a");
  Run("DEL a");
  EXPECT_EQ(Exec({"PING"}), "*1\r\n+PONG\r\n");
  Run("SET b 1 PX 20");
  Run("WATCH b");
  std::this_thread::sleep_for(std::chrono::milliseconds(25));  // nobody may touch it meanwhile
  EXPECT_EQ(Exec({"PING"}), kNullArray);
}

TEST_F(TransactionTest, UnwatchDiscardAndExecEndTheWatch) {
  for (const std::vector<std::string>& end :
       {std::vector<std::string>{"UNWATCH"}, {"MULTI", "DISCARD"}, {"MULTI", "EXEC"}, {"RESET"}}) {
    Run("WATCH a");
    for (const std::string& line : end) Run(line);
    Run("SET a 1");
    EXPECT_EQ(Exec({"PING"}), "*1\r\n+PONG\r\n") << end[0];
  }
  Run("WATCH a");
  Run("SET a 2");  // its own change counts too
  EXPECT_NE(RunText("CLIENT INFO").find("flags=dU "), std::string::npos);
  EXPECT_EQ(Exec({"PING"}), kNullArray);
  {
    TestClient leaving = Connect();
    leaving.Run("WATCH a");
  }
  Run("SET a 3");
}

TEST_F(TransactionTest, AQueueBeyondTheLimitClosesTheClient) {
  Run("CONFIG SET client-query-buffer-limit 1mb");
  TestClient greedy = Connect();
  greedy.Run("MULTI");
  const std::string value(300 << 10, 'x');
  std::string reply;
  for (int i = 0; i < 5; ++i) reply = greedy.Run("SET a " + value);
  EXPECT_EQ(reply, "");
  EXPECT_EQ(Run("GET a"), "$-1\r\n");
}

TEST_F(TransactionTest, WaitingClientsAreServedBehindTheWholeTransaction) {
  TestClient waiting = Connect();
  waiting.Send("BLPOP l 0");
  while (server_->blocked_clients().client_count() != 1) std::this_thread::yield();
  EXPECT_EQ(Exec({"RPUSH l a", "LPUSH l b", "RPOP l"}), "*3\r\n:1\r\n:2\r\n$1\r\na\r\n");
  EXPECT_EQ(waiting.ReadReply(), WireArray({"l", "b"}));
}

TEST_F(TransactionTest, WhatExecWroteIsThereAfterARestart) {
  Exec({"SET a 1", "RPUSH l x y", "SELECT 1", "HSET h f v"});
  Restart();
  EXPECT_EQ(Run("GET a"), WireBulk("1"));
  EXPECT_EQ(Run("LRANGE l 0 -1"), WireArray({"x", "y"}));
  EXPECT_EQ(Run("DEBUG VERIFY-STORE"), "+OK\r\n");
}

class ManyTransactionsTest : public ServerFixture {
 protected:
  void SetUp() override { Start({"--workers", "4"}); }
};

constexpr int kAccountCount = 8;

int64_t SumOf(const std::string& array) {
  int64_t sum = 0;
  for (size_t at = array.find('$'); at != std::string::npos; at = array.find('$', at + 1)) {
    sum += std::atoll(array.c_str() + array.find('\n', at) + 1);
  }
  return sum;
}

// Two transfer with MULTI alone, two with WATCH and the balances they read; a reader sums up.
TEST_F(ManyTransactionsTest, TransfersNeverShowOrLoseMoney) {
  std::string all = "MGET";
  for (int i = 0; i < kAccountCount; ++i) {
    Run("SET account" + std::to_string(i) + " 100");
    all += " account" + std::to_string(i);
  }
  std::atomic<bool> done{false};
  std::atomic<int> done_count{0}, wrong_sums{0};
  std::vector<std::thread> clients;
  for (int index = 0; index < 4; ++index) {
    clients.emplace_back([&, index] {
      std::mt19937_64 random(static_cast<uint64_t>(index));
      TestClient client = Connect();
      for (int i = 0; i < 400; ++i) {
        const uint64_t a = random() % kAccountCount;
        const std::string from = "account" + std::to_string(a);
        const std::string to =
            "account" + std::to_string((a + 1 + random() % (kAccountCount - 1)) % kAccountCount);
        if (index < 2) {
          client.Run("MULTI");
          client.Run("DECRBY " + from + " 3");
          client.Run("INCRBY " + to + " 3");
          client.Run("EXEC");
          continue;
        }
        client.Run("WATCH " + from + " " + to);
        const int64_t had = std::stoll(client.RunText("GET " + from));
        const int64_t got = std::stoll(client.RunText("GET " + to));
        client.Run("MULTI");
        client.Run("SET " + from + " " + std::to_string(had - 7));
        client.Run("SET " + to + " " + std::to_string(got + 7));
        client.Run("EXEC");
      }
      if (++done_count == 4) done = true;
    });
  }
  while (!done) wrong_sums += SumOf(Run(all)) != 100 * kAccountCount;
  for (std::thread& client : clients) client.join();
  EXPECT_EQ(wrong_sums, 0);
  EXPECT_EQ(SumOf(Run(all)), 100 * kAccountCount);
  EXPECT_EQ(Run("DEBUG VERIFY-STORE"), "+OK\r\n");
}

}  // namespace
}  // namespace hearth
