// The server from start to stop: restarts, snapshots, ports, limits.
#include "src/server.h"

#include <fstream>

#include "tests/faults/fault_file_system.h"
#include "tests/src/server_fixture.h"

namespace hearth {
namespace {

class ServerTest : public ServerFixture {
 protected:
  // A port that was free a moment ago.
  int FreePort() {
    for (int port = 23000 + getpid() % 20000;; ++port) {
      Config config;
      EXPECT_EQ(config.Load({"--dir", folder_.path() + "/probe", "--port", std::to_string(port)}),
                "");
      std::filesystem::create_directories(folder_.path() + "/probe");
      Server probe(config);
      if (probe.Start().empty()) return port;
    }
  }
};

TEST_F(ServerTest, ARestartKeepsEverything) {
  Run("SET a 1");
  Run("SET b 2 EX 1000");
  Run("SELECT 5");
  Run("SET c 3");
  Run("DEL a");
  Run("SET d 4");
  const std::string replication_id = InfoField("replication", "master_replid");
  Restart();
  EXPECT_TRUE(InfoField("keyspace", "db0").starts_with("keys=2,expires=1,avg_ttl="));
  EXPECT_EQ(InfoField("keyspace", "db5"), "keys=2,expires=0,avg_ttl=0");
  EXPECT_EQ(Run("GET a"), "$1\r\n1\r\n");
  EXPECT_EQ(InfoField("replication", "master_replid"), replication_id);
  EXPECT_EQ(Run("DEBUG VERIFY-STORE"), "+OK\r\n");
}

TEST_F(ServerTest, ProtectedModeRefusesWhoComesFromElsewhere) {
  const PeerInfo here{"127.0.0.1", /*is_loopback=*/true, /*is_unix=*/false};
  const PeerInfo elsewhere{"192.0.2.1", /*is_loopback=*/false, /*is_unix=*/false};
  EXPECT_EQ(server_->RefusePeer(here), "");
  EXPECT_TRUE(server_->RefusePeer(elsewhere).starts_with("DENIED Redis is running in protected"));
  // Who gives a password has thought of it.
  EXPECT_EQ(Run("CONFIG SET requirepass secret"), "+OK\r\n");
  EXPECT_EQ(server_->RefusePeer(elsewhere), "");
  EXPECT_EQ(Run("CONFIG SET requirepass ''"), "+OK\r\n");
  EXPECT_NE(server_->RefusePeer(elsewhere), "");
  EXPECT_EQ(Run("CONFIG SET protected-mode no"), "+OK\r\n");
  EXPECT_EQ(server_->RefusePeer(elsewhere), "");
}

// Nothing is evicted while FAILOVER holds writes back, which wait.
TEST_F(ServerTest, NoWriteIsMadeRoomForWhileItIsHeldBack) {
  Restart({"--maxmemory-policy", "allkeys-random"});
  for (int i = 0; i < 10; ++i) Run("SET k" + std::to_string(i) + " v");
  TestClient writer = Connect();
  std::string id = writer.Run("CLIENT ID");
  id = id.substr(1, id.find('\r') - 1);
  server_->pause_gate().HoldWrites(WriteHolder::kFailover, true);
  Run("CONFIG SET maxmemory 1mb");
  while (server_->engine().residency().excess_bytes() <= 0) std::this_thread::yield();
  writer.Send("SET k0 w");
  while (Run("CLIENT LIST ID " + id).find(" qbuf=0 ") != std::string::npos) {
    ASSERT_FALSE(writer.HasReply());
  }
  EXPECT_EQ(Run("EVAL_RO 'return 1' 0"), ":1\r\n");
  EXPECT_EQ(InfoField("stats", "evicted_keys"), "0");
  EXPECT_EQ(Run("DBSIZE"), ":10\r\n");
  server_->pause_gate().HoldWrites(WriteHolder::kFailover, false);
  EXPECT_FALSE(writer.ReadReply().empty());
  EXPECT_NE(InfoField("stats", "evicted_keys"), "0");
}

TEST_F(ServerTest, PortsAndAddressesChangeWhileItRuns) {
  const std::string first = std::to_string(FreePort());
  EXPECT_EQ(Run("CONFIG SET port " + first), "+OK\r\n");
  EXPECT_EQ(InfoField("server", "tcp_port"), first);
  TestClient old(std::stoi(first));
  EXPECT_EQ(old.Run("PING"), "+PONG\r\n");
  // A port that somebody else has: nothing changes.
  Config config;
  std::filesystem::create_directories(folder_.path() + "/other");
  const std::string other_dir = folder_.path() + "/other";
  ASSERT_EQ(config.Load({"--dir", other_dir, "--port", "0", "--unixsocket", other_dir + "/socket"}),
            "");
  Server other(config);
  ASSERT_EQ(other.Start(), "");
  int taken = std::stoi(first);
  while (other.port() == 0) {
    (void)other.config().Set({{"port", std::to_string(++taken)}});
  }
  EXPECT_EQ(
      Run("CONFIG SET port " + std::to_string(taken)),
      "-ERR CONFIG SET failed (possibly related to argument 'port') - Unable to listen on this "
      "port. Check server logs.\r\n");
  EXPECT_EQ(Run("CONFIG GET port"), WireArray({"port", first}));
  EXPECT_EQ(TestClient(std::stoi(first)).Run("PING"), "+PONG\r\n");
  // Overlapping addresses, and one that is not ours.
  EXPECT_EQ(Run("CONFIG SET bind '127.0.0.1 127.0.0.2'"), "+OK\r\n");
  EXPECT_EQ(TestClient(std::stoi(first)).Run("PING"), "+PONG\r\n");
  EXPECT_EQ(Run("CONFIG SET bind 192.0.2.77"),
            "-ERR CONFIG SET failed (possibly related to argument 'bind') - Failed to bind to "
            "specified addresses.\r\n");
  EXPECT_EQ(Run("CONFIG GET bind"), WireArray({"bind", "127.0.0.1 127.0.0.2"}));
  EXPECT_EQ(TestClient(std::stoi(first)).Run("PING"), "+PONG\r\n");
  EXPECT_EQ(
      Run("CONFIG SET tls-port " + std::to_string(taken + 1)),
      "-ERR CONFIG SET failed (possibly related to argument 'tls-port') - Unable to update TLS "
      "configuration. Check server logs.\r\n");
  // Off: who is connected stays.
  EXPECT_EQ(Run("CONFIG SET port 0"), "+OK\r\n");
  EXPECT_EQ(InfoField("server", "tcp_port"), "0");
  EXPECT_EQ(old.Run("PING"), "+PONG\r\n");
}

// As in Redis: a SAVE tells no duration of a background save; every try counts in rdb_saves.
TEST_F(ServerTest, SaveAndItsFailuresAreTold) {
  const std::string started = InfoField("persistence", "rdb_last_save_time");
  EXPECT_EQ(Run("LASTSAVE"), ":" + started + "\r\n");
  EXPECT_EQ(InfoField("persistence", "rdb_last_bgsave_time_sec"), "-1");
  EXPECT_EQ(Run("SAVE"), "+OK\r\n");
  EXPECT_EQ(InfoField("persistence", "rdb_last_bgsave_time_sec"), "-1");
  Restart({"--snapshot-dir", "/proc/nowhere"});
  Run("SET a 1");
  EXPECT_TRUE(Run("SAVE").starts_with("-ERR"));
  EXPECT_EQ(InfoField("persistence", "rdb_last_bgsave_status"), "ok");
  EXPECT_EQ(Run("BGSAVE"), "+Background saving started\r\n");
  while (InfoField("persistence", "rdb_bgsave_in_progress") == "1") {
  }
  EXPECT_EQ(InfoField("persistence", "rdb_last_bgsave_status"), "err");
  EXPECT_EQ(InfoField("persistence", "rdb_last_bgsave_time_sec"), "0");
  EXPECT_EQ(InfoField("persistence", "rdb_current_bgsave_time_sec"), "-1");
  EXPECT_EQ(InfoField("persistence", "rdb_changes_since_last_save"), "1");
  EXPECT_EQ(InfoField("persistence", "rdb_saves"), "2");
}

TEST_F(ServerTest, SnapshotsAreMadeAndTold) {
  Run("SET a 1");
  EXPECT_EQ(InfoField("persistence", "rdb_changes_since_last_save"), "1");
  EXPECT_EQ(Run("SAVE"), "+OK\r\n");
  EXPECT_EQ(InfoField("persistence", "rdb_changes_since_last_save"), "0");
  EXPECT_EQ(InfoField("persistence", "rdb_saves"), "1");
  Run("SET b 2");
  EXPECT_EQ(Run("BGSAVE foo"), "-ERR syntax error\r\n");
  EXPECT_EQ(Run("BGSAVE SCHEDULE"), "+Background saving started\r\n");
  for (int i = 0; i < 500 && InfoField("persistence", "rdb_bgsave_in_progress") == "1"; ++i) {
    usleep(10'000);
  }
  EXPECT_EQ(InfoField("persistence", "rdb_last_bgsave_status"), "ok");
  EXPECT_EQ(Run("LASTSAVE"), ":" + InfoField("persistence", "rdb_last_save_time") + "\r\n");
  size_t count = 0;
  for (const auto& entry :
       std::filesystem::directory_iterator(folder_.path() + "/data/snapshots")) {
    count += entry.is_directory();
  }
  EXPECT_EQ(count, 2u);
}

// A save point that is due makes a snapshot by itself.
TEST_F(ServerTest, SavePointsAreHeeded) {
  EXPECT_EQ(Run("CONFIG SET save '0 1'").substr(0, 4), "-ERR");
  EXPECT_EQ(Run("CONFIG SET save '1 2'"), "+OK\r\n");
  Run("SET a 1");
  Run("SET b 1");
  for (int i = 0; i < 500 && InfoField("persistence", "rdb_saves") == "0"; ++i) usleep(10'000);
  EXPECT_EQ(InfoField("persistence", "rdb_saves"), "1");
}

TEST_F(ServerTest, ASnapshotThatFailsRefusesWrites) {
  Stop();
  const std::string blocked = folder_.path() + "/blocked";
  std::ofstream(blocked) << "a file where the folder should be";
  Start({"--snapshot-dir", blocked});
  Run("BGSAVE");
  while (InfoField("persistence", "rdb_bgsave_in_progress") == "1") {
  }
  EXPECT_EQ(Run("SET j v"), "+OK\r\n") << "without save points";
  EXPECT_EQ(Run("CONFIG SET save '3600 1'"), "+OK\r\n");
  EXPECT_TRUE(Run("SET k v").starts_with("-MISCONF Redis is configured to save RDB snapshots"));
  EXPECT_EQ(Run("GET k"), "$-1\r\n");
  EXPECT_EQ(InfoField("persistence", "rdb_last_bgsave_status"), "err");
  EXPECT_EQ(Run("CONFIG SET stop-writes-on-bgsave-error no"), "+OK\r\n");
  EXPECT_EQ(Run("SET k v"), "+OK\r\n");
}

TEST_F(ServerTest, APortThatIsTakenEndsTheStart) {
  const int port = FreePort();
  Restart({"--port", std::to_string(port)});
  TestClient over_tcp(port);
  EXPECT_EQ(over_tcp.Run("PING"), "+PONG\r\n");
  Config config;
  EXPECT_EQ(config.Load({"--dir", folder_.path() + "/other", "--port", std::to_string(port)}), "");
  std::filesystem::create_directories(folder_.path() + "/other");
  Server second(config);
  EXPECT_EQ(second.Start(),
            "Failed listening on port " + std::to_string(port) + " (TCP), aborting.");
}

TEST_F(ServerTest, AReplicasPrimaryMayBeOneArgumentOrTwo) {
  const std::vector<std::string> one = {"--replicaof", "127.0.0.1 9"};
  const std::vector<std::string> two = {"--replicaof", "127.0.0.1", "9"};
  for (const auto& args : {one, two}) {
    Config config;
    EXPECT_EQ(config.Load(args), "");
    EXPECT_EQ(config.Text("replicaof"), "127.0.0.1 9");
  }
  Config config;
  EXPECT_NE(config.Load({"--replicaof", "127.0.0.1"}), "");
}

TEST_F(ServerTest, AFolderHasOneServer) {
  Config config;
  EXPECT_EQ(config.Load({"--dir", folder_.path() + "/data", "--port", "0"}), "");
  Server second(config);
  EXPECT_NE(second.Start(), "");
  EXPECT_EQ(Run("PING"), "+PONG\r\n");
}

TEST_F(ServerTest, ShutdownEndsTheWaitAndSaysNothing) {
  EXPECT_EQ(Run("SHUTDOWN foo"), "-ERR syntax error\r\n");
  EXPECT_EQ(Run("SHUTDOWN ABORT NOW"), "-ERR syntax error\r\n");
  EXPECT_EQ(Run("SHUTDOWN ABORT"), "-ERR No shutdown in progress.\r\n");
  client_->Send("SHUTDOWN SAVE");
  server_->WaitUntilStopped();
  EXPECT_EQ(client_->ReadToEnd(), "");
}

// Without a log what can't be flushed would be gone.
TEST_F(ServerTest, AShutdownThatWouldLoseDataIsRefused) {
  const auto disk = std::make_shared<FaultFileSystem>(rocksdb::FileSystem::Default(),
                                                      folder_.path() + "/graveyard");
  adjust_engine_ = [disk](EngineOptions& options) { options.store.file_system = disk; };
  Restart({"--appendonly", "no"});
  EXPECT_EQ(Run("SET k v"), "+OK\r\n");
  disk->Inject(
      {.match = {FileOp::kAppend, ".sst"}, .error = FaultError::kNoSpace, .and_all_after = true});
  EXPECT_EQ(Run("SHUTDOWN"), "-ERR Errors trying to SHUTDOWN. Check logs.\r\n");
  EXPECT_EQ(Run("GET k"), "$1\r\nv\r\n");
  disk->Heal();
  client_->Send("SHUTDOWN");
  server_->WaitUntilStopped();
  Restart({"--appendonly", "no"});
  EXPECT_EQ(Run("GET k"), "$1\r\nv\r\n");
  EXPECT_EQ(Run("SET more v"), "+OK\r\n");
  disk->Inject(
      {.match = {FileOp::kAppend, ".sst"}, .error = FaultError::kNoSpace, .and_all_after = true});
  client_->Send("SHUTDOWN NOSAVE");
  server_->WaitUntilStopped();
  disk->Heal();
}

TEST_F(ServerTest, SmallCommandsAnswerAsRedisDoes) {
  EXPECT_EQ(Run("WAIT 0 0"), ":0\r\n");
  EXPECT_EQ(Run("WAIT x 0"), "-ERR value is not an integer or out of range\r\n");
  EXPECT_EQ(Run("WAIT 1 -1"), "-ERR timeout is negative\r\n");
  EXPECT_TRUE(Run("ROLE").starts_with("*3\r\n$6\r\nmaster\r\n:"));
  EXPECT_TRUE(Run("TIME").starts_with("*2\r\n$10\r\n"));
  EXPECT_TRUE(RunText("LOLWUT").ends_with("Hearth ver. " HEARTH_VERSION ", Redis ver. " +
                                          std::string(kRedisVersion) + "\n"));
  EXPECT_EQ(Run("LOLWUT VERSION x"), "-ERR value is not an integer or out of range\r\n");
  EXPECT_TRUE(Run("LOLWUT VERSION 5").starts_with("$"));
  EXPECT_EQ(Run("BGREWRITEAOF"), "+Background append only file rewriting started\r\n");
  Run("SET k v");
  EXPECT_EQ(Run("MEMORY USAGE none"), "$-1\r\n");
  EXPECT_TRUE(Run("MEMORY USAGE k SAMPLES 5").starts_with(":"));
  EXPECT_EQ(Run("MEMORY USAGE k FOO 5"), "-ERR syntax error\r\n");
  EXPECT_EQ(Run("MEMORY USAGE k SAMPLES"), "-ERR syntax error\r\n");
  EXPECT_EQ(Run("MEMORY PURGE"), "+OK\r\n");
}

TEST_F(ServerTest, DebugServesTests) {
  EXPECT_EQ(Run("DEBUG foo"),
            "-ERR unknown subcommand or wrong number of arguments for 'foo'. Try DEBUG HELP.\r\n");
  EXPECT_EQ(Run("DEBUG POPULATE 100 key 10"), "+OK\r\n");
  EXPECT_EQ(Run("DBSIZE"), ":100\r\n");
  EXPECT_EQ(Run("STRLEN key:7"), ":10\r\n");
  EXPECT_EQ(Run("DEBUG RELOAD"), "+OK\r\n");
  EXPECT_EQ(Run("STRLEN key:7"), ":10\r\n");
  EXPECT_TRUE(Run("DEBUG OBJECT key:7").starts_with("+Value at:0x"));
  EXPECT_EQ(Run("DEBUG OBJECT none"), "-ERR no such key\r\n");
  Run("SET shared 9999");
  Run("SET own 10000");
  EXPECT_NE(Run("DEBUG OBJECT shared").find(" refcount:2147483647 "), std::string::npos);
  EXPECT_NE(Run("DEBUG OBJECT own").find(" refcount:1 "), std::string::npos);
  EXPECT_NE(Run("DEBUG OBJECT shared").find(" serializedlength:3 "), std::string::npos);
  Run("CONFIG SET maxmemory-policy allkeys-lfu");
  EXPECT_NE(Run("DEBUG OBJECT own").find(" lru_seconds_idle:0"), std::string::npos);
  EXPECT_EQ(Run("DEBUG ERROR 'FOO bar'"), "-FOO bar\r\n");
  EXPECT_EQ(Run("DEBUG STRINGMATCH-LEN 10 x"), ":0\r\n");
  EXPECT_EQ(Run("DEBUG PROTOCOL integer"), ":12345\r\n");
  EXPECT_EQ(Run("DEBUG SET-ACTIVE-EXPIRE 0"), "+OK\r\n");
}

TEST_F(ServerTest, DebugShowsSizes) {
  Run("SET key value");
  Run("SET number 12");
  Run("RPUSH list a");
  Run("EXPIRE list 1000");
  EXPECT_TRUE(
      Run("DEBUG SDSLEN key")
          .starts_with(
              "+key_sds_len:3, key_sds_avail:0, key_zmalloc: 3, val_sds_len:5, val_sds_avail:0, "));
  EXPECT_EQ(Run("DEBUG SDSLEN number"), "-ERR Not an sds encoded string.\r\n");
  EXPECT_EQ(Run("DEBUG SDSLEN none"), "-ERR no such key\r\n");
  EXPECT_EQ(Run("DEBUG LISTPACK key"), "-ERR Not a listpack encoded object.\r\n");
  EXPECT_EQ(Run("DEBUG LISTPACK list"), "+Listpack structure printed on stdout\r\n");
  EXPECT_EQ(RunText("DEBUG HTSTATS 0"),
            "[Dictionary HT]\nHash table 0 stats (main hash table):\n number of elements: 3\n"
            "[Expires HT]\nHash table 0 stats (main hash table):\n number of elements: 1\n");
  EXPECT_NE(RunText("DEBUG HTSTATS 1").find("No stats available for empty"), std::string::npos);
  EXPECT_EQ(Run("DEBUG HTSTATS 16"), "-ERR Out of range database\r\n");
  Run("SADD small 1 2");
  Run("SADD set one two");
  Run("CONFIG SET set-max-listpack-entries 1");
  Run("SADD set three");
  EXPECT_EQ(RunText("DEBUG HTSTATS-KEY set full"),
            "Hash table 0 stats (main hash table):\n number of elements: 3\n");
  EXPECT_EQ(
      Run("DEBUG HTSTATS-KEY small"),
      "-ERR The value stored at the specified key is not represented using an hash table\r\n");
  EXPECT_EQ(Run("DEBUG DICT-RESIZING 0"), "+OK\r\n");
  EXPECT_TRUE(Run("DEBUG STRUCTSIZE").starts_with("+bits:64 robj:"));
}

TEST_F(ServerTest, DebugChangesTheReplicationIdForGood) {
  Run("SET k v");
  const std::string before = InfoField("replication", "master_replid");
  EXPECT_EQ(Run("DEBUG CHANGE-REPL-ID"), "+OK\r\n");
  const std::string changed = InfoField("replication", "master_replid");
  EXPECT_NE(changed, before);
  EXPECT_EQ(InfoField("replication", "master_replid2"), std::string(40, '0'));
  Restart();
  EXPECT_EQ(InfoField("replication", "master_replid"), changed);
  EXPECT_EQ(Run("GET k"), WireBulk("v"));
}

// RESP3 as well as RESP2.
TEST_F(ServerTest, DebugProtocolShowsEveryType) {
  EXPECT_EQ(Run("DEBUG PROTOCOL map"), "*6\r\n:0\r\n:0\r\n:1\r\n:1\r\n:2\r\n:0\r\n");
  Run("HELLO 3");
  EXPECT_EQ(Run("DEBUG PROTOCOL map"), "%3\r\n:0\r\n#f\r\n:1\r\n#t\r\n:2\r\n#f\r\n");
  EXPECT_EQ(Run("DEBUG PROTOCOL set"), "~3\r\n:0\r\n:1\r\n:2\r\n");
  EXPECT_EQ(Run("DEBUG PROTOCOL double"), ",3.141\r\n");
  EXPECT_EQ(Run("DEBUG PROTOCOL null"), "_\r\n");
  EXPECT_EQ(Run("DEBUG PROTOCOL verbatim"), "=29\r\ntxt:This is a verbatim\nstring\r\n");
}

}  // namespace
}  // namespace hearth
