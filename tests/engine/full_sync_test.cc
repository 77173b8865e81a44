#include "engine/full_sync.h"

#include <fstream>

#include "engine/random.h"
#include "tests/engine/engine_fixture.h"

namespace hearth {
namespace {

namespace fs = std::filesystem;

class FullSyncTest : public EngineFixture {
 protected:
  void SetUp() override {
    EngineFixture::SetUp();
    for (int i = 0; i < 300; ++i) Set("key:" + std::to_string(i), std::string(1000, 'n'));
    Commit();
    source_ = std::make_unique<FullSyncSource>(*engine_, FullSyncSource::Options());
    OpenReplica();
    ASSERT_NE(replica_, nullptr);
  }
  void TearDown() override {
    source_.reset();
    replica_.reset();
    EngineFixture::TearDown();
  }

  EngineOptions ReplicaOptions() {
    EngineOptions options = Options();
    options.store.dir = replica_folder_.path() + "/data";
    options.replica = true;
    return options;
  }
  void OpenReplica() {
    replica_.reset();
    fs::create_directories(ReplicaOptions().store.dir);
    const Status status = Engine::Open(ReplicaOptions(), &replica_);
    ASSERT_TRUE(status.ok()) << status.message();
  }
  std::string ReplicaDir() { return ReplicaOptions().store.dir; }

  // Old data that the resync gives up.
  void FillReplica() {
    std::swap(engine_, replica_);
    engine_->SetReplica(false);
    for (int i = 0; i < 50; ++i) Set("old:" + std::to_string(i), "o");
    Commit();
    engine_->SetReplica(true);
    std::swap(engine_, replica_);
  }

  std::string GetOnReplica(const std::string& key) {
    std::swap(engine_, replica_);
    const std::string value = Get(key);
    std::swap(engine_, replica_);
    return value;
  }

  // Fetches up to chunk_count_max chunks of chunk_size bytes.
  Status Fetch(const SharedCheckpoint& checkpoint, FullSyncTarget* target, size_t chunk_size,
               size_t chunk_count_max = SIZE_MAX) {
    for (size_t i = 0; i < chunk_count_max; ++i) {
      const std::vector<SyncRange> missing = target->Missing(1);
      if (missing.empty()) break;
      std::string bytes(std::min<uint64_t>(chunk_size, missing[0].size_bytes), '\0');
      Status status = checkpoint.ReadChunk(missing[0].name, missing[0].offset, bytes);
      if (status.ok()) status = target->Write(missing[0].name, missing[0].offset, bytes);
      if (!status.ok()) return status;
    }
    return Status::Ok();
  }

  void FetchAll(FullSyncTarget* target) {
    ASSERT_TRUE(source_->Share(&checkpoint_).ok());
    ASSERT_TRUE(target->Begin(checkpoint_->id, checkpoint_->files).ok());
    const Status status = Fetch(*checkpoint_, target, 64 << 10);
    ASSERT_TRUE(status.ok()) << status.message();
    const Status finished = target->Finish();
    ASSERT_TRUE(finished.ok()) << finished.message();
  }

  // The replica goes on with the groups behind the checkpoint and is equal then.
  void ExpectReplicaFollows() {
    EXPECT_EQ(replica_->log().history().id, engine_->log().history().id);
    Set("after", "1");
    Commit();
    ReplicationFeed::Groups groups;
    uint64_t next_seq = replica_->log().committed_seq() + 1;
    Status status = engine_->feed().Read(next_seq, SIZE_MAX, &groups);
    if (status.code() == Status::Code::kBusy) {
      auto cursor = engine_->feed().NewCursor(next_seq);
      status = engine_->feed().ReadFromWal(cursor.get(), SIZE_MAX, &groups);
    }
    ASSERT_TRUE(status.ok()) << status.message();
    status = replica_->ApplyGroups(groups);
    ASSERT_TRUE(status.ok()) << status.message();
    const std::string rows = StoredRows();
    std::swap(engine_, replica_);
    EXPECT_EQ(Differences(), "");
    EXPECT_EQ(StoredRows(), rows);
    EXPECT_EQ(Get("after"), "1");
    EXPECT_EQ(Get("key:7"), std::string(1000, 'n'));
    EXPECT_EQ(Get("old:7"), "(nil)");
    std::swap(engine_, replica_);
  }

  TemporaryFolder replica_folder_;
  std::unique_ptr<Engine> replica_;
  std::unique_ptr<FullSyncSource> source_;
  std::shared_ptr<const SharedCheckpoint> checkpoint_;
};

TEST_F(FullSyncTest, TheReplicaBecomesWhatThePrimaryIs) {
  FillReplica();
  FullSyncTarget target(ReplicaDir());
  FetchAll(&target);
  EXPECT_EQ(GetOnReplica("old:7"), "o") << "the old data serves until the switch";
  const Status status = replica_->SwitchToIncoming();
  ASSERT_TRUE(status.ok()) << status.message();
  EXPECT_EQ(replica_->log().committed_seq(), checkpoint_->sequence);
  EXPECT_EQ(GetOnReplica("old:7"), "(nil)");
  EXPECT_EQ(GetOnReplica("key:299"), std::string(1000, 'n'));
  ExpectReplicaFollows();
  const uint64_t seq = replica_->log().committed_seq();
  OpenReplica();
  EXPECT_EQ(replica_->log().committed_seq(), seq);
  EXPECT_EQ(GetOnReplica("after"), "1");
  for (const char* name : {"incoming", "replaced", "SWITCH"}) {
    EXPECT_FALSE(fs::exists(ReplicaDir() + "/" + name)) << name;
  }
}

TEST_F(FullSyncTest, CallersShareACheckpoint) {
  std::shared_ptr<const SharedCheckpoint> first, second;
  ASSERT_TRUE(source_->Share(&first).ok());
  ASSERT_TRUE(source_->Share(&second).ok());
  EXPECT_EQ(first, second);
  clock_.AdvanceMs(400'000);
  ASSERT_TRUE(source_->Share(&second).ok());
  EXPECT_NE(first->id, second->id) << "the first is too old to begin with";
}

TEST_F(FullSyncTest, ACheckpointThatWasRemovedByHandIsMadeAnew) {
  std::shared_ptr<const SharedCheckpoint> first, second;
  ASSERT_TRUE(source_->Share(&first).ok());
  fs::remove_all(Options().store.dir + "/outgoing/" + first->id);
  EXPECT_EQ(source_->Find(first->id), nullptr);
  ASSERT_TRUE(source_->Share(&second).ok());
  FullSyncTarget target(ReplicaDir());
  ASSERT_TRUE(target.Begin(second->id, second->files).ok());
  EXPECT_TRUE(Fetch(*second, &target, 64 << 10).ok());
}

TEST_F(FullSyncTest, AnUnusedCheckpointIsRemoved) {
  std::shared_ptr<const SharedCheckpoint> checkpoint;
  ASSERT_TRUE(source_->Share(&checkpoint).ok());
  const std::string id = checkpoint->id;
  const std::string folder = folder_.path() + "/data/outgoing/" + id;
  clock_.AdvanceMs(700'000);
  source_->Tick();
  EXPECT_TRUE(fs::exists(folder)) << "somebody holds it";
  checkpoint.reset();
  clock_.AdvanceMs(500'000);
  source_->Tick();
  EXPECT_NE(source_->Find(id), nullptr);
  clock_.AdvanceMs(700'000);
  source_->Tick();
  EXPECT_FALSE(fs::exists(folder));
  EXPECT_EQ(source_->Find(id), nullptr);
  EXPECT_TRUE(engine_->feed().Slots().empty());
}

TEST_F(FullSyncTest, ACheckpointSurvivesARestartOfThePrimary) {
  ASSERT_TRUE(source_->Share(&checkpoint_).ok());
  FullSyncTarget target(ReplicaDir());
  ASSERT_TRUE(target.Begin(checkpoint_->id, checkpoint_->files).ok());
  ASSERT_TRUE(Fetch(*checkpoint_, &target, 10'000, 5).ok());
  const std::string id = checkpoint_->id;
  source_.reset();
  Reopen();
  source_ = std::make_unique<FullSyncSource>(*engine_, FullSyncSource::Options());
  checkpoint_ = source_->Find(id);
  ASSERT_NE(checkpoint_, nullptr);
  ASSERT_TRUE(Fetch(*checkpoint_, &target, 10'000).ok());
  ASSERT_TRUE(target.Finish().ok());
  ASSERT_TRUE(replica_->SwitchToIncoming().ok());
  ExpectReplicaFollows();
}

TEST_F(FullSyncTest, ACutResumesWithWhatIsThere) {
  ASSERT_TRUE(source_->Share(&checkpoint_).ok());
  const uint64_t seed = RandomBits() % 1'000'000;
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937_64 random(seed);
  uint64_t missing = UINT64_MAX;
  int cuts = 0;
  for (; missing != 0; ++cuts) {
    FullSyncTarget target(ReplicaDir());  // as after a restart
    if (cuts > 0) {
      EXPECT_EQ(target.checkpoint_id(), checkpoint_->id);
      EXPECT_EQ(target.missing_bytes(), missing);
    }
    ASSERT_TRUE(target.Begin(checkpoint_->id, checkpoint_->files).ok());
    ASSERT_TRUE(Fetch(*checkpoint_, &target, 1 + random() % 50'000, 1 + random() % 3).ok());
    ASSERT_LT(target.missing_bytes(), missing);
    missing = target.missing_bytes();
  }
  EXPECT_GT(cuts, 3);
  FullSyncTarget target(ReplicaDir());
  ASSERT_TRUE(target.Finish().ok());
  ASSERT_TRUE(replica_->SwitchToIncoming().ok());
  ExpectReplicaFollows();
}

TEST_F(FullSyncTest, WhatAnEarlierRunBroughtIsCheckedAgain) {
  {
    FullSyncTarget target(ReplicaDir());
    FetchAll(&target);
  }
  const auto table = std::ranges::find_if(
      checkpoint_->files, [](const SyncFile& file) { return file.name.ends_with(".sst"); });
  ASSERT_NE(table, checkpoint_->files.end());
  std::fstream(ReplicaDir() + "/incoming/" + table->name,
               std::ios::in | std::ios::out | std::ios::binary)
      .put('\x7f');
  FullSyncTarget target(ReplicaDir());  // as after a power loss
  ASSERT_TRUE(target.Begin(checkpoint_->id, checkpoint_->files).ok());
  EXPECT_EQ(target.missing_bytes(), 0u);
  EXPECT_TRUE(target.Finish().IsCorruption());
  EXPECT_EQ(target.missing_bytes(), table->size_bytes);
  ASSERT_TRUE(Fetch(*checkpoint_, &target, 64 << 10).ok());
  EXPECT_TRUE(target.Finish().ok());
}

// All bytes came, but a crash or an error came before the file got its name.
TEST_F(FullSyncTest, AFileThatLacksItsNameAloneIsFinished) {
  for (const bool damaged : {false, true}) {
    {
      FullSyncTarget target(ReplicaDir());
      FetchAll(&target);
    }
    const std::string path = ReplicaDir() + "/incoming/CURRENT";
    const auto size = fs::file_size(path);
    fs::rename(path, path + ".part");
    std::ofstream(path + ".done") << "0 " << size << " .\n";
    if (damaged) std::ofstream(path + ".part") << std::string(size, 'x');
    FullSyncTarget target(ReplicaDir());
    ASSERT_TRUE(target.Begin(checkpoint_->id, checkpoint_->files).ok());
    EXPECT_TRUE(target.Missing(1).empty());
    const Status status = target.Finish();
    EXPECT_EQ(status.IsCorruption(), damaged) << status.message();
    if (!damaged) continue;
    EXPECT_FALSE(target.Missing(1).empty()) << "it is fetched again";
    ASSERT_TRUE(Fetch(*checkpoint_, &target, 64 << 10).ok());
    EXPECT_TRUE(target.Finish().ok());
  }
}

TEST_F(FullSyncTest, DamageIsRefused) {
  ASSERT_TRUE(source_->Share(&checkpoint_).ok());
  FullSyncTarget target(ReplicaDir());
  ASSERT_TRUE(target.Begin(checkpoint_->id, checkpoint_->files).ok());
  const SyncRange range = target.Missing(1)[0];
  std::string bytes(range.size_bytes, '\0');
  EXPECT_EQ(checkpoint_->ReadChunk(range.name, 1, bytes).code(), Status::Code::kInvalid);
  ASSERT_TRUE(checkpoint_->ReadChunk(range.name, 0, bytes).ok());
  const uint64_t missing = target.missing_bytes();
  std::string damaged = bytes;
  damaged[0] = static_cast<char>(damaged[0] ^ 1);
  EXPECT_TRUE(target.Write(range.name, 0, damaged).IsCorruption());
  EXPECT_TRUE(target.Write(range.name, 1, bytes).IsCorruption());
  EXPECT_TRUE(target.Write("999999.sst", 0, bytes).IsCorruption());
  EXPECT_EQ(target.missing_bytes(), missing);
  // The right bytes of a file that is to have another checksum.
  std::vector<SyncFile> files = checkpoint_->files;
  for (SyncFile& file : files) {
    if (file.name == range.name) file.checksum = "0000000000000000";
  }
  ASSERT_TRUE(target.Begin("another", files).ok());
  EXPECT_TRUE(target.Write(range.name, 0, bytes).IsCorruption());
  EXPECT_EQ(target.Finish().code(), Status::Code::kInvalid);
  EXPECT_EQ(replica_->SwitchToIncoming().code(), Status::Code::kInvalid);
}

// The checksum of a file is of all that was written to it, in whatever order.
TEST_F(FullSyncTest, PiecesOfAFileMayComeInAnyOrder) {
  ASSERT_TRUE(source_->Share(&checkpoint_).ok());
  FullSyncTarget target(ReplicaDir());
  ASSERT_TRUE(target.Begin(checkpoint_->id, checkpoint_->files).ok());
  const SyncRange range = target.Missing(1)[0];
  std::string bytes(range.size_bytes, '\0');
  ASSERT_GE(bytes.size(), 8u);
  ASSERT_TRUE(checkpoint_->ReadChunk(range.name, 0, bytes).ok());
  const std::string_view good = bytes;
  const size_t half = good.size() / 2;
  const std::string bad(half - 1, 'x');
  const auto write = [&](size_t offset, std::string_view piece) {
    return target.Write(range.name, offset, piece);
  };
  const uint64_t missing = target.missing_bytes();
  EXPECT_TRUE(write(0, good.substr(0, half)).ok());
  EXPECT_TRUE(write(1, bad).ok()) << "over what was right";
  EXPECT_TRUE(write(half, good.substr(half)).IsCorruption());
  EXPECT_EQ(target.missing_bytes(), missing);
  EXPECT_TRUE(write(half, good.substr(half)).ok());
  EXPECT_TRUE(write(0, bad).ok());
  EXPECT_TRUE(write(bad.size(), good.substr(bad.size(), half - bad.size())).IsCorruption());
  EXPECT_TRUE(write(half, good.substr(half)).ok());
  EXPECT_TRUE(write(0, good.substr(0, half)).ok());
  EXPECT_EQ(target.missing_bytes(), missing - range.size_bytes);
}

TEST_F(FullSyncTest, NamesAreOfAFixedSet) {
  for (const char* name :
       {"000123.sst", "000007.log", "MANIFEST-000005", "CURRENT", "hearth.mark"}) {
    EXPECT_TRUE(IsSyncFileName(name)) << name;
  }
  for (const char* name : {"../../etc/passwd", "", ".", "a/000001.sst", "OPTIONS-000007", "LOCK",
                           ".sst", "x.sst", "MANIFEST-", "MANIFEST-1/2", "STATE", "CURRENT.tmp"}) {
    EXPECT_FALSE(IsSyncFileName(name)) << name;
    FullSyncTarget target(ReplicaDir());
    EXPECT_FALSE(
        target.Begin("id", {{"CURRENT", 1, "0"}, {"hearth.mark", 1, "0"}, {name, 1, "0"}}).ok());
  }
}

TEST_F(FullSyncTest, FilesThatAreHereAreNotFetched) {
  FullSyncTarget first(ReplicaDir());
  FetchAll(&first);
  ASSERT_TRUE(replica_->SwitchToIncoming().ok());
  Set("more", "1");
  Commit();
  clock_.AdvanceMs(400'000);
  ASSERT_TRUE(source_->Share(&checkpoint_).ok());
  FullSyncTarget second(ReplicaDir());
  ASSERT_TRUE(second.Begin(checkpoint_->id, checkpoint_->files).ok());
  EXPECT_LT(second.missing_bytes(), second.total_bytes() / 2);
  ASSERT_TRUE(Fetch(*checkpoint_, &second, 64 << 10).ok());
  ASSERT_TRUE(second.Finish().ok());
  ASSERT_TRUE(replica_->SwitchToIncoming().ok());
  EXPECT_EQ(GetOnReplica("more"), "1");
}

// Whatever step a crash comes at, the start finds the old data or the new, never none and never
// both.
TEST_F(FullSyncTest, ACrashDuringTheSwitchLeavesOldOrNew) {
  FillReplica();
  {
    FullSyncTarget target(ReplicaDir());
    FetchAll(&target);
  }
  replica_.reset();
  const std::string saved = replica_folder_.path() + "/saved";
  fs::copy(ReplicaDir(), saved, fs::copy_options::recursive);
  const auto restore = [&] {
    replica_.reset();
    fs::remove_all(ReplicaDir());
    fs::copy(saved, ReplicaDir(), fs::copy_options::recursive);
  };
  // Before the marker stands: the old data.
  OpenReplica();
  EXPECT_EQ(GetOnReplica("old:7"), "o");
  bool ended = false;
  int steps = 0;
  for (; !ended; ++steps) {
    SCOPED_TRACE("step " + std::to_string(steps));
    restore();
    ASSERT_TRUE(BeginSwitch(ReplicaDir()).ok());
    int left = steps;
    bool resumed;
    ended = ResolveSwitch(ReplicaDir(), ReplicaDir(), &resumed, [&] { return left-- > 0; }).ok();
    OpenReplica();
    ASSERT_NE(replica_, nullptr);
    ASSERT_EQ(GetOnReplica("key:7"), std::string(1000, 'n'));
    ASSERT_EQ(GetOnReplica("old:7"), "(nil)");
    ASSERT_EQ(replica_->log().committed_seq(), checkpoint_->sequence);
    ASSERT_FALSE(fs::exists(ReplicaDir() + "/SWITCH"));
  }
  EXPECT_GT(steps, 8);
}

TEST_F(FullSyncTest, LogsMayStandInAFolderOfTheirOwn) {
  replica_.reset();
  EngineOptions options = ReplicaOptions();
  fs::remove_all(options.store.dir);
  options.store.wal_dir = replica_folder_.path() + "/wal";
  for (const std::string& dir : {options.store.dir, options.store.wal_dir}) {
    fs::create_directories(dir);
  }
  ASSERT_TRUE(Engine::Open(options, &replica_).ok());
  FillReplica();
  FullSyncTarget target(options.store.dir);
  FetchAll(&target);
  ASSERT_TRUE(replica_->SwitchToIncoming().ok());
  ExpectReplicaFollows();
  replica_.reset();
  const Status status = Engine::Open(options, &replica_);
  ASSERT_TRUE(status.ok()) << status.message();
  EXPECT_EQ(GetOnReplica("after"), "1");
}

TEST_F(FullSyncTest, WhatAResyncGivesUpIsWrittenDown) {
  replica_->SetReplica(false);
  std::swap(engine_, replica_);
  const uint64_t shared_seq = engine_->log().committed_seq();
  Set("old:1", "diverged");
  Commit();
  InTx({"old:1"}, [](Tx& tx) { tx.Delete("old:1"); });
  Commit();
  std::string path;
  uint64_t group_count = 0;
  const Status status = engine_->WriteDiverged(shared_seq, folder_.path(), &path, &group_count);
  ASSERT_TRUE(status.ok()) << status.message();
  EXPECT_EQ(group_count, 2u);
  std::ifstream file(path);
  std::string line, text;
  while (std::getline(file, line)) text += line + "\n";
  EXPECT_NE(text.find("put head db=0"), std::string::npos) << text;
  EXPECT_NE(text.find("value=diverged"), std::string::npos) << text;
  EXPECT_NE(text.find("delete head db=0"), std::string::npos) << text;
  EXPECT_NE(path.find("diverged-" + engine_->log().replication_id()), std::string::npos);
  ASSERT_TRUE(
      engine_->WriteDiverged(engine_->log().committed_seq(), folder_.path(), &path, &group_count)
          .ok());
  EXPECT_TRUE(path.empty());
  std::swap(engine_, replica_);
}

}  // namespace
}  // namespace hearth
