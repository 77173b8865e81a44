#include "engine/checkpoint.h"

#include <fstream>

#include "engine/snapshot_copy.h"
#include "tests/engine/engine_fixture.h"

namespace hearth {
namespace {

namespace fs = std::filesystem;

class CheckpointTest : public EngineFixture {
 protected:
  static std::string ReadText(const std::string& path) {
    std::ifstream in(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
  }
  // Of the tables of the store, which snapshots link.
  void DamageTables() {
    for (const auto& entry : fs::directory_iterator(folder_.path() + "/data")) {
      if (entry.path().extension() != ".sst") continue;
      std::fstream file(entry.path(), std::ios::in | std::ios::out | std::ios::binary);
      file.seekp(100);
      file.put('\x7f');
    }
  }
  CheckpointOptions CheckpointTo() { return {.dir = folder_.path() + "/snapshots", .keep = 2}; }

  std::unique_ptr<Engine> OpenSnapshot(const std::string& path) {
    EngineOptions options = Options();
    EXPECT_TRUE(PrepareDataDir(path, &options.store.dir).ok());
    std::unique_ptr<Engine> engine;
    const Status status = Engine::Open(std::move(options), &engine);
    EXPECT_TRUE(status.ok()) << status.message();
    return engine;
  }
};

TEST_F(CheckpointTest, HoldsEverythingCommittedAndIsNotHarmedByAStartFromIt) {
  for (int i = 0; i < 100; ++i) Set("key" + std::to_string(i), "v");
  Commit();
  SnapshotInfo info;
  const Status status = MakeCheckpoint(*engine_, CheckpointTo(), &info);
  ASSERT_TRUE(status.ok()) << status.message();
  EXPECT_EQ(info.keys, 100u);
  EXPECT_GE(info.sequence, 101u);
  Set("later", "v");
  Commit();
  for (int round = 0; round < 2; ++round) {
    const std::unique_ptr<Engine> opened = OpenSnapshot(info.path);
    ASSERT_NE(opened, nullptr);
    EXPECT_EQ(opened->keyspace().KeyCount(0), round == 0 ? 100u : 101u);
    Tx tx(opened->keyspace(), {}, clock_.WallMs(), {.write = true, .lock_all = true});
    tx.SetString("mine" + std::to_string(round), "v", Expiry::None());
  }
  const std::vector<SnapshotInfo> snapshots = ListSnapshots(CheckpointTo().dir);
  ASSERT_EQ(snapshots.size(), 1u);
  EXPECT_EQ(snapshots[0].keys, 100u);
  EXPECT_EQ(snapshots[0].sequence, info.sequence);
}

TEST_F(CheckpointTest, OnlyTheNewestAreKept) {
  for (int i = 0; i < 4; ++i) {
    Set("key", std::to_string(i));
    Commit();
    clock_.AdvanceMs(1000);
    SnapshotInfo info;
    ASSERT_TRUE(MakeCheckpoint(*engine_, CheckpointTo(), &info).ok());
  }
  const std::vector<SnapshotInfo> snapshots = ListSnapshots(CheckpointTo().dir);
  ASSERT_EQ(snapshots.size(), 2u);
  EXPECT_GT(snapshots[0].sequence, snapshots[1].sequence);
}

// Behind a loss and a resync the same names come again, for other files.
TEST_F(CheckpointTest, OnlyTheVeryFileOfAnOlderSnapshotKeepsItsChecksum) {
  Set("a", "1");
  Commit();
  SnapshotInfo older, newer;
  ASSERT_TRUE(MakeCheckpoint(*engine_, CheckpointTo(), &older).ok());
  std::vector<SnapshotFile> files;
  ASSERT_TRUE(ReadSnapshot(older.path, &older, &files));
  const auto table = std::ranges::find_if(
      files, [](const SnapshotFile& file) { return file.name.ends_with(".sst"); });
  ASSERT_NE(table, files.end());
  // Another file of that name and size, and what is known of it.
  const std::string path = older.path + "/" + table->name, other(table->size_bytes, 'x');
  fs::remove(path);
  std::ofstream(path, std::ios::binary) << other;
  std::string checksum;
  ASSERT_TRUE(FileChecksum(path, &checksum).ok());
  std::string manifest = ReadText(older.path + "/SNAPSHOT");
  manifest.replace(manifest.find(table->checksum), checksum.size(), checksum);
  std::ofstream(older.path + "/SNAPSHOT") << manifest;

  clock_.AdvanceMs(1000);
  ASSERT_TRUE(MakeCheckpoint(*engine_, CheckpointTo(), &newer).ok());
  std::vector<SnapshotFile> newer_files;
  ASSERT_TRUE(ReadSnapshot(newer.path, &newer, &newer_files));
  for (const SnapshotFile& file : newer_files) {
    ASSERT_TRUE(FileChecksum(newer.path + "/" + file.name, &checksum).ok());
    EXPECT_EQ(file.checksum, checksum) << file.name;
  }
}

// An empty store would be made in it.
TEST_F(CheckpointTest, AStoresDirectoryThatIsAwayIsNotMadeAnew) {
  Set("key", "v");
  Commit();
  const std::string data = folder_.path() + "/data";
  fs::rename(data, folder_.path() + "/away");
  SnapshotInfo info;
  EXPECT_FALSE(MakeCheckpoint(*engine_, {.dir = data + "/snapshots"}, &info).ok());
  EXPECT_FALSE(fs::exists(data));
  fs::rename(folder_.path() + "/away", data);
  EXPECT_TRUE(MakeCheckpoint(*engine_, {.dir = data + "/snapshots"}, &info).ok());
}

// Damage tells whether a file was read.
TEST_F(CheckpointTest, WhatASnapshotElsewhereListsIsNotReadAgain) {
  for (int i = 0; i < 1000; ++i) Set("key" + std::to_string(i), std::string(100, 'v'));
  Commit();
  SnapshotInfo elsewhere, info;
  ASSERT_TRUE(MakeCheckpoint(*engine_, CheckpointTo(), &elsewhere).ok());
  DamageTables();
  CheckpointOptions options = CheckpointTo();
  options.dir = folder_.path() + "/more";
  EXPECT_TRUE(MakeCheckpoint(*engine_, options, &info).IsCorruption());
  options.known_dirs = {CheckpointTo().dir};
  const Status status = MakeCheckpoint(*engine_, options, &info);
  EXPECT_TRUE(status.ok()) << status.message();
}

// A checkpoint links damaged table files without a word: only reading them tells.
TEST_F(CheckpointTest, ADamagedTableFileFailsItAndTheOldSnapshotStays) {
  for (int i = 0; i < 1000; ++i) Set("key" + std::to_string(i), std::string(100, 'v'));
  DemoteAll();
  DamageTables();
  SnapshotInfo info;
  const Status status = MakeCheckpoint(*engine_, CheckpointTo(), &info);
  EXPECT_TRUE(status.IsCorruption()) << status.message();
  EXPECT_TRUE(ListSnapshots(CheckpointTo().dir).empty());
  EXPECT_TRUE(fs::is_empty(CheckpointTo().dir));
}

// Every look at it is a second later.
class HurryingClock final : public Clock {
 public:
  int64_t WallMs() const override { return MonotonicUs() / 1000; }
  int64_t MonotonicUs() const override { return now_us_ += 1'100'000; }

 private:
  mutable std::atomic<int64_t> now_us_{0};
};

TEST_F(CheckpointTest, ALongCheckpointTellsItsProgress) {
  ASSERT_TRUE(engine_->Shutdown().ok());
  HurryingClock clock;
  std::string log;
  EngineOptions options = Options();
  options.clock = &clock;
  options.log = [&](int, const std::string& line) { log += line + "\n"; };
  ASSERT_TRUE(Engine::Open(options, &engine_).ok());
  Set("a", "1");
  Commit();
  SnapshotInfo info;
  const CheckpointOptions snapshot{.dir = folder_.path() + "/snapshots"};
  ASSERT_TRUE(MakeCheckpoint(*engine_, snapshot, &info).ok());
  EXPECT_NE(log.find("Snapshot: 1 of "), std::string::npos) << log;
  engine_.reset();
}

}  // namespace
}  // namespace hearth
