// Servers that start again, from their own files or from copies: who has written something of its
// own is told apart from who has not.
#include <filesystem>
#include <fstream>

#include "src/replication/replication.h"
#include "tests/src/replication/node.h"

namespace hearth {
namespace {

namespace fs = std::filesystem;

size_t DivergedCount(const Node& node) {
  size_t count = 0;
  for (const auto& entry : fs::directory_iterator(node.data())) {
    count += entry.path().filename().string().starts_with("diverged-");
  }
  return count;
}

// In place of what the other has. Requires: the nodes are stopped.
void CopyFolder(const std::string& from, const std::string& to) {
  fs::remove_all(to);
  fs::copy(from, to, fs::copy_options::recursive);
}

void ExpectSame(Node& a, Node& b) {
  EXPECT_EQ(a.Digest(), b.Digest());
  for (Node* const node : {&a, &b}) EXPECT_EQ(node->Run("DEBUG VERIFY-STORE"), "+OK\r\n");
}

// REPLICAOF is not kept: the next start makes a primary.
TEST(LineageTest, WhatAReplicaWroteAsAPrimaryIsGivenUpForItsPrimarysData) {
  Node primary, replica;
  primary.Run("SET before 1");
  ASSERT_TRUE(replica.Joins(primary));
  for (int i = 1; i <= 3; ++i) {
    replica.Stop();
    replica.Start();
    replica.Run("SET only-here " + std::to_string(i));
    primary.Run("SET a " + std::to_string(i));
    primary.Run("SET b " + std::to_string(i));
    ASSERT_TRUE(replica.Joins(primary));
    ExpectSame(primary, replica);
    EXPECT_EQ(replica.Run("EXISTS only-here"), ":0\r\n");
    EXPECT_EQ(primary.Info("stats", "sync_full"), std::to_string(1 + i));
    EXPECT_EQ(DivergedCount(replica), static_cast<size_t>(i)) << "none replaces another";
  }
}

TEST(LineageTest, AReplicaThatWroteNothingAsAPrimaryGoesOn) {
  Node primary, replica;
  primary.Run("SET before 1");
  ASSERT_TRUE(replica.Joins(primary));
  replica.Stop();
  replica.Start();
  EXPECT_EQ(replica.Run("GET before"), "$1\r\n1\r\n");
  primary.Run("SET after 1");
  ASSERT_TRUE(replica.Joins(primary));
  ExpectSame(primary, replica);
  EXPECT_EQ(primary.Info("stats", "sync_full"), "1");
  EXPECT_EQ(DivergedCount(replica), 0u);
}

TEST(LineageTest, CopiesOfAFolderThatWereBothWrittenToAreTwoHistories) {
  Node first, second;
  first.Run("SET before 1");
  first.Stop();
  second.Stop();
  CopyFolder(first.data(), second.data());
  first.Start();
  second.Start();
  first.Run("SET a 1");
  second.Run("SET b 1");
  first.Run("SET a 2");
  ASSERT_TRUE(second.Joins(first));
  ExpectSame(first, second);
  EXPECT_EQ(first.Info("stats", "sync_full"), "1");
  EXPECT_EQ(DivergedCount(second), 1u);
}

TEST(LineageTest, AReplicaThatIsAheadOfAnOlderCopyTakesItsData) {
  Node primary, replica;
  const std::string older = primary.folder() + "/older";
  primary.Run("SET before 1");
  primary.Stop();
  CopyFolder(primary.data(), older);
  primary.Start();
  ASSERT_TRUE(replica.Joins(primary));
  for (int i = 0; i < 5; ++i) primary.Run("RPUSH list " + std::to_string(i));
  ASSERT_TRUE(replica.CatchesUp(primary));
  replica.Stop();
  primary.Stop();
  CopyFolder(older, primary.data());
  primary.Start();
  for (int i = 0; i < 10; ++i) primary.Run("SET a " + std::to_string(i));
  replica.Start({"--replicaof", "127.0.0.1", primary.port_text()});
  ASSERT_TRUE(replica.CatchesUp(primary));
  ExpectSame(primary, replica);
  EXPECT_EQ(DivergedCount(replica), 1u);
}

// Each start begins a history; a replica that was away meanwhile knows none of them.
TEST(LineageTest, AReplicaGoesOnBehindManyStartsOfItsPrimary) {
  Node primary, replica;
  primary.Run("SET before 1");
  ASSERT_TRUE(replica.Joins(primary));
  replica.Stop();
  for (int i = 0; i < 5; ++i) {
    primary.Stop();
    primary.Start();
    primary.Run("SET a " + std::to_string(i));
  }
  replica.Start({"--replicaof", "127.0.0.1", primary.port_text()});
  ASSERT_TRUE(replica.CatchesUp(primary));
  ExpectSame(primary, replica);
  EXPECT_EQ(primary.Info("stats", "sync_full"), "0");
  // The replica has the lineage from it, and so has one of its own.
  Node third;
  ASSERT_TRUE(third.Joins(replica));
  replica.Stop();
  primary.Stop();
  primary.Start();
  primary.Run("SET a 6");
  ASSERT_TRUE(third.Joins(primary));
  ExpectSame(primary, third);
  EXPECT_EQ(primary.Info("stats", "sync_full"), "0");
}

}  // namespace
}  // namespace hearth
