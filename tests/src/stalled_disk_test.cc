// A disk that stands still for a while: reads of hot keys go on, nothing is acknowledged early,
// memory stays bounded, INFO tells, and afterwards everything is there.
#include <atomic>
#include <thread>

#include "tests/faults/fault_file_system.h"
#include "tests/src/server_fixture.h"

namespace hearth {
namespace {

class StalledDiskTest : public ServerFixture {
 protected:
  void SetUp() override {
    disk_ = std::make_shared<FaultFileSystem>(rocksdb::FileSystem::Default(),
                                              folder_.path() + "/graveyard");
    adjust_engine_ = [this](EngineOptions& options) { options.store.file_system = disk_; };
  }
  void TearDown() override {
    disk_->Release();
    if (server_) Stop();
  }

  // On connections of both workers.
  void ExpectHotReads() {
    for (int i = 0; i < 4; ++i) {
      TestClient client = Connect();
      EXPECT_EQ(client.Run("PING"), "+PONG\r\n");
      EXPECT_EQ(client.Run("GET hot"), "$1\r\n1\r\n");
    }
  }

  // A sync hangs, and has done so for long enough that workers leave writing to others.
  void StallSync() {
    Run("SET before 1");
    disk_->Freeze({FileOp::kSync, ".log"});
    disk_->WaitForFrozen(1);
    while (InfoField("persistence", "aof_delayed_fsync") == "0") Run("INCR counter");
  }

  void WaitForSync() {
    while (InfoField("persistence", "aof_pending_bio_fsync") == "1" ||
           InfoField("persistence", "synced_seq") != InfoField("persistence", "committed_seq")) {
      std::this_thread::yield();
    }
  }

  std::shared_ptr<FaultFileSystem> disk_;
};

TEST_F(StalledDiskTest, EverysecGoesOnWhileASyncHangs) {
  Start({"--appendfsync", "everysec"});
  Run("SET hot 1");
  StallSync();
  EXPECT_EQ(InfoField("persistence", "aof_pending_bio_fsync"), "1");
  const std::string synced = InfoField("persistence", "synced_seq");
  for (int i = 0; i < 100; ++i) {
    EXPECT_EQ(Run("SET key" + std::to_string(i) + " v"), "+OK\r\n");
  }
  ExpectHotReads();
  EXPECT_EQ(InfoField("persistence", "synced_seq"), synced);
  disk_->Release();
  WaitForSync();
  Restart();
  EXPECT_EQ(Run("GET key99"), "$1\r\nv\r\n");
  EXPECT_EQ(Run("DEBUG VERIFY-STORE"), "+OK\r\n");
}

TEST_F(StalledDiskTest, NothingIsAcknowledgedThatTheLogDidNotTake) {
  Start({"--appendfsync", "everysec"});
  Run("SET hot 1");
  StallSync();
  disk_->Freeze({FileOp::kAppend, ".log"});
  TestClient writer = Connect(), reader = Connect(), looker = Connect();
  writer.Send("SET late 1");
  disk_->WaitForFrozen(2);
  EXPECT_FALSE(writer.HasReply());
  reader.Send("GET late");  // of a value that is not in the log yet
  EXPECT_FALSE(reader.HasReply());
  looker.Send("DEBUG OBJECT late");
  EXPECT_FALSE(looker.HasReply());
  ExpectHotReads();
  disk_->Release();
  EXPECT_EQ(writer.ReadReply(), "+OK\r\n");
  EXPECT_EQ(reader.ReadReply(), "$1\r\n1\r\n");
  EXPECT_TRUE(looker.ReadReply().starts_with("+Value at"));
  WaitForSync();
  EXPECT_EQ(Run("DEBUG VERIFY-STORE"), "+OK\r\n");
}

TEST_F(StalledDiskTest, AlwaysWaitsForTheSyncAndReadersDoNot) {
  Start({"--appendfsync", "always"});
  Run("SET hot 1");
  disk_->Freeze({FileOp::kSync, ".log"});
  TestClient writer = Connect();
  writer.Send("SET late 1");
  disk_->WaitForFrozen(1);
  EXPECT_FALSE(writer.HasReply());
  ExpectHotReads();
  disk_->Release();
  EXPECT_EQ(writer.ReadReply(), "+OK\r\n");
}

// What writers pile up behind the disk is bounded: they are not read from any more.
TEST_F(StalledDiskTest, WritersThatWaitForTheDiskAreHeldBack) {
  Start({"--appendfsync", "everysec"});
  Run("SET hot 1");
  StallSync();
  disk_->Freeze({FileOp::kAppend, ".log"});
  constexpr int kCount = 150;
  TestClient writer = Connect();
  std::atomic<bool> sent{false};
  std::thread sender([&] {
    const std::string value(1 << 20, 'v');
    for (int i = 0; i < kCount; ++i) {
      writer.SendRaw(WireArray({"SET", "big" + std::to_string(i % 3), value}));
    }
    sent = true;
  });
  while (std::stoull(InfoField("persistence", "aof_buffer_length")) < (64u << 20)) {
    std::this_thread::yield();
  }
  ExpectHotReads();
  EXPECT_LT(std::stoull(InfoField("persistence", "aof_buffer_length")), 100u << 20);
  EXPECT_FALSE(sent);
  disk_->Release();
  for (int i = 0; i < kCount; ++i) EXPECT_EQ(writer.ReadReply(), "+OK\r\n");
  sender.join();
  WaitForSync();
  EXPECT_EQ(Run("DEBUG VERIFY-STORE"), "+OK\r\n");
}

}  // namespace
}  // namespace hearth
