#include "engine/start_check.h"

#include <filesystem>
#include <fstream>
#include <sstream>

#include "engine/manifest.h"
#include "engine/watermark.h"
#include "tests/engine/engine_fixture.h"

namespace hearth {
namespace {

namespace fs = std::filesystem;

class StartCheckTest : public EngineFixture {
 protected:
  std::string data_dir() { return folder_.path() + "/data"; }

  // The engine's files as a kill would leave them, in a second folder.
  void CopyAsKilled() {
    second_.reset();
    fs::remove_all(copy());
    fs::copy(data_dir(), copy(), fs::copy_options::recursive);
    fs::remove(copy() + "/LOCK");
  }
  std::string copy() { return folder_.path() + "/copy"; }

  std::string Wal() {
    std::string largest;
    for (const auto& entry : fs::directory_iterator(copy())) {
      if (entry.path().extension() != ".log") continue;
      if (largest.empty() || fs::file_size(entry) > fs::file_size(largest)) {
        largest = entry.path();
      }
    }
    return largest;
  }

  void Flip(const std::string& path, uint64_t offset) {
    std::fstream file(path, std::ios::in | std::ios::out | std::ios::binary);
    file.seekg(static_cast<std::streamoff>(offset));
    const char byte = static_cast<char>(file.get() ^ 1);
    file.seekp(static_cast<std::streamoff>(offset));
    file.put(byte);
  }

  Status OpenCopy(bool accept_data_loss = false) {
    second_.reset();
    warnings_.clear();
    EngineOptions options = Options();
    options.store.dir = copy();
    options.accept_data_loss = accept_data_loss;
    options.log = [this](int level, const std::string& line) {
      if (level >= 2) warnings_ += line + "\n";
    };
    return Engine::Open(std::move(options), &second_);
  }

  void WriteKeys(int count) {
    for (int i = 0; i < count; ++i) {
      Set("key" + std::to_string(i), std::string(100, 'v'));
      Commit();
    }
  }

  std::string Listing() {
    std::string text;
    std::vector<std::string> names;
    for (const auto& entry : fs::directory_iterator(copy())) {
      names.push_back(entry.path().filename().string() + " " +
                      std::to_string(fs::file_size(entry)));
    }
    std::sort(names.begin(), names.end());
    for (const std::string& name : names) text += name + "\n";
    return text;
  }

  std::unique_ptr<Engine> second_;
  std::string warnings_;
};

TEST_F(StartCheckTest, AKilledStoreStartsWithAllOfIt) {
  WriteKeys(100);
  CopyAsKilled();
  const Status status = OpenCopy();
  ASSERT_TRUE(status.ok()) << status.message();
  EXPECT_EQ(second_->keyspace().KeyCount(0), 100u);
  EXPECT_EQ(warnings_, "");
}

// Another store's logs would be replayed into this one where their sequences allow it.
TEST_F(StartCheckTest, AWalDirIsOneStoresAlone) {
  const auto open = [&](const std::string& dir, const std::string& wal_dir) {
    second_.reset();
    for (const std::string& name : {dir, wal_dir}) fs::create_directories(folder_.path() + name);
    EngineOptions options = Options();
    options.store.dir = folder_.path() + dir;
    options.store.wal_dir = folder_.path() + wal_dir;
    const Status status = Engine::Open(std::move(options), &second_);
    if (!status.ok()) second_.reset();
    return status;
  };
  ASSERT_TRUE(open("/a", "/a-wal").ok());
  ASSERT_TRUE(open("/b", "/b-wal").ok());
  ASSERT_TRUE(open("/a", "/a-wal").ok()) << "its own";
  for (const char* dir : {"/a", "/new", "/new"}) {  // the second start, too
    const Status refused = open(dir, "/b-wal");
    EXPECT_TRUE(refused.code() == Status::Code::kInvalid) << dir << ": " << refused.message();
    EXPECT_NE(refused.message().find("/b-wal"), std::string::npos) << refused.message();
  }
  EXPECT_FALSE(fs::exists(folder_.path() + "/new/CURRENT"));
  EXPECT_TRUE(open("/b", "/b-wal").ok());
}

// The mark is behind by up to a second; whose logs are missing can be told without it.
TEST_F(StartCheckTest, AKilledStoreIsNotStartedWithAnEmptyWalDir) {
  WriteKeys(10);
  CopyAsKilled();
  const std::string log = fs::path(Wal()).filename();
  const std::string elsewhere = folder_.path() + "/elsewhere";
  fs::create_directories(elsewhere);
  fs::rename(Wal(), elsewhere + "/" + log);
  const std::string before = Listing();
  const Status refused = OpenCopy();
  EXPECT_TRUE(refused.IsCorruption()) << refused.message();
  EXPECT_NE(refused.message().find("name the wal-dir"), std::string::npos) << refused.message();
  EXPECT_EQ(Listing(), before);
  fs::rename(elsewhere + "/" + log, copy() + "/" + log);
  ASSERT_TRUE(OpenCopy().ok());
  EXPECT_EQ(second_->keyspace().KeyCount(0), 10u);
  second_.reset();
  fs::rename(Wal(), elsewhere + "/" + log);
  EXPECT_TRUE(OpenCopy().ok()) << "a clean shutdown leaves nothing in the logs";
}

TEST_F(StartCheckTest, ATornEndIsCutWithAWarningThatSaysHowMuch) {
  WriteKeys(100);
  CopyAsKilled();
  fs::resize_file(Wal(), fs::file_size(Wal()) - 7);
  ASSERT_TRUE(OpenCopy().ok());
  EXPECT_EQ(second_->keyspace().KeyCount(0), 99u);
  EXPECT_NE(warnings_.find("bytes are dropped"), std::string::npos) << warnings_;
}

TEST_F(StartCheckTest, ADamagedMiddleRefusesAndChangesNothing) {
  WriteKeys(100);
  CopyAsKilled();
  Flip(Wal(), fs::file_size(Wal()) / 2);
  const std::string before = Listing();
  const Status status = OpenCopy();
  EXPECT_TRUE(status.IsCorruption());
  EXPECT_NE(status.message().find(Wal()), std::string::npos) << status.message();
  EXPECT_NE(status.message().find("accept-data-loss"), std::string::npos);
  EXPECT_EQ(Listing(), before);
  // The operator's word: what stands before the damage, under a new replication id.
  ASSERT_TRUE(OpenCopy(/*accept_data_loss=*/true).ok());
  EXPECT_LT(second_->keyspace().KeyCount(0), 100u);
  EXPECT_GT(second_->keyspace().KeyCount(0), 20u);
}

TEST_F(StartCheckTest, AnEndBelowWhatWasSyncedRefuses) {
  WriteKeys(100);
  ASSERT_TRUE(engine_->log().Sync().ok());
  ASSERT_TRUE(WriteWatermark(rocksdb::FileSystem::Default().get(), data_dir(),
                             {engine_->log().synced_seq(), false, BootId()})
                  .ok());
  CopyAsKilled();
  fs::resize_file(Wal(), fs::file_size(Wal()) - 500);
  const Status status = OpenCopy();
  EXPECT_TRUE(status.IsCorruption()) << status.message();
}

// A kill between the deletions of flushed logs may leave an old one and take the next.
TEST_F(StartCheckTest, AFlushedLogThatWasNotYetDeletedIsNoGap) {
  WriteKeys(50);
  CopyAsKilled();
  const std::string old_wal = Wal();
  const std::string saved = folder_.path() + "/" + fs::path(old_wal).filename().string();
  fs::copy_file(old_wal, saved);
  for (int i = 0; i < 2; ++i) {
    ASSERT_TRUE(engine_->store().Flush(true).ok());
    WriteKeys(60);
  }
  CopyAsKilled();
  fs::copy_file(saved, old_wal, fs::copy_options::overwrite_existing);
  const Status status = OpenCopy();
  ASSERT_TRUE(status.ok()) << status.message();
  EXPECT_EQ(second_->keyspace().KeyCount(0), 60u);
}

// Exactly: after flushes, after a compaction to the last level, and after a restart.
TEST_F(StartCheckTest, TheManifestTellsWhatIsFlushed) {
  const auto told = [this] {
    ManifestFacts facts;
    EXPECT_TRUE(ReadManifest(rocksdb::FileSystem::Default().get(), data_dir(), &facts).ok());
    EXPECT_TRUE(facts.known);
    return facts.flushed_seq;
  };
  for (int round = 0; round < 4; ++round) {
    EXPECT_EQ(told(), engine_->store().flushed_seq());
    WriteKeys(30);
    ASSERT_TRUE(engine_->store().Flush(true).ok());
    WriteKeys(10);
    EXPECT_EQ(told(), engine_->store().flushed_seq());
    if (round >= 1) {
      ASSERT_TRUE(engine_->store().db()->CompactRange({}, nullptr, nullptr).ok());
    }
    EXPECT_EQ(told(), engine_->store().flushed_seq());
    Reopen();
  }
}

// The logs from the first one on: without it the rest would be replayed over a hole.
TEST_F(StartCheckTest, AMissingFirstLogRefusesAndIsNamed) {
  for (const bool compacted : {false, true}) {
    WriteKeys(50);
    if (compacted) {  // a table of the last level bears no sequences any more
      ASSERT_TRUE(engine_->store().Flush(true).ok());
      ASSERT_TRUE(engine_->store().db()->CompactRange({}, nullptr, nullptr).ok());
    }
    Reopen();
    WriteKeys(50);
    ASSERT_TRUE(engine_->store().Flush(true).ok());
    WriteKeys(60);
    CopyAsKilled();
    const std::string first = Wal();
    // A second live log; the copy's MANIFEST does not know yet that the first was flushed.
    ASSERT_TRUE(engine_->store().Flush(true).ok());
    WriteKeys(70);
    for (const auto& entry : fs::directory_iterator(data_dir())) {
      if (entry.path().extension() != ".log") continue;
      fs::copy_file(entry.path(), copy() + "/" + entry.path().filename().string(),
                    fs::copy_options::overwrite_existing);
    }
    fs::rename(first, folder_.path() + "/first.log");
    const std::string before = Listing();
    const Status status = OpenCopy();
    EXPECT_TRUE(status.IsCorruption()) << status.message();
    EXPECT_NE(status.message().find("is missing"), std::string::npos) << status.message();
    EXPECT_EQ(Listing(), before);
    fs::rename(folder_.path() + "/first.log", first);
    ASSERT_TRUE(OpenCopy().ok()) << "with the file it starts";
    EXPECT_EQ(second_->keyspace().KeyCount(0), 70u);
    second_.reset();
  }
}

// The operator's word: what stands before the gap, and no hole.
// As when its first log is lost, or its MANIFEST is cut: then RocksDB would begin with the log that
// is there, and delete the table files that the MANIFEST does not name.
TEST_F(StartCheckTest, AStoreThatHasFlushedNothingHasItsFirstSequence) {
  WriteKeys(100);
  ASSERT_TRUE(engine_->store().Flush(/*wait=*/true).ok());
  WriteKeys(10);
  ManifestFacts facts;
  ASSERT_TRUE(ReadManifest(engine_->store().file_system(), data_dir(), &facts).ok());
  std::string manifest;
  for (const auto& entry : fs::directory_iterator(data_dir())) {
    const std::string name = entry.path().filename();
    if (name.starts_with("MANIFEST-")) manifest = name;
  }
  ASSERT_GT(facts.flushed_seq, 0u);
  size_t refused_count = 0;
  for (uint64_t size = fs::file_size(data_dir() + "/" + manifest) - 1; size > 0; --size) {
    CopyAsKilled();
    fs::resize_file(copy() + "/" + manifest, size);
    ManifestFacts cut;
    if (!ReadManifest(engine_->store().file_system(), copy(), &cut).ok() || !cut.known) continue;
    if (cut.flushed_seq >= facts.flushed_seq) continue;
    const std::string before = Listing();
    const Status status = OpenCopy();
    EXPECT_TRUE(status.IsCorruption()) << size << ": " << status.message();
    EXPECT_EQ(Listing(), before) << size;
    ++refused_count;
  }
  EXPECT_GT(refused_count, 0u);
}

TEST_F(StartCheckTest, AManifestThatCannotBeHadIsNamed) {
  WriteKeys(10);
  const auto expect_refused = [&](const std::string& why) {
    const std::string before = Listing();
    const Status status = OpenCopy();
    EXPECT_TRUE(status.IsCorruption()) << status.message();
    EXPECT_NE(status.message().find(why), std::string::npos) << status.message();
    EXPECT_NE(status.message().find("Ways out"), std::string::npos) << status.message();
    EXPECT_EQ(Listing(), before);
  };
  for (const std::string current :
       {"", "MANIFEST-", "MANIFEST-000005", "MANIFEST-00\xffx\n", "\n"}) {
    CopyAsKilled();
    std::ofstream(copy() + "/CURRENT") << current;
    expect_refused("/CURRENT is damaged");
  }
  CopyAsKilled();
  std::string current;
  std::getline(std::ifstream(copy() + "/CURRENT"), current);
  fs::remove(copy() + "/" + current);
  expect_refused(current + ", which CURRENT names, is missing");
}

TEST_F(StartCheckTest, AnUnloggedStoresManifestIsComparedToo) {
  ASSERT_TRUE(engine_->SetSyncPolicy(SyncPolicy::kOff).ok());
  Set("key", "value");
  ASSERT_TRUE(engine_->Shutdown().ok());
  Watermark mark;
  ASSERT_TRUE(ReadWatermark(engine_->store().file_system(), data_dir(), &mark).ok());
  EXPECT_TRUE(mark.clean);
  EXPECT_EQ(mark.synced_seq, engine_->log().committed_seq());
  EXPECT_GT(mark.synced_seq, 0u);
}

TEST_F(StartCheckTest, AcceptedLossDropsTheLogsBehindTheGap) {
  WriteKeys(60);
  ASSERT_TRUE(engine_->store().Flush(true).ok());
  for (int i = 0; i < 5; ++i) Set("behind" + std::to_string(i), "v");
  Commit();
  CopyAsKilled();
  const std::string first = Wal();
  ASSERT_TRUE(engine_->store().Flush(true).ok());
  Set("far", "v");
  Commit();
  for (const auto& entry : fs::directory_iterator(data_dir())) {
    if (entry.path().extension() != ".log") continue;
    fs::copy_file(entry.path(), copy() + "/" + entry.path().filename().string(),
                  fs::copy_options::overwrite_existing);
  }
  fs::remove(first);
  ASSERT_TRUE(OpenCopy().IsCorruption());
  ASSERT_TRUE(OpenCopy(/*accept_data_loss=*/true).ok());
  EXPECT_EQ(second_->keyspace().KeyCount(0), 60u);
  EXPECT_NE(warnings_.find(".lost"), std::string::npos) << warnings_;
}

TEST_F(StartCheckTest, AllLogsMissingRefusesWhenSyncedDataWasInThem) {
  WriteKeys(60);
  ASSERT_TRUE(engine_->log().Sync().ok());
  ASSERT_TRUE(WriteWatermark(rocksdb::FileSystem::Default().get(), data_dir(),
                             {engine_->log().synced_seq(), false, BootId()})
                  .ok());
  CopyAsKilled();
  fs::remove(Wal());
  const std::string before = Listing();
  const Status status = OpenCopy();
  EXPECT_TRUE(status.IsCorruption()) << status.message();
  EXPECT_EQ(Listing(), before);
}

TEST_F(StartCheckTest, AMissingStoreIsNeverReplacedByAnEmptyOne) {
  WriteKeys(10);
  CopyAsKilled();
  fs::remove(copy() + "/CURRENT");
  const std::string before = Listing();
  EXPECT_TRUE(OpenCopy().IsCorruption());
  EXPECT_EQ(Listing(), before);
}

TEST_F(StartCheckTest, AMissingTableFileRefusesAndIsNamed) {
  WriteKeys(100);
  ASSERT_TRUE(engine_->store().Flush(true).ok());
  CopyAsKilled();
  std::string table;
  for (const auto& entry : fs::directory_iterator(copy())) {
    if (entry.path().extension() == ".sst") table = entry.path();
  }
  fs::remove(table);
  const Status status = OpenCopy();
  EXPECT_FALSE(status.ok());
  EXPECT_NE(status.message().find(fs::path(table).filename()), std::string::npos)
      << status.message();
}

TEST_F(StartCheckTest, ASecondServerOnTheSameFolderIsRefused) {
  WriteKeys(1);
  EngineOptions options = Options();
  EXPECT_FALSE(Engine::Open(std::move(options), &second_).ok());
  EXPECT_EQ(Get("key0"), std::string(100, 'v'));
}

// `logfile` may well name a file among the data, and what it holds reads as no log of ours.
TEST_F(StartCheckTest, AForeignLogIsNoWal) {
  WriteKeys(10);
  CopyAsKilled();
  for (const char* name :
       {"redis.log", "out.log", "a.log", ".log", "12x.log", "zzzzzzzzzzzz.log"}) {
    std::ofstream(copy() + "/" + name) << std::string(100'000, 'x');
  }
  const Status status = OpenCopy();
  ASSERT_TRUE(status.ok()) << status.message();
  EXPECT_EQ(warnings_, "");
  EXPECT_EQ(second_->keyspace().KeyCount(0), 10u);
  EXPECT_EQ(fs::file_size(copy() + "/redis.log"), 100'000u);
}

TEST_F(StartCheckTest, AfterARestartOfTheMachineTheHistoryIsNew) {
  WriteKeys(10);
  const std::string id = engine_->log().replication_id();
  CopyAsKilled();
  ASSERT_TRUE(OpenCopy().ok());
  EXPECT_EQ(second_->log().replication_id(), id) << "a crash of the process alone";
  CopyAsKilled();
  ASSERT_TRUE(
      WriteWatermark(rocksdb::FileSystem::Default().get(), copy(), {0, false, "another-boot"})
          .ok());
  ASSERT_TRUE(OpenCopy().ok());
  EXPECT_NE(second_->log().replication_id(), id);
  EXPECT_EQ(second_->keyspace().KeyCount(0), 10u);
}

}  // namespace
}  // namespace hearth
