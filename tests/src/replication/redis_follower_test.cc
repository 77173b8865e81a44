// Following a Redis that the test plays: files, streams, offsets, cuts, and what is refused.
#include "src/replication/redis_follower.h"

#include <filesystem>
#include <fstream>
#include <latch>

#include "tests/src/redis_bytes.h"
#include "tests/src/replication/node.h"
#include "tests/src/replication/played_primary.h"

namespace hearth {
namespace {

constexpr char kId[] = "0123456789012345678901234567890123456789";
constexpr char kMark[] = "abcdefghijabcdefghijabcdefghijabcdefghij";

class RedisFollowerTest : public testing::Test {
 protected:
  // Answers the handshake; returns what PSYNC asks for.
  std::string Greet(std::string_view psync_reply) {
    primary.Accept();
    EXPECT_EQ(primary.Answer("+PONG\r\n"), "PING");
    primary.Answer("+OK\r\n");
    EXPECT_EQ(primary.Answer("-ERR Unrecognized REPLCONF option: hearth\r\n"), "REPLCONF hearth 1");
    EXPECT_EQ(primary.Answer("-ERR Unrecognized REPLCONF option: version\r\n"),
              "REPLCONF version 9.0.0");
    EXPECT_EQ(primary.Answer("+OK\r\n"), "REPLCONF capa eof capa psync2");
    return primary.Answer(psync_reply);
  }
  std::string FullResync(uint64_t offset) {
    return "+FULLRESYNC " + std::string(kId) + " " + std::to_string(offset) + "\r\n";
  }
  void SendFile(std::string_view rdb) {
    primary.Send("\n$" + std::to_string(rdb.size()) + "\r\n" + std::string(rdb));
  }
  bool IsUp() {
    return Eventually([&] { return replica.Info("replication", "master_link_status") == "up"; });
  }
  // The replica has loaded the key a, and follows from offset 0 on.
  void FollowAFile() {
    replica.Follow(primary.port());
    Greet(FullResync(0));
    SendFile(RdbOf(RdbKey("a", "1")));
    ASSERT_TRUE(IsUp());
  }
  bool Reaches(uint64_t offset) {
    return Eventually(
        [&] { return replica.Info("replication", "slave_repl_offset") == std::to_string(offset); });
  }

  // Whether it tells, sooner or later, that it has applied everything up to there, and nothing else
  // behind that.
  bool Acknowledges(uint64_t offset) {
    const std::string wanted = "REPLCONF ACK " + std::to_string(offset);
    for (int i = 0; i < 20; ++i) {
      const std::string words = primary.Answer("");
      if (!words.starts_with("REPLCONF ACK ")) return false;
      if (words == wanted) return true;
    }
    return false;
  }
  bool HasLinkError(const std::string& text) {
    return Eventually([&] {
      return replica.Info("replication", "master_link_error").find(text) != std::string::npos;
    });
  }
  // A load is under way, of a file that never ends.
  void BeginEndlessLoad() {
    replica.Follow(primary.port());
    Greet(FullResync(0));
    primary.Send("$1000\r\nREDIS0010" + RdbKey("a", "1"));
    EXPECT_TRUE(Eventually([&] { return replica.Info("persistence", "loading") == "1"; }));
  }
  std::string MarkPath() { return replica.data() + "/redis-load"; }

  Node replica;
  PlayedPrimary primary;
};

TEST_F(RedisFollowerTest, AFileThenCommandsThenWhereItWas) {
  replica.Run("SET old 1");
  replica.Follow(primary.port());
  EXPECT_EQ(Greet(FullResync(100)), "PSYNC ? -1");
  SendFile(RdbOf(RdbKey("a", "1")));
  ASSERT_TRUE(IsUp());
  EXPECT_EQ(replica.Run("GET a"), "$1\r\n1\r\n");
  EXPECT_EQ(replica.Run("EXISTS old"), ":0\r\n");
  std::string stream = Wire({"SELECT", "3"}) + Wire({"SET", "b", "2"}) + "\n";
  primary.Send(stream + Wire({"MULTI"}) + Wire({"SET", "half", "1"}));
  EXPECT_TRUE(Reaches(100 + stream.size()));
  EXPECT_TRUE(Acknowledges(100 + stream.size()));
  primary.Hang();
  // The same database, and before MULTI.
  EXPECT_EQ(Greet("+CONTINUE\r\n"),
            "PSYNC " + std::string(kId) + " " + std::to_string(101 + stream.size()));
  const std::string more = Wire({"MULTI"}) + Wire({"SET", "c", "3"}) + Wire({"EXEC"});
  primary.Send(more);
  EXPECT_TRUE(Reaches(100 + stream.size() + more.size()));
  replica.Run("SELECT 3");
  EXPECT_EQ(replica.Run("MGET b c half"), "*3\r\n$1\r\n2\r\n$1\r\n3\r\n$-1\r\n");
  EXPECT_EQ(replica.Run("SET d 1"), "-READONLY You can't write against a read only replica.\r\n");
  EXPECT_EQ(replica.Run("REPLICAOF NO ONE"), "+OK\r\n");
  EXPECT_EQ(replica.Run("SET d 1"), "+OK\r\n");
  EXPECT_EQ(replica.Run("DEBUG VERIFY-STORE"), "+OK\r\n");
}

// The place in the stream is the store's: with what was applied, be it of a transaction, and with
// nothing of one that was not.
TEST_F(RedisFollowerTest, BehindARestartTheStreamGoesOn) {
  FollowAFile();
  const std::string stream = Wire({"SELECT", "3"}) + Wire({"INCR", "n"}) + Wire({"MULTI"}) +
                             Wire({"INCR", "n"}) + Wire({"SELECT", "4"}) + Wire({"INCR", "m"}) +
                             Wire({"EXEC"});
  primary.Send(stream + Wire({"PING"}) + Wire({"MULTI"}) + Wire({"INCR", "n"}));
  EXPECT_TRUE(Reaches(stream.size() + Wire({"PING"}).size()));
  replica.Stop();
  primary.Hang();
  replica.Start();
  replica.Follow(primary.port());
  // What wrote nothing is asked for again.
  EXPECT_EQ(Greet("+CONTINUE\r\n"),
            "PSYNC " + std::string(kId) + " " + std::to_string(1 + stream.size()));
  const std::string more = Wire({"PING"}) + Wire({"INCR", "m"});
  primary.Send(more);
  EXPECT_TRUE(Reaches(stream.size() + more.size()));
  replica.Run("SELECT 3");
  EXPECT_EQ(replica.Run("GET n"), "$1\r\n2\r\n");
  replica.Run("SELECT 4");
  EXPECT_EQ(replica.Run("GET m"), "$1\r\n2\r\n");
  EXPECT_EQ(replica.Run("DEBUG VERIFY-STORE"), "+OK\r\n");
}

// The data of a primary are not those of the stream any more.
TEST_F(RedisFollowerTest, AWriteOfItsOwnEndsTheStream) {
  FollowAFile();
  const std::string stream = Wire({"SET", "b", "2"});
  primary.Send(stream);
  EXPECT_TRUE(Reaches(stream.size()));
  for (const bool writes : {false, true}) {
    EXPECT_EQ(replica.Run("REPLICAOF NO ONE"), "+OK\r\n");
    primary.Hang();
    if (writes) {
      EXPECT_EQ(replica.Run("SET own 1"), "+OK\r\n");
    }
    replica.Follow(primary.port());
    const std::string goes_on =
        "PSYNC " + std::string(kId) + " " + std::to_string(stream.size() + 1);
    EXPECT_EQ(Greet(writes ? FullResync(0) : "+CONTINUE\r\n"), writes ? "PSYNC ? -1" : goes_on);
  }
}

TEST_F(RedisFollowerTest, DisklessFilesEndWithTheirMark) {
  replica.Follow(primary.port());
  Greet(FullResync(0));
  const std::string set = Wire({"SET", "b", "2"});
  primary.Send("$EOF:" + std::string(kMark) + "\r\n" + RdbOf(RdbKey("a", "1")) + kMark + set);
  ASSERT_TRUE(IsUp());
  EXPECT_TRUE(Reaches(set.size()));
  EXPECT_EQ(replica.Run("MGET a b"), "*2\r\n$1\r\n1\r\n$1\r\n2\r\n");
}

// What was loaded of a file that is damaged is never seen.
TEST_F(RedisFollowerTest, ADamagedFileIsNotServed) {
  replica.Run("SET old 1");
  replica.Follow(primary.port());
  Greet(FullResync(0));
  std::string file = RdbOf(RdbKey("a", "1") + RdbKey("b", "2"));
  file.back() ^= 1;
  SendFile(file);
  EXPECT_TRUE(Eventually([&] {
    return replica.Info("replication", "master_link_error").find("checksum") != std::string::npos;
  }));
  EXPECT_EQ(replica.Run("GET a"), "-LOADING Redis is loading the dataset in memory\r\n");
  EXPECT_EQ(replica.Info("persistence", "loading"), "1");
  primary.Hang();
  EXPECT_EQ(Greet(FullResync(0)), "PSYNC ? -1");
  SendFile(RdbOf(RdbKey("a", "3")));
  ASSERT_TRUE(IsUp());
  EXPECT_EQ(replica.Run("MGET a b"), "*2\r\n$1\r\n3\r\n$-1\r\n");
}

// Else each try would cost the primary a file, for ever. The first time it may be a damaged byte.
TEST_F(RedisFollowerTest, AFileThatCanNeverBeReadEndsTheLink) {
  const std::string key = RdbKey("a", "1");
  const struct {
    std::string file;
    std::string what;
  } cases[] = {
      {RdbOf(key + "\x07\x01m"), "values of modules are not supported, at key 'm'"},
      {RdbOf(key + "\xf0\x01u"), "a value has the unknown type 240, at key 'u'"},
      {RdbOf("\xf7"), "data of modules are not supported"},
      {"REDIS0099", "RDB version 99 is not supported"},
  };
  const auto is_refused = [&] {
    return replica.Run("ROLE").find("$7\r\nrefused\r\n") != std::string::npos;
  };
  for (const auto& one : cases) {
    replica.Follow(primary.port());
    for (const bool again : {false, true}) {
      Greet(FullResync(0));
      SendFile(one.file);
      ASSERT_TRUE(HasLinkError("full resync: RDB: " + one.what)) << one.what;
      ASSERT_TRUE(!again || Eventually(is_refused)) << one.what;
      primary.Hang();
    }
  }
  EXPECT_EQ(replica.Run("REPLICAOF NO ONE"), "+OK\r\n");
  EXPECT_EQ(replica.Run("DBSIZE"), ":0\r\n");
}

// What is not known in one place only, or is cut off, may come from the way here.
TEST_F(RedisFollowerTest, AFileThatFailsElsewhereEachTimeIsAskedForAgain) {
  const std::string whole = RdbOf(RdbKey("a", "1") + RdbKey("b", "2"));
  std::string damaged = whole;
  damaged.back() ^= 1;
  replica.Follow(primary.port());
  for (const std::string& file :
       {RdbOf("\xf0\x01u"), RdbOf("\xf0\x01v"), damaged, damaged, RdbOf("\xf0\x01v"), whole}) {
    Greet(FullResync(0));
    SendFile(file);
    if (file != whole) primary.Hang();
  }
  ASSERT_TRUE(IsUp());
  EXPECT_EQ(replica.Run("DBSIZE"), ":2\r\n");
}

// Nor as a primary.
TEST_F(RedisFollowerTest, WhatWasLoadedInPartIsDropped) {
  replica.Run("SET old 1");
  BeginEndlessLoad();
  EXPECT_EQ(replica.Run("REPLICAOF NO ONE"), "+OK\r\n");
  EXPECT_EQ(replica.Run("DBSIZE"), ":0\r\n");
  EXPECT_EQ(replica.Run("SET a 1"), "+OK\r\n");
}

// Nor behind a crash: the mark tells of it.
TEST_F(RedisFollowerTest, BehindACrashKeysAndLibrariesOfALoadAreDropped) {
  replica.Run("SET a 1");
  replica.Run("FUNCTION LOAD \"" + std::string(kRdbLibrary) + "\"");
  replica.Stop();
  std::ofstream(MarkPath()) << "x";
  replica.Start();
  EXPECT_TRUE(Eventually([&] { return replica.Run("DBSIZE") == ":0\r\n"; }));
  EXPECT_EQ(replica.Run("FUNCTION LIST"), "*0\r\n");
  EXPECT_FALSE(std::filesystem::exists(MarkPath()));
  EXPECT_EQ(replica.Run("SET a 2"), "+OK\r\n");
}

TEST_F(RedisFollowerTest, DroppingALoadIsTriedUntilItSucceeds) {
  BeginEndlessLoad();
  // A mark that can't be removed.
  std::filesystem::remove(MarkPath());
  std::filesystem::create_directories(MarkPath() + "/in-the-way");
  EXPECT_EQ(replica.Run("REPLICAOF NO ONE"), "+OK\r\n");
  EXPECT_TRUE(replica.Run("GET a").starts_with("-LOADING"));
  std::filesystem::remove_all(MarkPath());
  EXPECT_TRUE(Eventually([&] { return replica.Run("DBSIZE") == ":0\r\n"; }));
  EXPECT_EQ(replica.Run("SET a 1"), "+OK\r\n");
}

TEST_F(RedisFollowerTest, EachLoadWritesItsMark) {
  BeginEndlessLoad();
  EXPECT_TRUE(std::filesystem::remove(MarkPath()));
  primary.Hang();
  Greet(FullResync(0));
  primary.Send("$1000\r\nREDIS0010" + RdbKey("b", "1"));
  EXPECT_TRUE(Eventually([&] { return std::filesystem::exists(MarkPath()); }));
}

// What began before is not told from data that are not whole.
TEST_F(RedisFollowerTest, AWalkThatMeetsALoadIsRefused) {
  replica.Run("SET old 1");
  std::latch release(1);
  replica.HoldReaders(release);
  TestClient walker = replica.Connect();
  walker.Send("DEBUG DIGEST");
  EXPECT_FALSE(walker.HasReply());
  BeginEndlessLoad();
  release.count_down();
  EXPECT_TRUE(walker.ReadReply().starts_with("-LOADING"));
}

TEST_F(RedisFollowerTest, AReplicaOfThisOneIsCutOffUntilTheLoadIsWhole) {
  Node leaf;
  replica.Run("SET old 1");
  ASSERT_TRUE(leaf.Joins(replica));
  const std::string full_before = replica.Info("stats", "sync_full");
  replica.Follow(primary.port());
  Greet(FullResync(0));
  const std::string file = RdbOf(RdbKey("a", "1") + RdbKey("b", "2"));
  primary.Send("$" + std::to_string(file.size()) + "\r\n" + file.substr(0, file.size() - 12));
  EXPECT_TRUE(Eventually([&] { return replica.Info("persistence", "loading") == "1"; }));
  EXPECT_TRUE(Eventually([&] {
    return leaf.Info("replication", "master_link_error").find("LOADING") != std::string::npos;
  }));
  EXPECT_EQ(leaf.Run("MGET old a"), "*2\r\n$1\r\n1\r\n$-1\r\n");
  primary.Send(file.substr(file.size() - 12));
  ASSERT_TRUE(IsUp());
  ASSERT_TRUE(Eventually([&] { return leaf.Run("MGET old b") == "*2\r\n$-1\r\n$1\r\n2\r\n"; }));
  EXPECT_EQ(std::stoi(replica.Info("stats", "sync_full")), std::stoi(full_before) + 1)
      << "the leaf took them as a whole";
}

// The DEL of what expires comes from the primary, which may think otherwise of it.
TEST_F(RedisFollowerTest, WhatHasExpiredWaitsForItsDeletion) {
  replica.Follow(primary.port());
  Greet(FullResync(0));
  // Had the time when the file was made.
  const std::string expiry("\xfc\x05\0\0\0\0\0\0\0", 9);
  SendFile(RdbOf(expiry + RdbKey("a", "1")));
  ASSERT_TRUE(IsUp());
  EXPECT_EQ(replica.Run("GET a"), "$-1\r\n");
  const std::string set = Wire({"SET", "b", "2", "PX", "1"}) + Wire({"PING"});
  primary.Send(set);
  EXPECT_TRUE(Reaches(set.size()));
  EXPECT_TRUE(Eventually([&] { return replica.Run("GET b") == "$-1\r\n"; }));
  EXPECT_EQ(replica.Run("DBSIZE"), ":2\r\n");
  const std::string keep = Wire({"PEXPIREAT", "b", "5"}) + Wire({"PERSIST", "b"});
  primary.Send(keep);
  EXPECT_TRUE(Reaches(set.size() + keep.size()));
  EXPECT_EQ(replica.Run("GET b"), "$1\r\n2\r\n");
}

// Nor do fields of hashes end by this server's clock.
TEST_F(RedisFollowerTest, FieldsThatHaveExpiredWaitForTheirDeletion) {
  FollowAFile();
  const std::string stream = Wire({"HSET", "h", "f", "1", "g", "1", "i", "1"}) +
                             Wire({"HPEXPIREAT", "h", "5", "FIELDS", "3", "f", "g", "i"}) +
                             Wire({"HPERSIST", "h", "FIELDS", "1", "f"}) +
                             Wire({"HINCRBY", "h", "g", "1"}) +
                             Wire({"HPERSIST", "h", "FIELDS", "1", "g"});
  primary.Send(stream);
  EXPECT_TRUE(Reaches(stream.size()));
  EXPECT_EQ(replica.Info("replication", "master_stream_errors"), "0");
  EXPECT_EQ(replica.Run("HMGET h f g i"), "*3\r\n$1\r\n1\r\n$1\r\n2\r\n$-1\r\n");
}

// PFCOUNT writes the count that it finds into the value.
TEST_F(RedisFollowerTest, AReaderOfTheStreamWritesWhatItDoesThere) {
  FollowAFile();
  const std::string stream = Wire({"PFADD", "h", "x"}) + Wire({"PFCOUNT", "h"});
  primary.Send(stream);
  EXPECT_TRUE(Reaches(stream.size()));
  const std::string count("\1\0\0\0\0\0\0\0", 8);
  EXPECT_EQ(replica.Run("GETRANGE h 8 15"), "$8\r\n" + count + "\r\n");
}

// What was queued before the load began shows nothing of what is half there.
TEST_F(RedisFollowerTest, ATransactionWaitsForTheWholeFile) {
  const auto queue = [&](TestClient& client, std::initializer_list<const char*> lines) {
    EXPECT_EQ(client.Run("MULTI"), "+OK\r\n");
    for (const char* const line : lines) EXPECT_EQ(client.Run(line), "+QUEUED\r\n") << line;
  };
  TestClient reads = replica.Connect(), scripts = replica.Connect(), rules = replica.Connect();
  queue(reads, {"PING", "GET a"});
  queue(scripts, {"CONFIG GET port", "EVAL 'return redis.call(\"get\",\"a\")' 0"});
  queue(rules, {"CONFIG GET port"});
  replica.Follow(primary.port());
  Greet(FullResync(0));
  primary.Send("$1000\r\nREDIS0010" + RdbKey("a", "1"));
  ASSERT_TRUE(Eventually([&] { return replica.Info("persistence", "loading") == "1"; }));
  const std::string refusal =
      "-EXECABORT Transaction discarded because of: LOADING Redis is loading the dataset in "
      "memory\r\n";
  EXPECT_EQ(reads.Run("EXEC"), refusal);
  EXPECT_EQ(scripts.Run("EXEC"), refusal);
  EXPECT_TRUE(rules.Run("EXEC").starts_with("*1\r\n*2\r\n"));
}

TEST_F(RedisFollowerTest, ATransactionIsNoWayToStaleData) {
  FollowAFile();
  TestClient client = replica.Connect();
  EXPECT_EQ(client.Run("MULTI"), "+OK\r\n");
  EXPECT_EQ(client.Run("GET a"), "+QUEUED\r\n");
  EXPECT_EQ(replica.Run("CONFIG SET replica-serve-stale-data no"), "+OK\r\n");
  primary.Hang();
  ASSERT_TRUE(
      Eventually([&] { return replica.Info("replication", "master_link_status") == "down"; }));
  EXPECT_EQ(client.Run("EXEC"),
            "-EXECABORT Transaction discarded because of: MASTERDOWN Link with MASTER is down and "
            "replica-serve-stale-data is set to 'no'.\r\n");
}

TEST_F(RedisFollowerTest, ErrorsOfTheStreamAreCounted) {
  FollowAFile();
  const std::string bad = Wire({"LPUSH", "a", "1"}) + Wire({"EVAL", "redis.call('nosuch')", "0"}) +
                          Wire({"EVAL", "return redis.error_reply('ERR syntax error')", "0"});
  primary.Send(bad);
  EXPECT_TRUE(Reaches(bad.size()));
  EXPECT_EQ(replica.Info("replication", "master_stream_errors"), "3");
}

// Not dropped for the sake of one that can't be had either.
TEST_F(RedisFollowerTest, DatabasesThatAreNotHereEndTheLink) {
  const auto is_refused = [&] {
    return HasLinkError("this server has 16 (databases)") &&
           replica.Run("ROLE").find("$7\r\nrefused\r\n") != std::string::npos;
  };
  FollowAFile();
  const std::string before = Wire({"INCR", "n"});
  primary.Send(before + Wire({"SELECT", "16"}) + Wire({"INCR", "n"}));
  ASSERT_TRUE(is_refused());
  EXPECT_EQ(replica.Run("MGET a n"), "*2\r\n$1\r\n1\r\n$1\r\n1\r\n");
  primary.Hang();
  replica.Follow(primary.port());
  EXPECT_EQ(Greet("+CONTINUE\r\n"),
            "PSYNC " + std::string(kId) + " " + std::to_string(before.size() + 1));
  ASSERT_TRUE(IsUp());
  primary.Hang();
  Greet(FullResync(0));
  SendFile(RdbOf("\xfe\x10" + RdbKey("b", "1")));
  EXPECT_TRUE(HasLinkError("a database 16"));
  EXPECT_TRUE(
      Eventually([&] { return replica.Run("MGET a n") == "*2\r\n$1\r\n1\r\n$1\r\n1\r\n"; }));
  EXPECT_NE(replica.Run("ROLE").find("$7\r\nrefused\r\n"), std::string::npos);
}

// Another try would find it with a client's first write, and take that for the data.
TEST_F(RedisFollowerTest, AnEmptyOneIsRefusedForGood) {
  FollowAFile();
  primary.Hang();
  Greet(FullResync(0));
  SendFile(RdbOf(""));
  ASSERT_TRUE(HasLinkError("replica-accept-empty-primary"));
  EXPECT_NE(replica.Run("ROLE").find("$7\r\nrefused\r\n"), std::string::npos);
  EXPECT_EQ(replica.Run("GET a"), "$1\r\n1\r\n");
  EXPECT_FALSE(primary.IsAskedAgain());
}

// What is behind it is not applied, and what was applied stays: REPLICAOF asks for just that again.
TEST_F(RedisFollowerTest, ACommandThatIsNotKnownEndsTheLink) {
  const struct {
    std::string wire;
    std::string name;
  } cases[] = {
      {Wire({"module.thing", "a"}), "MODULE.THING, which is not known here"},
      {Wire({"XGROUP", "NO\nSUCH", "a"}), "XGROUP NO?SUCH, which is not known here"},
      {Wire({"SET", "a", "2", "NOSUCH"}), "SET in a form that is not known here"},
      {Wire({"INCR", "a", "1"}), "INCR in a form that is not known here"},
      {Wire({"XADD", "s", "NOSUCH", "1-1", "f", "v"}), "XADD in a form that is not known here"},
      {Wire({"MULTI"}) + Wire({"INCR", "a"}) + Wire({"module.thing", "a"}) + Wire({"EXEC"}),
       "MODULE.THING, which is not known here"},
  };
  FollowAFile();
  uint64_t offset = 0;
  for (const auto& one : cases) {
    const std::string before = Wire({"INCR", "n"});
    primary.Send(before + one.wire + Wire({"INCR", "n"}));
    ASSERT_TRUE(HasLinkError("the primary sends " + one.name)) << one.name;
    offset += before.size();
    EXPECT_EQ(replica.Info("replication", "slave_repl_offset"), std::to_string(offset));
    EXPECT_EQ(replica.Info("replication", "master_link_status"), "down");
    EXPECT_EQ(replica.Info("replication", "master_stream_errors"), "0");
    EXPECT_NE(replica.Run("ROLE").find("$7\r\nrefused\r\n"), std::string::npos);
    primary.Hang();
    replica.Follow(primary.port());
    EXPECT_EQ(Greet("+CONTINUE\r\n"),
              "PSYNC " + std::string(kId) + " " + std::to_string(offset + 1));
    ASSERT_TRUE(IsUp());
  }
  EXPECT_EQ(replica.Run("MGET a n"), "*2\r\n$1\r\n1\r\n$1\r\n6\r\n");
}

// A server that knows the command goes on with it.
TEST_F(RedisFollowerTest, TheCommandThatWasNotKnownIsAskedForBehindARestart) {
  FollowAFile();
  const std::string before = Wire({"SET", "b", "2"});
  primary.Send(before + Wire({"module.thing", "a"}) + Wire({"SET", "c", "3"}));
  ASSERT_TRUE(HasLinkError("MODULE.THING"));
  replica.Stop();
  primary.Hang();
  replica.Start();
  EXPECT_EQ(replica.Run("MGET a b c"), "*3\r\n$1\r\n1\r\n$1\r\n2\r\n$-1\r\n");
  replica.Follow(primary.port());
  EXPECT_EQ(Greet("+CONTINUE\r\n"),
            "PSYNC " + std::string(kId) + " " + std::to_string(before.size() + 1));
}

// The others of its transaction were applied: no place in the stream is that.
TEST_F(RedisFollowerTest, ACommandThatIsNotKnownWithinExecEndsTheStream) {
  FollowAFile();
  primary.Send(Wire({"MULTI"}) + Wire({"LPUSH", "a", "1"}) + Wire({"SET", "b", "2", "NOSUCH"}) +
               Wire({"SET", "c", "3"}) + Wire({"EXEC"}) + Wire({"SET", "d", "4"}));
  ASSERT_TRUE(HasLinkError("the primary sends SET in a form that is not known here"));
  EXPECT_EQ(replica.Run("MGET b c d"), "*3\r\n$-1\r\n$1\r\n3\r\n$-1\r\n");
  primary.Hang();
  replica.Follow(primary.port());
  EXPECT_EQ(Greet(FullResync(0)), "PSYNC ? -1");
}

TEST_F(RedisFollowerTest, ADatabaseThatIsNotHereEndsATransactionUnapplied) {
  FollowAFile();
  primary.Send(Wire({"MULTI"}) + Wire({"SELECT", "99"}) + Wire({"SET", "lost", "1"}) +
               Wire({"EXEC"}));
  EXPECT_TRUE(HasLinkError("SELECT 99: this server has 16"));
  EXPECT_EQ(replica.Run("EXISTS lost"), ":0\r\n");
  primary.Hang();
  replica.Follow(primary.port());
  EXPECT_EQ(Greet("+CONTINUE\r\n"), "PSYNC " + std::string(kId) + " 1");
}

// Its libraries alone are no data.
TEST_F(RedisFollowerTest, ARedisWithLibrariesOnlyDoesNotReplaceData) {
  replica.Run("SET mine 1");
  replica.Follow(primary.port());
  Greet(FullResync(0));
  SendFile(RdbOf(RdbLibrary()));
  EXPECT_TRUE(HasLinkError("no data"));
  EXPECT_EQ(replica.Run("GET mine"), "$1\r\n1\r\n");
  EXPECT_EQ(replica.Run("FUNCTION LIST"), "*0\r\n");
}

TEST_F(RedisFollowerTest, LibrariesComeWithTheirKeys) {
  replica.Run("SET mine 1");
  replica.Follow(primary.port());
  Greet(FullResync(0));
  const std::string idle("\xf8\x0a", 2);
  SendFile(RdbOf(RdbLibrary() + idle + RdbKey("a", "1")));
  ASSERT_TRUE(IsUp());
  EXPECT_EQ(replica.Run("FCALL_RO f 0"), ":7\r\n");
  const int idle_s = std::stoi(replica.Run("OBJECT IDLETIME a").substr(1));
  EXPECT_TRUE(idle_s >= 10 && idle_s < 1000) << idle_s;
  EXPECT_EQ(replica.Run("EXISTS mine"), ":0\r\n");
}

TEST_F(RedisFollowerTest, AnEmptyRedisDoesNotReplaceData) {
  replica.Run("SET mine 1");
  replica.Follow(primary.port());
  Greet(FullResync(0));
  SendFile(RdbOf(""));
  EXPECT_TRUE(Eventually([&] {
    return replica.Info("replication", "master_link_error").find("no data") != std::string::npos;
  }));
  EXPECT_EQ(replica.Run("GET mine"), "$1\r\n1\r\n");
}

}  // namespace
}  // namespace hearth
