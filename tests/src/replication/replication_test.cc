// Several servers of this process that replicate: partial and full resyncs, cascades, promotions,
// and what a replica refuses.
#include "src/replication/replication.h"

#include <filesystem>
#include <fstream>

#include "engine/replica_id.h"
#include "tests/src/replication/node.h"

namespace hearth {
namespace {

constexpr char kReadOnly[] = "-READONLY You can't write against a read only replica.\r\n";

void WriteSome(Node& node, int count, const std::string& prefix = "key") {
  for (int i = 0; i < count; ++i) {
    const std::string n = std::to_string(i);
    node.Run("SET " + prefix + n + " value" + n);
    node.Run("RPUSH list" + prefix + " " + n);
    node.Run("HSET hash" + prefix + " f" + n + " " + n);
    node.Run("ZADD zset" + prefix + " " + n + " m" + n);
  }
}

TEST(ReplicationTest, AReplicaGetsEverythingAndFollows) {
  Node primary, replica;
  WriteSome(primary, 50);
  primary.Run("SELECT 3");
  primary.Run("SET other 1 EX 1000");
  primary.Run("SELECT 0");
  replica.Run("SET mine 1");
  ASSERT_TRUE(replica.Joins(primary));
  EXPECT_EQ(replica.Digest(), primary.Digest());
  EXPECT_EQ(replica.Run("EXISTS mine"), ":0\r\n");
  WriteSome(primary, 50, "later");
  primary.Run("MULTI");
  primary.Run("DEL key1");
  primary.Run("SWAPDB 0 3");
  primary.Run("EXEC");
  primary.Run("FLUSHDB");
  ASSERT_TRUE(replica.CatchesUp(primary));
  EXPECT_EQ(replica.Digest(), primary.Digest());
  EXPECT_EQ(replica.Run("DEBUG VERIFY-STORE"), "+OK\r\n");
  EXPECT_EQ(primary.Info("stats", "sync_full"), "1");
  primary.Run("CONFIG RESETSTAT");
  EXPECT_EQ(primary.Info("stats", "sync_full"), "0");
}

TEST(ReplicationTest, InfoAndRoleTellBothSides) {
  Node primary, replica({"--replica-priority", "42"});
  primary.Run("SET a 1");
  ASSERT_TRUE(replica.Joins(primary));
  const std::string seq = std::to_string(primary.seq());
  ASSERT_TRUE(Eventually([&] {
    return primary.Info("replication", "slave0") ==
           "ip=127.0.0.1,port=" + replica.port_text() + ",state=online,offset=" + seq + ",lag=0";
  })) << primary.RunText("INFO replication");
  EXPECT_EQ(primary.Info("replication", "role"), "master");
  EXPECT_EQ(primary.Info("replication", "connected_slaves"), "1");
  EXPECT_EQ(primary.Info("replication", "repl_backlog_active"), "1");
  EXPECT_EQ(primary.Info("clients", "connected_clients"), "1");
  EXPECT_EQ(primary.Run("ROLE"), "*3\r\n" + WireBulk("master") + ":" + seq + "\r\n*1\r\n" +
                                     WireArray({"127.0.0.1", replica.port_text(), seq}));
  EXPECT_EQ(replica.Run("ROLE"), "*5\r\n" + WireBulk("slave") + WireBulk("127.0.0.1") + ":" +
                                     primary.port_text() + "\r\n" + WireBulk("connected") + ":" +
                                     seq + "\r\n");
  EXPECT_EQ(replica.Info("replication", "role"), "slave");
  EXPECT_EQ(replica.Info("replication", "master_host"), "127.0.0.1");
  EXPECT_EQ(replica.Info("replication", "master_port"), primary.port_text());
  EXPECT_EQ(replica.Info("replication", "master_sync_in_progress"), "0");
  EXPECT_EQ(replica.Info("replication", "slave_repl_offset"), seq);
  EXPECT_EQ(replica.Info("replication", "slave_priority"), "42");
  EXPECT_EQ(replica.Info("replication", "slave_read_only"), "1");
  EXPECT_EQ(replica.Info("replication", "master_replid"),
            primary.Info("replication", "master_replid"));
  EXPECT_NE(primary.RunText("CLIENT LIST TYPE replica").find(" flags=S "), std::string::npos);
  EXPECT_NE(replica.RunText("CLIENT LIST TYPE master").find(" flags=M "), std::string::npos);
}

TEST(ReplicationTest, AReplicaIsReadOnlyUntilItIsPromoted) {
  Node primary, replica;
  primary.Run("SET a 1");
  ASSERT_TRUE(replica.Joins(primary));
  EXPECT_EQ(replica.Run("SET a 2"), kReadOnly);
  EXPECT_EQ(replica.Run("FLUSHALL"), kReadOnly);
  EXPECT_EQ(replica.Run("GET a"), "$1\r\n1\r\n");
  replica.Run("MULTI");
  EXPECT_EQ(replica.Run("SET a 2"), kReadOnly);
  EXPECT_EQ(replica.Run("EXEC"),
            "-EXECABORT Transaction discarded because of previous errors.\r\n");
  const std::string id = replica.Info("replication", "master_replid");
  const uint64_t seq = replica.seq();
  EXPECT_EQ(replica.Run("REPLICAOF NO ONE"), "+OK\r\n");
  EXPECT_EQ(replica.Run("SET a 2"), "+OK\r\n");
  EXPECT_EQ(replica.Info("replication", "role"), "master");
  EXPECT_NE(replica.Info("replication", "master_replid"), id);
  EXPECT_EQ(replica.Info("replication", "master_replid2"), id);
  EXPECT_EQ(replica.Info("replication", "second_repl_offset"), std::to_string(seq + 1));
  EXPECT_EQ(primary.Run("GET a"), "$1\r\n1\r\n");
}

// Neither a cut nor a restart of either side needs a full resync.
TEST(ReplicationTest, RestartsResumeWhereTheyWere) {
  Node primary, replica;
  WriteSome(primary, 20);
  ASSERT_TRUE(replica.Joins(primary));
  const std::string of = "127.0.0.1 " + primary.port_text();
  replica.Stop();
  WriteSome(primary, 20, "while-away");
  replica.Start({"--replicaof", "127.0.0.1", primary.port_text()});
  EXPECT_EQ(replica.Run("CONFIG GET replicaof"), WireArray({"replicaof", of}));
  ASSERT_TRUE(replica.CatchesUp(primary));
  EXPECT_EQ(primary.Info("stats", "sync_full"), "1");
  EXPECT_EQ(primary.Info("stats", "sync_partial_ok"), "2");  // one behind the full resync
  primary.Stop();
  EXPECT_TRUE(
      Eventually([&] { return replica.Info("replication", "master_link_status") == "down"; }));
  EXPECT_EQ(replica.Run("GET key1"), "$6\r\nvalue1\r\n");
  primary.Start();
  WriteSome(primary, 20, "after");
  ASSERT_TRUE(replica.CatchesUp(primary));
  EXPECT_EQ(replica.Digest(), primary.Digest());
  EXPECT_EQ(primary.Info("stats", "sync_full"), "0");
  // Killed links too.
  EXPECT_EQ(primary.Run("CLIENT KILL TYPE replica"), ":1\r\n");
  WriteSome(primary, 5, "killed");
  ASSERT_TRUE(replica.CatchesUp(primary));
  EXPECT_EQ(replica.Run("CLIENT KILL TYPE master"), ":1\r\n");
  WriteSome(primary, 5, "dropped");
  ASSERT_TRUE(replica.CatchesUp(primary));
  EXPECT_EQ(replica.Digest(), primary.Digest());
  EXPECT_EQ(primary.Info("stats", "sync_full"), "0");
}

// A slot belongs to a replica, not to the address that it comes from.
TEST(ReplicationTest, AReplicaFindsItsSlotFromAnotherAddress) {
  Node primary, replica({"--replica-announce-port", "1111"});
  ASSERT_TRUE(replica.Joins(primary));
  const auto slots = [&] {  // without that of the checkpoint
    auto all = primary.server().engine().feed().Slots();
    std::erase_if(all, [](const auto& slot) { return slot.name.starts_with("checkpoint-"); });
    return all;
  };
  ASSERT_EQ(slots().size(), 1u);
  const std::string name = slots()[0].name;
  EXPECT_TRUE(IsReplicaId(name));
  const auto is_told = [&](const std::string& address) {
    return primary.RunText("INFO replication").find(",replica=" + address + "\r\n") !=
           std::string::npos;
  };
  EXPECT_TRUE(is_told("127.0.0.1:1111"));
  replica.Stop();
  WriteSome(primary, 20);
  replica.Start({"--replicaof", "127.0.0.1", primary.port_text(), "--replica-announce-port", "2222",
                 "--replica-announce-ip", "other"});
  ASSERT_TRUE(replica.CatchesUp(primary));
  ASSERT_EQ(slots().size(), 1u);
  EXPECT_EQ(slots()[0].name, name);
  EXPECT_TRUE(is_told("other:2222"));
  EXPECT_EQ(primary.Info("stats", "sync_full"), "1");
}

// Nothing syncs its log, but what is in the files of its store is kept.
TEST(ReplicationTest, TheSlotOfAReplicaThatNeverSyncsMoves) {
  for (const std::vector<std::string>& directives :
       {std::vector<std::string>{"--appendfsync", "no"}, {"--appendonly", "no"}}) {
    Node primary, replica(directives);
    ASSERT_TRUE(replica.Joins(primary));
    WriteSome(primary, 20);
    ASSERT_TRUE(replica.CatchesUp(primary));
    const uint64_t seq = primary.seq();
    ASSERT_TRUE(replica.server().engine().store().Flush(/*wait=*/true).ok());
    EXPECT_TRUE(Eventually([&] {
      for (const auto& slot : primary.server().engine().feed().Slots()) {
        if (IsReplicaId(slot.name)) return slot.confirmed_seq >= seq;
      }
      return false;
    }));
  }
}

// A ring of a few bytes: what is missed comes from the WAL files.
TEST(ReplicationTest, WhatTheRingLacksComesFromTheLog) {
  Node primary({"--repl-backlog-size", "1000"}), replica;
  ASSERT_TRUE(replica.Joins(primary));
  replica.Stop();
  WriteSome(primary, 300);
  primary.Run("SET big " + std::string(300'000, 'x'));
  WriteSome(primary, 50, "more");
  replica.Start({"--replicaof", "127.0.0.1", primary.port_text()});
  ASSERT_TRUE(replica.CatchesUp(primary));
  EXPECT_EQ(replica.Digest(), primary.Digest());
  EXPECT_EQ(primary.Info("stats", "sync_full"), "1");
}

// Evictions are groups too: a ring that takes all of the memory leaves none to evict for.
TEST(ReplicationTest, TheRingTakesASmallPartOfLimitedMemory) {
  Node primary({"--maxmemory", "9mb"}), replica;
  ASSERT_TRUE(replica.Joins(primary));
  for (int i = 0; i < 10; ++i) primary.Run("SET big " + std::string(300'000, 'x'));
  ASSERT_TRUE(replica.CatchesUp(primary));
  EXPECT_EQ(primary.Info("replication", "repl_backlog_size"), std::to_string((9 << 20) / 8));
  EXPECT_LE(std::stoi(primary.Info("memory", "mem_replication_backlog")), (9 << 20) / 8);
  EXPECT_GT(std::stoi(primary.Info("memory", "mem_replication_backlog")), 500'000);
  primary.Run("CONFIG SET maxmemory 1mb");
  EXPECT_EQ(primary.Info("replication", "repl_backlog_size"), std::to_string(1 << 20));
  primary.Run("CONFIG SET maxmemory 0");
  EXPECT_EQ(primary.Info("replication", "repl_backlog_size"), std::to_string(64 << 20));
  for (int i = 0; i < 10; ++i) primary.Run("SET big " + std::string(300'000, 'y'));
  EXPECT_GT(std::stoi(primary.Info("memory", "mem_replication_backlog")), 3'000'000);
}

TEST(ReplicationTest, AServerDoesNotFollowItself) {
  Node node;
  WriteSome(node, 10);
  EXPECT_EQ(node.Run("REPLICAOF 127.0.0.1 " + std::string(node.port_text())), "+OK\r\n");
  EXPECT_TRUE(Eventually([&] {
    return node.Info("replication", "master_link_error") ==
           "PSYNC: -ERR a server does not follow itself";
  }));
  EXPECT_EQ(node.Info("replication", "master_link_status"), "down");
  EXPECT_EQ(node.Info("replication", "connected_slaves"), "0");
  EXPECT_EQ(node.Run("REPLICAOF NO ONE"), "+OK\r\n");
  EXPECT_EQ(node.Run("SET a 1"), "+OK\r\n");
}

TEST(ReplicationTest, ReplicasOfReplicas) {
  Node top, middle, leaf;
  WriteSome(top, 10);
  ASSERT_TRUE(middle.Joins(top));
  ASSERT_TRUE(leaf.Joins(middle));
  WriteSome(top, 30, "through");
  ASSERT_TRUE(leaf.CatchesUp(top));
  EXPECT_EQ(leaf.Digest(), top.Digest());
  // The middle one is promoted: the leaf goes on with it, without a full resync.
  top.Stop();
  EXPECT_EQ(middle.Run("REPLICAOF NO ONE"), "+OK\r\n");
  WriteSome(middle, 10, "promoted");
  ASSERT_TRUE(leaf.CatchesUp(middle));
  EXPECT_EQ(leaf.Digest(), middle.Digest());
  EXPECT_EQ(middle.Info("stats", "sync_full"), "1");
}

// Promotion: the other replica and the old primary follow the new one by partial resyncs.
TEST(ReplicationTest, AfterAPromotionTheOthersFollowPartially) {
  Node old_primary, promoted, other;
  WriteSome(old_primary, 10);
  promoted.Follow(old_primary);
  other.Follow(old_primary);
  ASSERT_TRUE(promoted.CatchesUp(old_primary));
  ASSERT_TRUE(other.CatchesUp(old_primary));
  EXPECT_EQ(promoted.Run("REPLICAOF NO ONE"), "+OK\r\n");
  WriteSome(promoted, 10, "new");
  other.Follow(promoted);
  old_primary.Follow(promoted);
  ASSERT_TRUE(other.CatchesUp(promoted));
  ASSERT_TRUE(old_primary.CatchesUp(promoted));
  EXPECT_EQ(other.Digest(), promoted.Digest());
  EXPECT_EQ(old_primary.Digest(), promoted.Digest());
  EXPECT_EQ(promoted.Info("stats", "sync_full"), "0");
  EXPECT_EQ(promoted.Info("stats", "sync_partial_ok"), "2");
}

// An old primary with writes of its own gives them up, but not without writing them down.
TEST(ReplicationTest, WhatAnOldPrimaryHasAloneIsWrittenDown) {
  Node old_primary, promoted;
  old_primary.Run("SET shared 1");
  ASSERT_TRUE(promoted.Joins(old_primary));
  EXPECT_EQ(promoted.Run("REPLICAOF NO ONE"), "+OK\r\n");
  old_primary.Run("SET only-here lost-otherwise");
  promoted.Run("SET new 1");
  ASSERT_TRUE(old_primary.Joins(promoted));
  EXPECT_EQ(old_primary.Digest(), promoted.Digest());
  EXPECT_EQ(old_primary.Run("EXISTS only-here"), ":0\r\n");
  std::string found;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(old_primary.folder())) {
    const std::string name = entry.path().filename();
    if (!name.starts_with("diverged-") || !name.ends_with(".rows")) continue;
    std::ifstream file(entry.path());
    found.assign(std::istreambuf_iterator<char>(file), {});
  }
  EXPECT_NE(found.find("only-here"), std::string::npos) << found;
  EXPECT_NE(found.find("lost-otherwise"), std::string::npos) << found;
  EXPECT_EQ(promoted.Info("stats", "sync_full"), "1");
}

// A primary that lost its data does not empty its replica, unless that is asked for.
TEST(ReplicationTest, AnEmptyPrimaryIsRefused) {
  Node primary, replica;
  WriteSome(primary, 5);
  ASSERT_TRUE(replica.Joins(primary));
  const std::string digest = replica.Digest();
  primary.Stop();
  primary.Wipe();
  primary.Start();
  ASSERT_TRUE(Eventually([&] { return replica.Run("ROLE").find("refused") != std::string::npos; }))
      << replica.Run("ROLE");
  EXPECT_NE(replica.Info("replication", "master_link_error").find("replica-accept-empty-primary"),
            std::string::npos);
  EXPECT_EQ(replica.Info("replication", "master_link_status"), "down");
  EXPECT_EQ(replica.Digest(), digest);
  EXPECT_EQ(replica.Run("GET key1"), "$6\r\nvalue1\r\n");
  EXPECT_EQ(replica.Run("CONFIG SET replica-accept-empty-primary yes"), "+OK\r\n");
  ASSERT_TRUE(replica.Joins(primary));
  EXPECT_EQ(replica.Run("DBSIZE"), ":0\r\n");
}

bool IsRefused(Node& replica, const std::string& why) {
  return Eventually([&] {
    return replica.Run("ROLE").find("$7\r\nrefused\r\n") != std::string::npos &&
           replica.Info("replication", "master_link_error").find(why) != std::string::npos;
  });
}

// The first write of a client does not make an emptied primary one that may empty others.
TEST(ReplicationTest, WhatWasRefusedStaysRefused) {
  Node primary, replica;
  WriteSome(primary, 5);
  ASSERT_TRUE(replica.Joins(primary));
  const std::string digest = replica.Digest();
  primary.Stop();
  primary.Wipe();
  primary.Start();
  ASSERT_TRUE(IsRefused(replica, "the primary is empty"));
  for (int i = 0; i < 100; ++i) primary.Run("SET new" + std::to_string(i) + " 1");
  ASSERT_TRUE(IsRefused(replica, "the primary has lost its data"));
  EXPECT_EQ(replica.Digest(), digest);
  ASSERT_TRUE(replica.Joins(primary)) << "as the operator wants it";
  EXPECT_EQ(replica.Run("DBSIZE"), ":100\r\n");
}

// A restart asks for nothing that was not asked for before.
TEST(ReplicationTest, WhatWasRefusedStaysRefusedOverARestart) {
  Node primary, replica;
  WriteSome(primary, 5);
  ASSERT_TRUE(replica.Joins(primary));
  const std::string digest = replica.Digest();
  const std::vector<std::string> follows = {"--replicaof", "127.0.0.1 " + primary.port_text()};
  replica.Stop();
  replica.Start(follows);
  ASSERT_TRUE(replica.CatchesUp(primary));
  primary.Stop();
  primary.Wipe();
  replica.Stop();
  primary.Start();
  primary.Run("SET first 1");
  replica.Start(follows);
  ASSERT_TRUE(IsRefused(replica, "the primary has lost its data"));
  for (int i = 0; i < 100; ++i) primary.Run("SET new" + std::to_string(i) + " 1");
  replica.Stop();
  replica.Start(follows);
  ASSERT_TRUE(IsRefused(replica, "the primary has lost its data")) << "although it has more by now";
  EXPECT_EQ(replica.Digest(), digest);
  ASSERT_TRUE(replica.Joins(primary)) << "as the operator wants it";
  EXPECT_EQ(replica.Run("DBSIZE"), ":101\r\n");
}

// It may be written to before the replica comes back.
TEST(ReplicationTest, APrimaryThatSuddenlyHasLessIsRefused) {
  Node primary, replica, lost;
  WriteSome(primary, 5);
  ASSERT_TRUE(replica.Joins(primary));
  const std::string digest = replica.Digest();
  primary.Stop();
  lost.Run("SET first 1");
  EXPECT_EQ(lost.Run("CONFIG SET port " + primary.port_text()), "+OK\r\n");
  ASSERT_TRUE(IsRefused(replica, "the primary has lost its data"));
  EXPECT_EQ(replica.Digest(), digest);
  replica.Follow(primary.port());
  EXPECT_TRUE(Eventually([&] { return replica.Run("GET first") == "$1\r\n1\r\n"; }));
}

// It has lost nothing: it was sent to other data, and less.
TEST(ReplicationTest, AReplicaThatChangesItsPrimaryTakesItsOwnReplicasAlong) {
  Node primary, middle, last, other;
  WriteSome(primary, 20);
  ASSERT_TRUE(middle.Joins(primary));
  ASSERT_TRUE(last.Joins(middle));
  other.Run("SET only 1");
  ASSERT_TRUE(middle.Joins(other));
  EXPECT_TRUE(last.CatchesUp(middle)) << last.Run("INFO replication");
  EXPECT_EQ(last.Run("DBSIZE"), ":1\r\n");
}

TEST(ReplicationTest, DatabasesThatAreNotHereAreRefused) {
  Node replica({"--databases", "4"}), late({"--databases", "4"});
  Node primary;  // the last: commands of all servers of a process go by its count
  WriteSome(primary, 5);
  ASSERT_TRUE(replica.Joins(primary));
  const std::string digest = replica.Digest();
  TestClient client = primary.Connect();
  client.Run("SELECT 10");
  EXPECT_EQ(client.Run("SET high 1"), "+OK\r\n");
  ASSERT_TRUE(IsRefused(replica, "'databases'"));
  EXPECT_EQ(replica.Digest(), digest);
}

// Their files are not taken either.
TEST(ReplicationTest, ACheckpointWithDatabasesThatAreNotHereIsRefused) {
  Node replica({"--databases", "4"});
  Node primary;
  TestClient client = primary.Connect();
  client.Run("SELECT 10");
  EXPECT_EQ(client.Run("SET high 1"), "+OK\r\n");
  replica.Run("SET own 1");
  replica.Follow(primary);
  ASSERT_TRUE(IsRefused(replica, "'databases'"));
  EXPECT_EQ(replica.Run("GET own"), "$1\r\n1\r\n");
}

TEST(ReplicationTest, AReplicaHidesWhatHasExpired) {
  Node primary, replica;
  replica.Follow(primary);
  primary.Run("DEBUG SET-ACTIVE-EXPIRE 0");
  primary.Run("SET short 1 PX 30");
  primary.Run("SET long 1 EX 1000");
  ASSERT_TRUE(replica.CatchesUp(primary));
  ASSERT_TRUE(Eventually([&] { return replica.Run("GET short") == "$-1\r\n"; }));
  EXPECT_EQ(replica.Run("EXISTS short"), ":0\r\n");
  EXPECT_EQ(replica.Run("GET long"), "$1\r\n1\r\n");
  EXPECT_EQ(replica.seq(), primary.seq());  // and has deleted nothing by itself
}

TEST(ReplicationTest, StaleReadsAreRefusedWhenSoConfigured) {
  Node primary, replica({"--replica-serve-stale-data", "no"});
  primary.Run("SET a 1");
  ASSERT_TRUE(replica.Joins(primary));
  EXPECT_EQ(replica.Run("GET a"), "$1\r\n1\r\n");
  primary.Stop();
  const std::string down =
      "-MASTERDOWN Link with MASTER is down and replica-serve-stale-data is set to 'no'.\r\n";
  EXPECT_TRUE(Eventually([&] { return replica.Run("GET a") == down; }));
  EXPECT_EQ(replica.Run("PING"), down);
  EXPECT_TRUE(replica.Run("INFO").starts_with("$"));
}

TEST(ReplicationTest, ScriptsDoNotWriteOnAReplica) {
  Node primary, replica;
  ASSERT_TRUE(replica.Joins(primary));
  const std::string refusal = "-READONLY You can't write against a read only replica.";
  const std::string by_call = replica.Run("EVAL \"return redis.call('set','a','b')\" 0");
  EXPECT_TRUE(by_call.starts_with(refusal + " script: ")) << by_call;
  EXPECT_EQ(replica.Info("errorstats", "errorstat_READONLY"), "count=1");
  EXPECT_EQ(replica.Run("EVAL \"#!lua\\nreturn 1\" 0"), refusal + "\r\n");
  EXPECT_EQ(replica.Run("EVAL \"#!lua flags=no-writes\\nreturn 1\" 0"), ":1\r\n");
}

TEST(ReplicationTest, ScriptsAreNoWayToStaleData) {
  Node primary, replica({"--replica-serve-stale-data", "no"});
  primary.RunText(
      "FUNCTION LOAD \"#!lua name=l\\nredis.register_function{function_name='f',"
      "callback=function() return 1 end,flags={'no-writes'}}\"");
  ASSERT_TRUE(replica.Joins(primary));
  primary.Stop();
  const std::string down =
      "-MASTERDOWN Link with MASTER is down and replica-serve-stale-data is set to 'no'.\r\n";
  ASSERT_TRUE(Eventually([&] { return replica.Run("GET a") == down; }));
  const auto stale = [](const std::string& call) {
    return "EVAL \"#!lua flags=allow-stale,no-writes\\nreturn redis." + call + "\" 0";
  };
  const std::string refusal = "-ERR Can not execute the command on a stale replica";
  EXPECT_EQ(replica.Run("EVAL 'return 1' 0"), down);
  EXPECT_EQ(replica.Run("EVAL_RO 'return 1' 0"), down);
  EXPECT_EQ(replica.Run("EVAL \"#!lua flags=no-writes\\nreturn 1\" 0"), down);
  EXPECT_EQ(replica.Run("FCALL f 0"), down);
  EXPECT_TRUE(replica.Run(stale("call('get','a')")).starts_with(refusal + " script: "));
  EXPECT_EQ(replica.Run(stale("pcall('get','a')")), refusal + "\r\n");
  EXPECT_EQ(replica.Run(stale("call('echo','a')")), WireBulk("a"));
  TestClient client = replica.Connect();
  client.Run("MULTI");
  EXPECT_EQ(client.Run("EVAL 'return 1' 0"), "+QUEUED\r\n");
  EXPECT_EQ(client.Run(stale("pcall('get','a')")), "+QUEUED\r\n");
  EXPECT_EQ(client.Run("EXEC"), "*2\r\n" + down + refusal + "\r\n");
}

TEST(ReplicationTest, WritesWantGoodReplicas) {
  Node primary({"--min-replicas-to-write", "1", "--min-replicas-max-lag", "10"}), replica;
  const std::string refusal = "-NOREPLICAS Not enough good replicas to write.\r\n";
  EXPECT_EQ(primary.Run("SET a 1"), refusal);
  EXPECT_EQ(primary.Run("GET a"), "$-1\r\n");
  replica.Follow(primary);
  EXPECT_TRUE(Eventually([&] { return primary.Run("SET a 1") == "+OK\r\n"; }));
  EXPECT_EQ(primary.Info("replication", "min_slaves_good_slaves"), "1");
  replica.Stop();
  EXPECT_TRUE(Eventually([&] { return primary.Run("SET a 1") == refusal; }));
  EXPECT_EQ(primary.Run("CONFIG SET min-replicas-to-write 0"), "+OK\r\n");
  EXPECT_EQ(primary.Run("SET a 1"), "+OK\r\n");
}

TEST(ReplicationTest, APasswordIsGiven) {
  Node primary({"--requirepass", "secret"});
  Node replica;
  TestClient admin = primary.Connect();
  EXPECT_EQ(admin.Run("AUTH secret"), "+OK\r\n");
  admin.Run("SET a 1");
  replica.Follow(primary);
  EXPECT_TRUE(Eventually([&] {
    return replica.Info("replication", "master_link_error").find("masterauth") != std::string::npos;
  }));
  EXPECT_EQ(replica.Run("CONFIG SET masterauth secret"), "+OK\r\n");
  EXPECT_TRUE(Eventually([&] { return replica.Run("GET a") == "$1\r\n1\r\n"; }));
}

TEST(ReplicationTest, BlockedClientsAreToldOfTheChange) {
  Node primary, replica;
  TestClient blocked = replica.Connect();
  blocked.Send("BLPOP nothing 0");
  EXPECT_TRUE(Eventually([&] { return replica.Info("clients", "blocked_clients") == "1"; }));
  replica.Follow(primary);
  EXPECT_EQ(blocked.ReadReply(),
            "-UNBLOCKED force unblock from blocking operation, instance state changed (master -> "
            "replica?)\r\n");
  EXPECT_EQ(blocked.ReadToEnd(), "");
  // A reader may wait on a replica.
  ASSERT_TRUE(replica.CatchesUp(primary));
  TestClient reader = replica.Connect();
  reader.Send("XREAD BLOCK 0 STREAMS s $");
  EXPECT_TRUE(Eventually([&] { return replica.Info("clients", "blocked_clients") == "1"; }));
  primary.Run("XADD s 1-1 f v");
  EXPECT_NE(reader.ReadReply().find("1-1"), std::string::npos);
}

TEST(ReplicationTest, PublishedMessagesReachSubscribersOfReplicas) {
  Node primary, replica, leaf;
  ASSERT_TRUE(replica.Joins(primary));
  leaf.Follow(replica);
  ASSERT_TRUE(leaf.CatchesUp(primary));
  TestClient subscriber = leaf.Connect();
  subscriber.Run("SUBSCRIBE news");
  primary.Run("PUBLISH news hello");
  EXPECT_EQ(subscriber.ReadReply(), WireArray({"message", "news", "hello"}));
}

TEST(ReplicationTest, TheRoleIsKeptByConfigRewriteOnly) {
  Node primary;
  TemporaryFolder folder;
  const std::string file = folder.path() + "/hearth.conf";
  std::ofstream(file) << "# mine\n";
  Node replica({file});
  replica.Follow(primary);
  EXPECT_EQ(replica.Run("CONFIG REWRITE"), "+OK\r\n");
  replica.Stop();
  replica.Start({file});
  EXPECT_EQ(replica.Info("replication", "role"), "slave");
  EXPECT_EQ(replica.Run("REPLICAOF NO ONE"), "+OK\r\n");
  EXPECT_EQ(replica.Run("CONFIG REWRITE"), "+OK\r\n");
  std::ifstream in(file);
  const std::string text(std::istreambuf_iterator<char>(in), {});
  EXPECT_EQ(text.find("replicaof"), std::string::npos) << text;
}

// The files of a full resync are taken up where they were cut; the rate is kept meanwhile.
TEST(ReplicationTest, AFullResyncGoesOnBehindACut) {
  Node primary({"--repl-full-sync-rate", "2mb"}), replica;
  replica.Run("SET mine 1");
  for (int i = 0; i < 40; ++i) {
    std::string value(100'000, 'x');
    for (char& c : value) c = static_cast<char>('a' + rand() % 26);
    primary.Run("SET big" + std::to_string(i) + " " + value);
  }
  replica.Follow(primary);
  const auto read_bytes = [&] {
    const std::string text = replica.Info("replication", "master_sync_read_bytes");
    return text == "(none)" ? 0 : std::stoll(text);
  };
  ASSERT_TRUE(Eventually([&] { return read_bytes() > 1'000'000; }));
  EXPECT_EQ(replica.Info("replication", "master_sync_in_progress"), "1");
  EXPECT_EQ(replica.Run("GET mine"), "$1\r\n1\r\n");  // the old data are served
  const long long before_cut = read_bytes();
  EXPECT_EQ(primary.Run("CLIENT KILL TYPE replica"), ":1\r\n");
  replica.Stop();
  replica.Start({"--replicaof", "127.0.0.1", primary.port_text()});
  ASSERT_TRUE(Eventually([&] {
    return replica.Info("replication", "master_sync_total_bytes") != "(none)" && read_bytes() > 0;
  }));
  EXPECT_GE(read_bytes(), before_cut - 600'000);  // a chunk may have been on its way
  primary.Run("CONFIG SET repl-full-sync-rate 0");
  ASSERT_TRUE(replica.CatchesUp(primary));
  EXPECT_EQ(replica.Digest(), primary.Digest());
}

}  // namespace
}  // namespace hearth
