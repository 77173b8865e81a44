// REPLICAOF, REPLCONF, PSYNC, SYNC: replies and errors of a server that has no peers.
#include "src/commands/replication.h"

#include "tests/src/server_fixture.h"

namespace hearth {
namespace {

class ReplicationCommands : public ServerFixture {};

TEST_F(ReplicationCommands, ReplicaOfAnswersAsRedisDoes) {
  EXPECT_EQ(Run("REPLICAOF NO ONE"), "+OK\r\n");
  EXPECT_EQ(Run("REPLICAOF a b"), "-ERR Invalid master port\r\n");
  EXPECT_EQ(Run("SLAVEOF a 99999"), "-ERR Invalid master port\r\n");
  EXPECT_EQ(Run("REPLICAOF 127.0.0.1 1"), "+OK\r\n");
  EXPECT_EQ(Run("REPLICAOF 127.0.0.1 1"), "+OK Already connected to specified master\r\n");
  EXPECT_EQ(Run("CONFIG GET slaveof"), WireArray({"slaveof", "127.0.0.1 1"}));
  EXPECT_EQ(InfoField("replication", "role"), "slave");
  EXPECT_EQ(InfoField("replication", "master_link_status"), "down");
  EXPECT_EQ(InfoField("replication", "master_last_io_seconds_ago"), "-1");
  EXPECT_EQ(
      Run("CONFIG SET replicaof 'a 1'"),
      "-ERR CONFIG SET failed (possibly related to argument 'replicaof') - can't set immutable "
      "config\r\n");
  const std::string id = InfoField("replication", "master_replid");
  EXPECT_EQ(Run("SLAVEOF no one"), "+OK\r\n");
  EXPECT_EQ(InfoField("replication", "role"), "master");
  EXPECT_NE(InfoField("replication", "master_replid"), id);
}

// As Sentinel changes a role.
TEST_F(ReplicationCommands, ARoleChangesWithinMulti) {
  Run("MULTI");
  EXPECT_EQ(Run("SLAVEOF 127.0.0.1 1"), "+QUEUED\r\n");
  Run("CONFIG REWRITE");
  Run("CLIENT KILL TYPE normal");
  EXPECT_EQ(Run("EXEC"), "*3\r\n+OK\r\n-ERR The server is running without a config file\r\n:0\r\n");
  EXPECT_EQ(InfoField("replication", "role"), "slave");
  Run("MULTI");
  Run("SLAVEOF NO ONE");
  EXPECT_EQ(Run("SET a 1"), "-READONLY You can't write against a read only replica.\r\n");
  Run("DISCARD");
  Run("SLAVEOF NO ONE");
  Run("MULTI");
  Run("SET a 1");
  Run("SLAVEOF 127.0.0.1 1");
  Run("SET a 2");
  EXPECT_EQ(Run("EXEC"),
            "*3\r\n+OK\r\n+OK\r\n-READONLY You can't write against a read only replica.\r\n");
  EXPECT_EQ(Run("GET a"), "$1\r\n1\r\n");
}

TEST_F(ReplicationCommands, ReplConfTakesWhatReplicasSay) {
  EXPECT_EQ(Run("REPLCONF"), "+OK\r\n");
  EXPECT_EQ(Run("REPLCONF a"), "-ERR syntax error\r\n");
  EXPECT_EQ(Run("REPLCONF foo bar"), "-ERR Unrecognized REPLCONF option: foo\r\n");
  EXPECT_EQ(Run("REPLCONF listening-port abc"), "-ERR value is not an integer or out of range\r\n");
  EXPECT_EQ(Run("REPLCONF listening-port 7000 capa eof capa psync2"), "+OK\r\n");
  EXPECT_EQ(Run("REPLCONF ip-address " + std::string(300, 'x')),
            "-ERR REPLCONF ip-address provided by replica instance is too long: 300 bytes\r\n");
  client_->Send("REPLCONF ACK 5");
  EXPECT_EQ(Run("PING"), "+PONG\r\n");  // an acknowledgement is not answered
}

TEST_F(ReplicationCommands, ReplConfTakesWhatAnRdbFileIsToHold) {
  EXPECT_EQ(Run("REPLCONF rdb-only 1 version 7.2.4"), "+OK\r\n");
  EXPECT_EQ(Run("REPLCONF rdb-only x"), "-ERR value is not an integer or out of range\r\n");
  EXPECT_EQ(Run("REPLCONF rdb-filter-only functions"), "+OK\r\n");
  EXPECT_EQ(Run("REPLCONF rdb-filter-only ''"), "+OK\r\n");
  EXPECT_EQ(Run("REPLCONF rdb-filter-only 'functions keys'"),
            "-ERR Unsupported rdb-filter-only option: keys\r\n");
  EXPECT_EQ(Run("REPLCONF rdb-filter-only '\"'"), "-ERR Missing rdb-filter-only values\r\n");
}

// A Redis learns why it can't follow; it may follow the primary.
TEST_F(ReplicationCommands, AReplicaOfAHearthIsNotFollowedByARedis) {
  Run("REPLICAOF 127.0.0.1 1");
  EXPECT_TRUE(Run("PSYNC ? -1").starts_with("-NOMASTERLINK this server follows another Hearth"));
  EXPECT_TRUE(Run("SYNC").starts_with("-NOMASTERLINK this server follows another Hearth"));
  EXPECT_EQ(Run("PING"), "+PONG\r\n");
  EXPECT_EQ(Run("PSYNC ? x"), "-ERR value is not an integer or out of range\r\n");
}

}  // namespace
}  // namespace hearth
