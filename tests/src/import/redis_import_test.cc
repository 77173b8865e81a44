#include "src/import/redis_import.h"

#include <filesystem>
#include <fstream>
#include <sstream>

#include "tests/src/redis_bytes.h"
#include "tests/src/server_fixture.h"

namespace hearth {
namespace {

namespace fs = std::filesystem;

constexpr int64_t kPastMs = 1'600'000'000'000;
constexpr int64_t kFutureMs = 9'600'000'000'000;

class RedisImportTest : public ServerFixture {
 protected:
  void SetUp() override { fs::create_directories(data() + "/appendonlydir"); }
  void TearDown() override {
    if (server_) (void)server_->Stop();
  }

  std::string data() const { return folder_.path() + "/data"; }
  void Write(const std::string& name, std::string_view contents) {
    std::ofstream(data() + "/" + name, std::ios::binary) << contents;
  }
  std::string Read(const std::string& name) {
    std::ostringstream text;
    text << std::ifstream(data() + "/" + name, std::ios::binary).rdbuf();
    return text.str();
  }
  void WriteAof(std::string_view base, std::string_view increment) {
    Write("appendonlydir/appendonly.aof.manifest",
          "file base seq 1 type b\nfile one seq 1 type i\n");
    Write("appendonlydir/base", base);
    Write("appendonlydir/one", increment);
  }
  bool HasMark() { return fs::exists(data() + "/redis-load"); }

  // What the import says when it fails, or "nothing is due".
  std::string Import(std::vector<std::string> directives = {}) {
    if (server_) Stop();
    Start(std::move(directives));
    if (!server_->redis_import().is_due()) return "nothing is due";
    std::string error = server_->redis_import().Run();
    for (size_t at; (at = error.find(data())) != std::string::npos;) {
      error.erase(at, data().size() + 1);
    }
    return error;
  }
  std::string StartError(std::vector<std::string> directives = {}) {
    if (server_) Stop();
    return TryStart(std::move(directives));
  }
};

TEST_F(RedisImportTest, AnRdbFileBecomesTheStore) {
  const std::string file =
      RdbOf(RdbLibrary() + RdbKey("a", "1") + RdbExpiry(kPastMs) + RdbKey("gone", "1") +
            RdbExpiry(kFutureMs) + RdbKey("later", "1") + RdbDatabase(3) + RdbKey("b", "2"));
  Write("dump.rdb", file);
  ASSERT_EQ(Import(), "");
  EXPECT_EQ(Run("DBSIZE"), ":2\r\n");
  EXPECT_EQ(Run("MGET a gone later"), "*3\r\n$1\r\n1\r\n$-1\r\n$1\r\n1\r\n");
  EXPECT_EQ(Run("PEXPIRETIME later"), ":" + std::to_string(kFutureMs) + "\r\n");
  EXPECT_EQ(Run("FCALL f 0"), ":7\r\n");
  EXPECT_EQ(InfoField("persistence", "rdb_last_load_keys_loaded"), "3");
  EXPECT_EQ(InfoField("persistence", "rdb_last_load_keys_expired"), "1");
  EXPECT_EQ(InfoField("persistence", "loading"), "0");
  EXPECT_EQ(InfoField("persistence", "loading_start_time"), "(none)");
  Run("DEL a");
  Run("SELECT 3");
  EXPECT_EQ(Run("GET b"), "$1\r\n2\r\n");
  EXPECT_EQ(Run("DEBUG VERIFY-STORE"), "+OK\r\n");
  EXPECT_FALSE(HasMark());
  // The store is what counts from now on; the file stays as it is.
  EXPECT_EQ(Import(), "nothing is due");
  EXPECT_EQ(Run("EXISTS a later"), ":1\r\n");
  EXPECT_EQ(Read("dump.rdb"), file);
}

TEST_F(RedisImportTest, ClientsWaitUntilItIsDone) {
  Write("dump.rdb", RdbOf(RdbKey("a", "1")));
  Start();
  for (const char* line :
       {"GET a", "SET b 1", "KEYS *", "REPLICAOF NO ONE", "REPLICAOF 127.0.0.1 1", "SAVE"}) {
    EXPECT_EQ(Run(line), "-LOADING Redis is loading the dataset in memory\r\n") << line;
  }
  EXPECT_EQ(InfoField("persistence", "loading"), "1");
  // It would pass for a whole one.
  TestClient other = Connect();
  other.Send("SHUTDOWN SAVE\r\n");
  server_->WaitUntilStopped();
  EXPECT_FALSE(fs::exists(data() + "/snapshots"));
  Stop();
  Start();
  EXPECT_EQ(InfoField("persistence", "loading_total_bytes"), "23");
  EXPECT_EQ(InfoField("persistence", "loading_loaded_perc"), "0.00");
  EXPECT_EQ(InfoField("persistence", "loading_eta_seconds"), "1");
  EXPECT_EQ(server_->redis_import().Run(), "");
  EXPECT_EQ(Run("GET a"), "$1\r\n1\r\n");
}

TEST_F(RedisImportTest, AnAofOfABaseAndIncrements) {
  WriteAof(RdbOf(RdbKey("a", "1") + RdbExpiry(kPastMs) + RdbKey("counted", "5")) +
               Wire({"SET", "behind", "1"}),
           "#TS:1628217470\r\n" + Wire({"SELECT", "2"}) + Wire({"RPUSH", "l", "x"}) +
               Wire({"MULTI"}) + Wire({"RPUSH", "l", "y"}) + Wire({"INCR", "i"}) + Wire({"EXEC"}) +
               "#TS:1628217471\r\n" + Wire({"SELECT", "0"}) +
               // It was not expired when this ran; its DEL came later, or not at all.
               Wire({"INCR", "counted"}) + Wire({"HSET", "a", "f", "v"}));
  ASSERT_EQ(Import(), "");
  EXPECT_EQ(Run("MGET a behind counted"), "*3\r\n$1\r\n1\r\n$1\r\n1\r\n$-1\r\n");
  Run("SELECT 2");
  EXPECT_EQ(Run("LRANGE l 0 -1"), "*2\r\n$1\r\nx\r\n$1\r\ny\r\n");
  EXPECT_EQ(Run("GET i"), "$1\r\n1\r\n");
  EXPECT_EQ(Run("DEBUG VERIFY-STORE"), "+OK\r\n");
  EXPECT_EQ(Import(), "nothing is due");
  EXPECT_EQ(Run("GET behind"), "$1\r\n1\r\n");
}

TEST_F(RedisImportTest, AnAofOfCommandsAlone) {
  Write("appendonly.aof", Wire({"SELECT", "0"}) + Wire({"SET", "a", "1"}));
  ASSERT_EQ(Import(), "");
  EXPECT_EQ(Run("GET a"), "$1\r\n1\r\n");
}

TEST_F(RedisImportTest, AnEmptyAofIsAnEmptyStore) {
  Write("appendonly.aof", "");
  ASSERT_EQ(Import(), "");
  EXPECT_EQ(Run("DBSIZE"), ":0\r\n");
}

TEST_F(RedisImportTest, ManyCommandsPassThroughABoundedQueue) {
  std::string commands;
  for (int i = 0; i < 3 * static_cast<int>(kImportPendingMax); ++i) commands += Wire({"INCR", "i"});
  for (int i = 0; i < 3; ++i) {
    commands += Wire({"APPEND", "big", std::string(kImportPendingBytesMax, 'x')});
  }
  Write("appendonly.aof", commands);
  ASSERT_EQ(Import(), "");
  EXPECT_EQ(Run("GET i"), "$5\r\n30000\r\n");
  EXPECT_EQ(Run("STRLEN big"), ":" + std::to_string(3 * kImportPendingBytesMax) + "\r\n");
}

TEST_F(RedisImportTest, NothingExpiresMeanwhile) {
  std::string commands = RdbOf(RdbExpiry(kPastMs) + RdbKey("counted", "5"));
  // Long enough for many turns of the active expiry.
  for (int i = 0; i < 50'000; ++i) commands += Wire({"INCR", "i"});
  Write("appendonly.aof", commands + Wire({"INCR", "counted"}) + Wire({"PERSIST", "counted"}));
  ASSERT_EQ(Import({"--hz", "500"}), "");
  EXPECT_EQ(Run("GET counted"), "$1\r\n6\r\n");
}

TEST_F(RedisImportTest, TheLastFileMayBeCut) {
  const std::string whole = Wire({"SET", "a", "1"});
  for (const std::string& tail :
       {Wire({"SET", "b", "1"}).substr(0, 9), Wire({"MULTI"}) + Wire({"SET", "b", "1"})}) {
    fs::remove_all(data());
    SetUp();
    WriteAof(whole, whole + tail);
    EXPECT_TRUE(Import({"--aof-load-truncated", "no"})
                    .find("Unexpected end of file reading the append only file "
                          "appendonlydir/one behind offset " +
                          std::to_string(whole.size()) + ".") != std::string::npos);
    EXPECT_EQ(Import(), "");
    EXPECT_EQ(Run("MGET a b"), "*2\r\n$1\r\n1\r\n$-1\r\n");
    Stop();
  }
  fs::remove_all(data());
  SetUp();
  WriteAof(whole + "*3", whole);
  EXPECT_EQ(Import(),
            "The import of appendonlydir/appendonly.aof.manifest has failed: Unexpected end of "
            "file reading the append only file appendonlydir/base, which is not the last one, "
            "behind offset " +
                std::to_string(whole.size()));
}

TEST_F(RedisImportTest, WhatCannotBeReadIsAnErrorAndServesNothing) {
  const std::string set = Wire({"SET", "a", "1"});
  const std::pair<std::string, const char*> kCases[] = {
      {set + Wire({"NOSUCH", "a"}), "appendonly.aof: NOSUCH at offset 27: ERR unknown command"},
      {set + Wire({"SELECT", "99"}), "appendonly.aof: SELECT at offset 27: ERR DB index"},
      {RdbOf(RdbKey("a", "1")) + set + Wire({"NOSUCH", "a"}),
       "appendonly.aof: NOSUCH at offset 50: ERR unknown command"},
      {set + "SET a 2\r\n", "Bad file format reading the append only file appendonly.aof"},
      {RdbOf(RdbKey("a", "1")).substr(0, 12), "appendonly.aof: "},
  };
  for (const auto& [bytes, error] : kCases) {
    Write("appendonly.aof", bytes);
    const std::string told = Import();
    EXPECT_TRUE(told.starts_with("The import of appendonly.aof has failed: " + std::string(error)))
        << told;
    EXPECT_TRUE(HasMark());
    EXPECT_EQ(Run("GET a").substr(0, 8), "-LOADING");
  }
  // What it holds in part is gone when the file is mended.
  Write("appendonly.aof", Wire({"SET", "b", "1"}));
  EXPECT_EQ(Import(), "");
  EXPECT_EQ(Run("KEYS *"), "*1\r\n$1\r\nb\r\n");
}

TEST_F(RedisImportTest, AnRdbFileThatIsDamagedOrLonger) {
  std::string file = RdbOf(RdbKey("a", "1") + RdbKey("b", "1"));
  Write("dump.rdb", file + "x");
  EXPECT_EQ(Import(), "The import of dump.rdb has failed: dump.rdb: bytes follow its end");
  file[12] ^= 1;
  Write("dump.rdb", file);
  EXPECT_TRUE(Import().starts_with("The import of dump.rdb has failed: dump.rdb: "));
  Write("dump.rdb", RdbOf(RdbDatabase(50) + RdbKey("a", "1")));
  EXPECT_EQ(Import(),
            "The import of dump.rdb has failed: dump.rdb: the file has a database 50, this server "
            "16 (databases), at key 'a', at offset 16");
}

TEST_F(RedisImportTest, WhatIsRenamedForClientsIsKnownToFiles) {
  Write("dump.rdb", RdbOf(RdbLibrary() + RdbKey("a", "1")));
  const std::vector<std::string> renamed = {"--rename-command", "FUNCTION", "",
                                            "--rename-command", "SET",      "put"};
  EXPECT_EQ(Import(renamed), "");
  EXPECT_EQ(Run("FCALL f 0"), ":7\r\n");
  EXPECT_EQ(Run("FUNCTION STATS").substr(0, 4), "-ERR");
  Stop();
  fs::remove_all(data());
  SetUp();
  Write("appendonly.aof", Wire({"SET", "a", "1"}) + Wire({"PUT", "b", "1"}));
  EXPECT_EQ(Import(renamed), "");
  EXPECT_EQ(Run("MGET a b"), "*2\r\n$1\r\n1\r\n$1\r\n1\r\n");
  EXPECT_EQ(Run("SET a 2").substr(0, 4), "-ERR");
}

TEST_F(RedisImportTest, ErrorsOfCommandsAreCounted) {
  Write("appendonly.aof",
        Wire({"SET", "a", "1"}) + Wire({"LPUSH", "a", "1"}) + Wire({"SET", "b", "1"}));
  EXPECT_EQ(Import(), "");
  EXPECT_EQ(Run("MGET a b"), "*2\r\n$1\r\n1\r\n$1\r\n1\r\n");
}

TEST_F(RedisImportTest, AnImportThatWasCutBeginsAnew) {
  Write("dump.rdb", RdbOf(RdbKey("a", "1")));
  Start();
  server_->RequestStop();
  EXPECT_EQ(server_->redis_import().Run(), "");
  EXPECT_TRUE(HasMark());
  Write("dump.rdb", RdbOf(RdbKey("b", "1")));
  EXPECT_EQ(Import(), "");
  EXPECT_EQ(Run("KEYS *"), "*1\r\n$1\r\nb\r\n");
}

// What a start that failed leaves of a store is none: the files are still to come.
TEST_F(RedisImportTest, AStartThatFailedWhileTheStoreWasMade) {
  Write("dump.rdb", RdbOf(RdbKey("a", "1")));
  const std::string wal_dir = folder_.path() + "/wal";
  const std::string in_the_way = wal_dir + "/hearth.owner.tmp";
  fs::create_directories(in_the_way);
  EXPECT_NE(StartError({"--wal-dir", wal_dir}).find(in_the_way), std::string::npos);
  ASSERT_TRUE(fs::exists(data() + "/CURRENT"));
  EXPECT_TRUE(HasMark());
  fs::remove(in_the_way);
  EXPECT_EQ(Import({"--wal-dir", wal_dir}), "");
  EXPECT_EQ(Run("GET a"), "$1\r\n1\r\n");
  EXPECT_FALSE(HasMark());
}

TEST_F(RedisImportTest, AnImportThatWasCutAndWhoseFilesAreGone) {
  Write("appendonly.aof", Wire({"SET", "a", "1"}) + Wire({"NOSUCH"}));
  EXPECT_NE(Import(), "");
  fs::remove(data() + "/appendonly.aof");
  EXPECT_EQ(StartError(), "The files of a Redis in " + data() +
                              " were imported in part only, and they are not there any more: put "
                              "them back, or begin without them by 'import-redis-files no'");
  EXPECT_EQ(Import({"--import-redis-files", "no"}), "nothing is due");
  // It is dropped beside, the mark goes, and only then it is served.
  std::string size;
  for (int i = 0; i < 1000 && (HasMark() || size.empty() || size.starts_with("-LOADING")); ++i) {
    Run("DEBUG SLEEP 0.01");
    size = Run("DBSIZE");
  }
  EXPECT_EQ(size, ":0\r\n");
}

TEST_F(RedisImportTest, NothingIsImportedOverAStore) {
  Start();
  Run("SET mine 1");
  Stop();
  Write("dump.rdb", RdbOf(RdbKey("a", "1")));
  EXPECT_EQ(Import(), "nothing is due");
  EXPECT_EQ(Run("KEYS *"), "*1\r\n$4\r\nmine\r\n");
  Stop();
  // Not where one was lost either: that is for the engine to refuse.
  fs::remove(data() + "/CURRENT");
  EXPECT_NE(StartError().find("its CURRENT file is missing"), std::string::npos);
  EXPECT_FALSE(HasMark());
}

// A crash within the switch to what a full resync brought: the store stands beside until the start.
TEST_F(RedisImportTest, AStoreThatASwitchBringsIsNotImportedOver) {
  Start();
  Run("SET mine 1");
  Stop();
  fs::rename(data(), folder_.path() + "/incoming");
  fs::create_directories(data());
  fs::rename(folder_.path() + "/incoming", data() + "/incoming");
  Write("incoming/COMPLETE", "");
  Write("SWITCH", "hearth-switch 1\nphase 2\nend\n");
  Write("dump.rdb", RdbOf(RdbKey("a", "1")));
  EXPECT_EQ(Import(), "nothing is due");
  EXPECT_FALSE(HasMark());
  EXPECT_EQ(Run("KEYS *"), "*1\r\n$4\r\nmine\r\n");
}

TEST_F(RedisImportTest, WhoeverDoesNotWantItIsNotAsked) {
  Write("dump.rdb", RdbOf(RdbKey("a", "1")));
  EXPECT_EQ(Import({"--import-redis-files", "no"}), "nothing is due");
  EXPECT_EQ(Run("DBSIZE"), ":0\r\n");
  Stop();
  fs::remove_all(data());
  SetUp();
  Write("dump.rdb", RdbOf(RdbKey("a", "1")));
  EXPECT_EQ(Import({"--replicaof", "127.0.0.1 1"}), "nothing is due");
  EXPECT_FALSE(HasMark());
}

TEST_F(RedisImportTest, BothKindsOfFilesNeedAWord) {
  Write("dump.rdb", RdbOf(RdbKey("a", "rdb")));
  Write("appendonly.aof", Wire({"SET", "a", "aof"}));
  EXPECT_NE(StartError().find("say 'appendonly yes'"), std::string::npos);
  EXPECT_FALSE(fs::exists(data() + "/CURRENT"));
  EXPECT_EQ(Import({"--appendonly", "no"}), "");
  EXPECT_EQ(Run("GET a"), "$3\r\nrdb\r\n");
  Stop();
  fs::remove(data() + "/appendonly.aof");
  EXPECT_EQ(Import({"--appendonly", "no"}), "nothing is due");
  EXPECT_EQ(Run("GET a"), "$3\r\nrdb\r\n");
}

}  // namespace
}  // namespace hearth
