// The gates, in their order; batches, cold keys and a disk that fails, over a socket.
#include "src/dispatcher.h"

#include "tests/faults/fault_file_system.h"
#include "tests/src/server_fixture.h"

namespace hearth {
namespace {

class DispatcherTest : public ServerFixture {
 protected:
  // Sends lines as one batch; all replies in a row.
  std::string RunBatch(const std::vector<std::string>& lines) {
    std::string wire, replies;
    for (const std::string& line : lines) wire += line + "\r\n";
    client_->SendRaw(wire);
    for (size_t i = 0; i < lines.size(); ++i) replies += client_->ReadReply();
    return replies;
  }
};

TEST_F(DispatcherTest, UnknownCommandsAreToldWithTheirArguments) {
  EXPECT_EQ(Run("FOO a b"), "-ERR unknown command 'FOO', with args beginning with: 'a' 'b' \r\n");
  EXPECT_EQ(Run("CLIENT foo"), "-ERR unknown subcommand 'foo'. Try CLIENT HELP.\r\n");
  EXPECT_EQ(Run("CLIENT"), "-ERR wrong number of arguments for 'client' command\r\n");
  EXPECT_EQ(Run("GET"), "-ERR wrong number of arguments for 'get' command\r\n");
  EXPECT_EQ(Run("GET a b"), "-ERR wrong number of arguments for 'get' command\r\n");
  EXPECT_EQ(Run("CONFIG SET a"), "-ERR wrong number of arguments for 'config|set' command\r\n");
  const std::string long_word(300, 'x');
  EXPECT_EQ(client_->RunWords({long_word, long_word, "y"}),
            "-ERR unknown command '" + long_word.substr(0, 128) + "', with args beginning with: '" +
                long_word.substr(0, 128) + "' \r\n");
}

TEST_F(DispatcherTest, HttpIsClosedWithoutAWord) {
  for (const char* line : {"POST / HTTP/1.1\r\n", "Host: localhost\r\n"}) {
    TestClient browser = Connect();
    browser.SendRaw(std::string(line) + "SET k v\r\n");
    EXPECT_EQ(browser.ReadToEnd(), "");
  }
  EXPECT_EQ(Run("GET k"), "$-1\r\n");
}

TEST_F(DispatcherTest, DebugIsForThoseWhoMay) {
  EXPECT_EQ(Run("DEBUG SLEEP 0"), "+OK\r\n");
  Restart({"--enable-debug-command", "local"});
  EXPECT_EQ(Run("DEBUG SLEEP 0"), "+OK\r\n");
  Restart({"--enable-debug-command", "no"});
  EXPECT_TRUE(Run("DEBUG SLEEP 0").starts_with("-ERR DEBUG command not allowed. If the "));
}

TEST_F(DispatcherTest, NoEvictionRefusesWhatNeedsMemory) {
  Run("SET k v");
  Run("CONFIG SET maxmemory-policy noeviction maxmemory 1");
  EXPECT_EQ(Run("SET k w"), "-OOM command not allowed when used memory > 'maxmemory'.\r\n");
  EXPECT_TRUE(Run("GET k").starts_with("$1\r\n"));
  EXPECT_EQ(Run("DEL k"), ":1\r\n");
  Run("CONFIG SET maxmemory 0");
  EXPECT_EQ(Run("SET k w"), "+OK\r\n");
}

TEST_F(DispatcherTest, TooLittleFreeSpaceRefusesWritesOnly) {
  Run("SET k v");
  EXPECT_EQ(Run("CONFIG SET disk-free-min 1000000gb"), "+OK\r\n");
  std::string reply;
  for (int i = 0; i < 300 && (reply = Run("SET k w")) == "+OK\r\n"; ++i) usleep(10'000);
  EXPECT_TRUE(reply.starts_with("-MISCONF Errors writing to the AOF file: No space left on device"))
      << reply;
  EXPECT_EQ(Run("PING"), "+PONG\r\n");
  EXPECT_EQ(InfoField("persistence", "aof_last_write_status"), "err");
  Run("CONFIG SET disk-free-min 0");
  for (int i = 0; i < 300 && (reply = Run("SET k w")) != "+OK\r\n"; ++i) usleep(10'000);
  EXPECT_EQ(reply, "+OK\r\n");
}

// A write that failed on the disk is answered with an error, and undone; when the disk is well
// again so is the server.
TEST_F(DispatcherTest, AFailedCommitIsNeverAcknowledged) {
  Stop();
  auto disk = std::make_shared<FaultFileSystem>(rocksdb::FileSystem::Default(),
                                                folder_.path() + "/graveyard");
  adjust_engine_ = [disk](EngineOptions& options) { options.store.file_system = disk; };
  Start({"--appendfsync", "always"});
  EXPECT_EQ(Run("SET k before"), "+OK\r\n");
  Fault fault;
  fault.match = {FileOp::kSync, ".log"};
  fault.and_all_after = true;
  disk->Inject(fault);
  const std::string reply = Run("SET k after");
  EXPECT_TRUE(reply.starts_with("-MISCONF Errors writing to the AOF file: ")) << reply;
  EXPECT_TRUE(Run("SET k again").starts_with("-MISCONF Errors writing to the AOF file: "));
  EXPECT_EQ(Run("PING"), "+PONG\r\n");
  disk->Heal();
  std::string healed;
  for (int i = 0; i < 1000 && (healed = Run("SET k healed")) != "+OK\r\n"; ++i) usleep(10'000);
  EXPECT_EQ(healed, "+OK\r\n");
  EXPECT_EQ(Run("GET k"), "$6\r\nhealed\r\n");
  client_.reset();
  (void)server_->Stop();
  server_.reset();
}

// Commands of one batch run in order although some of them have to wait for the disk.
TEST_F(DispatcherTest, ColdKeysKeepTheOrderOfABatch) {
  for (int i = 0; i < 50; ++i) Run("SET k" + std::to_string(i) + " " + std::to_string(i));
  EXPECT_EQ(Run("DEBUG DEMOTE-ALL"), "+OK\r\n");
  EXPECT_EQ(InfoField("tiering", "tiering_resident_keys"), "0");
  std::vector<std::string> lines;
  std::string wanted;
  for (int i = 0; i < 50; ++i) {
    const std::string number = std::to_string(i);
    lines.push_back("INCRBY k" + number + " 1");
    wanted += ":" + std::to_string(i + 1) + "\r\n";
    if (i % 10 == 0) {
      lines.push_back("MGET k" + number + " k49 none");
      wanted += WireArray({std::to_string(i + 1), "49"}).replace(1, 1, "3") + "$-1\r\n";
    }
  }
  EXPECT_EQ(RunBatch(lines), wanted);
  EXPECT_EQ(Run("DEBUG VERIFY-STORE"), "+OK\r\n");
}

// The first that waits has the others' keys read beside its own.
TEST_F(DispatcherTest, TheColdKeysOfABatchAreReadTogether) {
  std::vector<std::string> lines;
  std::string wanted;
  for (int i = 0; i < 20; ++i) {
    const std::string name = "k" + std::to_string(i);
    Run("SET " + name + " " + name);
    lines.push_back("GET " + name);
    wanted += WireBulk(name);
  }
  EXPECT_EQ(Run("DEBUG DEMOTE-ALL"), "+OK\r\n");
  const auto field = [this](const char* name) { return std::stoi(InfoField("tiering", name)); };
  const int lookups = field("tiering_store_lookups"), loads = field("tiering_loads");
  EXPECT_EQ(RunBatch(lines), wanted);
  EXPECT_EQ(field("tiering_loads") - loads, 20);
  EXPECT_EQ(field("tiering_store_lookups") - lookups, 1);
}

// Commands of a batch on one key keep its lock: whatever is to happen between two of them does.
TEST_F(DispatcherTest, ABatchOnOneKeyLetsGoOfItForOthers) {
  Restart({"--slowlog-log-slower-than", "0", "--latency-monitor-threshold", "1"});
  for (const std::string events : {"\"\"", "KEA"}) {
    Run("CONFIG SET notify-keyspace-events " + events);
    Run("DEL list");
    TestClient waiter = Connect();
    waiter.Send("BLPOP list 0");
    while (InfoField("clients", "blocked_clients") != "1") {
    }
    EXPECT_EQ(RunBatch({"RPUSH list a", "RPUSH list b", "LLEN list", "LPOP list", "LPOP list",
                        "FOO", "GET list", "RPUSH list c", "TYPE list", "TYPE list"}),
              ":1\r\n:1\r\n:1\r\n$1\r\nb\r\n$-1\r\n-ERR unknown command 'FOO', with args "
              "beginning with: \r\n$-1\r\n:1\r\n+list\r\n+list\r\n");
    EXPECT_EQ(waiter.ReadReply(), WireArray({"list", "a"}));
  }
}

// The same of scripts, which keep every lock.
TEST_F(DispatcherTest, ABatchOfScriptsLetsGoOfEveryLockForOthers) {
  Restart({"--slowlog-log-slower-than", "0"});
  for (const std::string events : {"\"\"", "KEA"}) {
    Run("CONFIG SET notify-keyspace-events " + events);
    Run("FLUSHALL");
    TestClient waiter = Connect();
    waiter.Send("BLPOP list 0");
    TestClient listener = Connect();
    listener.Send("SUBSCRIBE channel");
    listener.ReadReply();
    while (InfoField("clients", "blocked_clients") != "1") {
    }
    const std::string call = "EVAL \"return redis.call(unpack(ARGV))\" 0 ";
    EXPECT_EQ(RunBatch({call + "SET k v", call + "RPUSH list a", call + "LLEN list", call + "FOO",
                        call + "PUBLISH channel m", "GET k", call + "GET k", call + "GET k",
                        "FLUSHALL", call + "GET k", call + "DBSIZE"}),
              "+OK\r\n:1\r\n:0\r\n-ERR Unknown Redis command called from script script: "
              "3c44b7a40779a5c68a6e3920550ff76660a813aa, on @user_script:1.\r\n"
              ":1\r\n$1\r\nv\r\n$1\r\nv\r\n$1\r\nv\r\n+OK\r\n$-1\r\n:0\r\n");
    EXPECT_EQ(waiter.ReadReply(), WireArray({"list", "a"}));
    EXPECT_EQ(listener.ReadReply(), WireArray({"message", "channel", "m"}));
  }
}

// Evicting looks at every shard, that of the batch among them.
TEST_F(DispatcherTest, ABatchOnOneKeyMayEvict) {
  for (int i = 0; i < 100; ++i) Run("SET k" + std::to_string(i) + " " + std::string(100, 'v'));
  Run("CONFIG SET maxmemory-policy allkeys-random maxmemory 1");
  const std::vector<std::string> lines(20, "APPEND k " + std::string(100, 'v'));
  (void)RunBatch(lines);
  Run("CONFIG SET maxmemory 0");
  EXPECT_NE(InfoField("stats", "evicted_keys"), "0");
  EXPECT_EQ(Run("DEBUG VERIFY-STORE"), "+OK\r\n");
}

// Members are fetched ahead of the commands of a batch, whatever the key turns out to be.
TEST_F(DispatcherTest, ABatchNamesMembersOfAnyKey) {
  for (int i = 0; i < 5000; i += 10) {
    std::string members, fields, scores;
    for (int n = i; n < i + 10; ++n) {
      const std::string name = " m" + std::to_string(n);
      members += name, fields += name + " v", scores += " 1" + name;
    }
    EXPECT_EQ(RunBatch({"SADD s" + members, "HSET h" + fields, "ZADD z" + scores}),
              ":10\r\n:10\r\n:10\r\n");
  }
  EXPECT_EQ(RunBatch({"SISMEMBER s m1", "SREM s m1", "SISMEMBER s m1", "SADD s m1 x", "SCARD s",
                      "HGET h m1", "HDEL h m1 m2", "HGET h m1", "HSET h m1 w x y", "HLEN h",
                      "ZSCORE z m1", "ZADD z 2 m1", "ZADD z 3 m1 4 x", "ZREM z m1", "ZCARD z"}),
            ":1\r\n:1\r\n:0\r\n:2\r\n:5001\r\n$1\r\nv\r\n:2\r\n$-1\r\n:2\r\n:5000\r\n"
            "$1\r\n1\r\n:0\r\n:1\r\n:1\r\n:5000\r\n");
  Run("SET t v");
  Run("SET gone v PX 1");
  while (Run("EXISTS gone") != ":0\r\n") {
  }
  const std::string wrong =
      "-WRONGTYPE Operation against a key holding the wrong kind of value\r\n";
  EXPECT_EQ(RunBatch({"SADD t a", "SADD t b", "HGET gone a", "HGET gone b", "ZSCORE none a",
                      "ZSCORE none b"}),
            wrong + wrong + "$-1\r\n$-1\r\n$-1\r\n$-1\r\n");
}

// A million elements would take a second to read.
TEST_F(DispatcherTest, WhoAsksForNoElementsReadsNone) {
  std::string fill = "HSET {t}h";
  for (int i = 0; i < 1000; ++i) fill += " field" + std::to_string(i) + " value";
  EXPECT_EQ(Run(fill), ":1000\r\n");
  const auto resident_bytes = [this] {
    return std::stoul(InfoField("tiering", "tiering_resident_bytes"));
  };
  for (const auto& [call, reply] : std::vector<std::pair<std::string, std::string>>{
           {"TYPE {t}h", "+hash\r\n"},
           {"EXISTS {t}h {t}h", ":2\r\n"},
           {"TOUCH {t}h", ":1\r\n"},
           {"OBJECT ENCODING {t}h", WireBulk("hashtable")},
           {"EXPIRE {t}h 1000", ":1\r\n"},
           {"EXPIRE {t}h 900 GT", ":0\r\n"},
           {"TTL {t}h", ":1000\r\n"},
           {"PERSIST {t}h", ":1\r\n"},
           {"PTTL {t}h", ":-1\r\n"},
           {"RENAME {t}h {t}g", "+OK\r\n"},
           {"RENAMENX {t}g {t}h", ":1\r\n"},
           {"WATCH {t}h", "+OK\r\n"}}) {
    Run("DEBUG DEMOTE-ALL");
    EXPECT_EQ(Run(call), reply) << call;
    EXPECT_LT(resident_bytes(), 2000u) << call;
  }
  EXPECT_EQ(Run("HLEN {t}h"), ":1000\r\n");
  EXPECT_GT(resident_bytes(), 10'000u);
  Run("DEBUG DEMOTE-ALL");
  EXPECT_EQ(Run("DEL {t}h"), ":1\r\n");
  EXPECT_EQ(Run("HLEN {t}h"), ":0\r\n");
  EXPECT_EQ(Run("DEBUG VERIFY-STORE"), "+OK\r\n");
}

// What is written over is not read before.
TEST_F(DispatcherTest, AColdValueIsReplacedUnread) {
  const std::string value(100'000, 'x'), huge(3 << 20, 'x');
  const auto loaded_bytes = [this] {
    return std::stoul(InfoField("tiering", "tiering_resident_bytes"));
  };
  for (const auto& [call, reply] :
       std::vector<std::pair<std::string, std::string>>{{"SET k v", "+OK\r\n"},
                                                        {"SET k v EX 100 XX", "+OK\r\n"},
                                                        {"SETEX k 100 v", "+OK\r\n"},
                                                        {"PSETEX k 100000 v", "+OK\r\n"},
                                                        {"MSET k v", "+OK\r\n"},
                                                        {"SETNX k v", ":0\r\n"},
                                                        {"MSETNX k v", ":0\r\n"},
                                                        {"EXPIRE k 100", ":1\r\n"},
                                                        {"EXISTS k", ":1\r\n"},
                                                        {"DEL k", ":1\r\n"}}) {
    for (const std::string& old : {value, huge}) {
      Run("SET k " + old);
      Run("DEBUG DEMOTE-ALL");
      EXPECT_EQ(Run(call), reply) << call;
      EXPECT_LT(loaded_bytes(), 2000u) << call;
      EXPECT_EQ(Run("DEBUG VERIFY-STORE"), "+OK\r\n") << call;
    }
  }
  Run("SET k " + value);
  Run("DEBUG DEMOTE-ALL");
  EXPECT_EQ(Run("SET k v GET"), WireBulk(value));
  Run("SET k " + value);
  Run("DEBUG DEMOTE-ALL");
  EXPECT_EQ(Run("SET k new IFEQ " + value), "+OK\r\n");
  Run("SET k " + value);
  Run("DEBUG DEMOTE-ALL");
  Run("EXPIRE k 100");
  EXPECT_EQ(Run("GET k"), WireBulk(value));
}

// Nobody waits for another's cold read, and a client that leaves while it waits harms nobody.
TEST_F(DispatcherTest, AClientMayLeaveWhileItsKeysAreRead) {
  for (int i = 0; i < 200; ++i) Run("SET k" + std::to_string(i) + " v");
  for (int round = 0; round < 10; ++round) {
    Run("DEBUG DEMOTE-ALL");
    TestClient leaver = Connect();
    std::string wire;
    for (int i = 0; i < 200; ++i) wire += "GET k" + std::to_string(i) + "\r\n";
    leaver.SendRaw(wire);
  }
  EXPECT_EQ(Run("GET k0"), "$1\r\nv\r\n");
}

TEST_F(DispatcherTest, ManyClientsShareCountersWithoutLoss) {
  constexpr int kClients = 4, kRounds = 200;
  std::vector<std::thread> threads;
  for (int c = 0; c < kClients; ++c) {
    threads.emplace_back([this] {
      TestClient client = Connect();
      for (int i = 0; i < kRounds; ++i) client.Run("INCR counter");
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(Run("GET counter"), WireBulk(std::to_string(kClients * kRounds)));
  EXPECT_TRUE(InfoField("commandstats", "cmdstat_incr").starts_with("calls=800,"));
}

}  // namespace
}  // namespace hearth
