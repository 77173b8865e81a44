#include "engine/snapshot_copy.h"

#include <fstream>
#include <thread>
#include <vector>

#include "engine/checkpoint.h"
#include "tests/engine/engine_fixture.h"

namespace hearth {
namespace {

namespace fs = std::filesystem;

class SnapshotCopyTest : public EngineFixture {
 protected:
  std::string Snapshot() const { return folder_.path() + "/snapshot"; }
  // Takes one there, in the place of what there was.
  void Take() {
    Set("key" + std::to_string(++count_), "1");
    Commit();
    clock_.AdvanceMs(1000);
    SnapshotInfo info;
    ASSERT_TRUE(MakeCheckpoint(*engine_, {.dir = folder_.path() + "/all"}, &info).ok());
    fs::remove_all(Snapshot());
    fs::rename(info.path, Snapshot());
  }
  Status OpenCopy(const std::string& wal_dir = {}, bool replica = false) {
    copy_.reset();
    EngineOptions options = Options();
    const Status status = PrepareDataDir(Snapshot(), &options.store.dir);
    if (!status.ok()) return status;
    options.store.wal_dir = wal_dir;
    options.replica = replica;
    return Engine::Open(options, &copy_);
  }

  int count_ = 0;
  std::unique_ptr<Engine> copy_;
};

TEST_F(SnapshotCopyTest, ACopyIsOfTheSnapshotThatIsThere) {
  Take();
  ASSERT_TRUE(OpenCopy().ok());
  EXPECT_EQ(copy_->keyspace().KeyCount(0), 1u);
  ASSERT_TRUE(OpenCopy().ok()) << "again";
  copy_.reset();
  Take();
  const Status status = OpenCopy();
  EXPECT_EQ(status.code(), Status::Code::kInvalid);
  EXPECT_EQ(status.message(),
            Snapshot() + ".opened is a copy of another snapshot than the one in " + Snapshot() +
                ": move it away to start from that, or name it as dir");
  fs::remove_all(Snapshot() + ".opened");
  ASSERT_TRUE(OpenCopy().ok());
  EXPECT_EQ(copy_->keyspace().KeyCount(0), 2u);
}

TEST_F(SnapshotCopyTest, WhatIsNotWholeIsNotCopied) {
  Take();
  const auto expect_refused = [&](const std::string& why) {
    const Status status = OpenCopy();
    EXPECT_TRUE(status.IsCorruption()) << status.message();
    EXPECT_NE(status.message().find(why), std::string::npos) << status.message();
    EXPECT_FALSE(fs::exists(Snapshot() + ".opened")) << why;
    EXPECT_FALSE(fs::exists(Snapshot() + ".opened.unfinished")) << why;
  };
  fs::rename(Snapshot() + "/CURRENT", folder_.path() + "/kept");
  expect_refused("/CURRENT is missing");
  std::ofstream(Snapshot() + "/CURRENT") << "MANI";
  expect_refused("/CURRENT has 4 bytes instead of");
  fs::rename(folder_.path() + "/kept", Snapshot() + "/CURRENT");
  fs::rename(Snapshot() + "/SNAPSHOT", folder_.path() + "/kept");
  std::ofstream(Snapshot() + "/SNAPSHOT").flush();
  expect_refused("/SNAPSHOT, is damaged");
  fs::rename(folder_.path() + "/kept", Snapshot() + "/SNAPSHOT");
  EXPECT_TRUE(OpenCopy().ok());
}

// Several starts at once: one makes the copy, the others find it.
TEST_F(SnapshotCopyTest, ACopyIsMadeOnce) {
  Take();
  for (int round = 0; round < 20; ++round) {
    fs::remove_all(Snapshot() + ".opened");
    std::vector<std::thread> threads;
    std::vector<Status> statuses(8);
    for (Status& status : statuses) {
      threads.emplace_back([&] {
        std::string dir;
        status = PrepareDataDir(Snapshot(), &dir);
      });
    }
    for (std::thread& thread : threads) thread.join();
    for (const Status& status : statuses) EXPECT_TRUE(status.ok()) << status.message();
    EXPECT_FALSE(fs::exists(Snapshot() + ".opened" + kSnapshotUnfinishedSuffix));
  }
  ASSERT_TRUE(OpenCopy().ok());
  EXPECT_EQ(copy_->keyspace().KeyCount(0), 1u);
}

// Snapshots are removed when newer ones were made.
TEST_F(SnapshotCopyTest, ACopyOutlivesItsSnapshot) {
  Take();
  ASSERT_TRUE(OpenCopy().ok());
  for (const bool is_empty_folder : {false, true}) {
    copy_.reset();
    fs::remove_all(Snapshot());
    if (is_empty_folder) fs::create_directories(Snapshot());
    ASSERT_TRUE(OpenCopy().ok());
    EXPECT_EQ(copy_->keyspace().KeyCount(0), 1u);
    EXPECT_EQ(copy_->options().store.dir, Snapshot() + ".opened");
  }
  // A store of its own that stands there is opened, and what is no copy is not.
  copy_.reset();
  fs::remove_all(Snapshot() + ".opened/ORIGIN");
  ASSERT_TRUE(OpenCopy().ok());
  EXPECT_EQ(copy_->keyspace().KeyCount(0), 0u);
  EXPECT_EQ(copy_->options().store.dir, Snapshot());
}

TEST_F(SnapshotCopyTest, FoldersInASnapshotAreNoPartOfIt) {
  Take();
  fs::create_directories(Snapshot() + "/snapshots/of-somebody");
  const Status status = OpenCopy();
  EXPECT_TRUE(status.ok()) << status.message();
  EXPECT_FALSE(fs::exists(Snapshot() + ".opened/snapshots"));
}

// The log that goes on behind a snapshot has what one wanted to be rid of.
TEST_F(SnapshotCopyTest, TheLogOfAnotherStoreIsNotReplayed) {
  const std::string logs = folder_.path() + "/logs";
  fs::create_directories(logs);
  Take();
  Set("behind", "1");
  Commit();
  for (const auto& entry : fs::directory_iterator(folder_.path() + "/data")) {
    if (entry.path().extension() == ".log") fs::copy(entry.path(), logs / entry.path().filename());
  }
  Status status = OpenCopy(logs);
  EXPECT_EQ(status.code(), Status::Code::kInvalid);
  EXPECT_NE(status.message().find("is the log of another one"), std::string::npos);
  for (const bool replica : {false, true}) {
    fs::remove_all(logs);
    fs::remove_all(Snapshot() + ".opened");
    fs::create_directories(logs);
    status = OpenCopy(logs, replica);
    EXPECT_TRUE(status.ok()) << status.message();
    EXPECT_EQ(copy_->keyspace().KeyCount(0), 1u);
    status = OpenCopy(logs, replica);
    EXPECT_TRUE(status.ok()) << "its own log now: " << status.message();
  }
}

TEST_F(SnapshotCopyTest, APromotionEndsIt) {
  Take();
  ASSERT_TRUE(OpenCopy({}, /*replica=*/true).ok());
  EXPECT_TRUE(IsSnapshotCopy(Snapshot() + ".opened"));
  ASSERT_TRUE(copy_->Promote().ok());
  const History history = copy_->log().history();
  EXPECT_FALSE(IsSnapshotCopy(Snapshot() + ".opened"));
  ASSERT_TRUE(OpenCopy().ok());
  EXPECT_EQ(copy_->log().history(), history) << "one new history is enough";
}

}  // namespace
}  // namespace hearth
