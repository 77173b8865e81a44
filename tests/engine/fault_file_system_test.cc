// The disk that fails, under plain files and under a real RocksDB.
#include "tests/faults/fault_file_system.h"

#include <gtest/gtest.h>
#include <rocksdb/db.h>
#include <rocksdb/env.h>
#include <rocksdb/utilities/checkpoint.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cstdarg>
#include <filesystem>
#include <memory>
#include <string>
#include <thread>
#include <vector>

namespace hearth {
namespace {

using rocksdb::IOStatus;

class FaultFileSystemTest : public testing::Test {
 protected:
  FaultFileSystemTest()
      : root_(testing::TempDir() + "hearth_faults_" + std::to_string(getpid())),
        directory_(root_ + "/data") {
    std::filesystem::remove_all(root_);
    std::filesystem::create_directories(directory_);
    disk_ = std::make_shared<FaultFileSystem>(rocksdb::FileSystem::Default(), root_ + "/graves");
  }
  ~FaultFileSystemTest() override { std::filesystem::remove_all(root_); }

  std::string Path(const std::string& name) const { return directory_ + "/" + name; }

  std::unique_ptr<rocksdb::FSWritableFile> Create(const std::string& name) {
    std::unique_ptr<rocksdb::FSWritableFile> file;
    EXPECT_TRUE(disk_->NewWritableFile(Path(name), {}, &file, nullptr).ok());
    return file;
  }
  void Write(const std::string& name, const std::string& bytes, bool sync) {
    auto file = Create(name);
    EXPECT_TRUE(file->Append(bytes, {}, nullptr).ok());
    if (sync) {
      EXPECT_TRUE(file->Sync({}, nullptr).ok());
    }
    EXPECT_TRUE(file->Close({}, nullptr).ok());
  }
  void Rename(const std::string& from, const std::string& to) {
    EXPECT_TRUE(disk_->RenameFile(Path(from), Path(to), {}, nullptr).ok());
  }
  void Link(const std::string& from, const std::string& to) {
    EXPECT_TRUE(disk_->LinkFile(Path(from), Path(to), {}, nullptr).ok());
  }
  void Delete(const std::string& name) {
    EXPECT_TRUE(disk_->DeleteFile(Path(name), {}, nullptr).ok());
  }
  IOStatus SyncDirectory() {
    std::unique_ptr<rocksdb::FSDirectory> directory;
    const IOStatus status = disk_->NewDirectory(directory_, {}, &directory, nullptr);
    return status.ok() ? directory->Fsync({}, nullptr) : status;
  }

  // The directory as "name=bytes name=bytes", sorted.
  std::string Printed() const {
    std::vector<std::string> files;
    for (const auto& entry : std::filesystem::directory_iterator(directory_)) {
      std::string bytes;
      EXPECT_TRUE(rocksdb::ReadFileToString(rocksdb::Env::Default(), entry.path(), &bytes).ok());
      std::replace(bytes.begin(), bytes.end(), '\0', '0');
      files.push_back(entry.path().filename().string() + "=" + bytes);
    }
    std::sort(files.begin(), files.end());
    std::string printed;
    for (const auto& file : files) printed += (printed.empty() ? "" : " ") + file;
    return printed;
  }

  const std::string root_;
  const std::string directory_;
  std::shared_ptr<FaultFileSystem> disk_;
};

// ---- Power loss, plain files -------------------------------------------------------------------

TEST_F(FaultFileSystemTest, AFileNeedsItsOwnSyncAndItsDirectorys) {
  Write("neither", "x", /*sync=*/false);
  Write("file", "x", /*sync=*/true);
  disk_->DropUnsynced();
  EXPECT_EQ(Printed(), "");

  Write("directory", "x", /*sync=*/false);
  Write("both", "x", /*sync=*/true);
  EXPECT_TRUE(SyncDirectory().ok());
  Write("late", "x", /*sync=*/true);
  disk_->DropUnsynced();
  EXPECT_EQ(Printed(), "both=x directory=");
}

TEST_F(FaultFileSystemTest, AFileKeepsWhatItHadAtItsLastSync) {
  auto file = Create("log");
  EXPECT_TRUE(SyncDirectory().ok());
  EXPECT_TRUE(file->Append("one", {}, nullptr).ok());
  EXPECT_TRUE(file->Sync({}, nullptr).ok());
  EXPECT_TRUE(file->Append("two", {}, nullptr).ok());
  EXPECT_EQ(Printed(), "log=onetwo");
  file.reset();
  disk_->DropUnsynced();
  EXPECT_EQ(Printed(), "log=one");
}

// The usual way to replace a small file, and what is left when its last step is forgotten.
TEST_F(FaultFileSystemTest, ARenameNeedsItsDirectorysSync) {
  Write("CURRENT", "old", /*sync=*/true);
  EXPECT_TRUE(SyncDirectory().ok());
  Write("CURRENT.tmp", "new", /*sync=*/true);
  Rename("CURRENT.tmp", "CURRENT");
  EXPECT_EQ(Printed(), "CURRENT=new");
  disk_->DropUnsynced();
  EXPECT_EQ(Printed(), "CURRENT=old");

  Write("CURRENT.tmp", "new", /*sync=*/true);
  Rename("CURRENT.tmp", "CURRENT");
  EXPECT_TRUE(SyncDirectory().ok());
  disk_->DropUnsynced();
  EXPECT_EQ(Printed(), "CURRENT=new");
}

TEST_F(FaultFileSystemTest, ADeletionNeedsItsDirectorysSync) {
  Write("a", "1", /*sync=*/true);
  Write("b", "2", /*sync=*/true);
  EXPECT_TRUE(SyncDirectory().ok());
  Delete("a");
  Rename("b", "c");
  Delete("c");
  EXPECT_EQ(Printed(), "");
  disk_->DropUnsynced();
  EXPECT_EQ(Printed(), "a=1 b=2");

  Delete("a");
  EXPECT_TRUE(SyncDirectory().ok());
  disk_->DropUnsynced();
  EXPECT_EQ(Printed(), "b=2");
}

// Two names, one file: bytes are synced for both, names one by one.
TEST_F(FaultFileSystemTest, AHardLinkSharesItsBytes) {
  auto file = Create("a");
  EXPECT_TRUE(file->Append("12", {}, nullptr).ok());
  Link("a", "b");
  EXPECT_TRUE(SyncDirectory().ok());
  Link("a", "late");
  Delete("a");
  EXPECT_TRUE(file->Sync({}, nullptr).ok());
  EXPECT_TRUE(file->Append("34", {}, nullptr).ok());
  file.reset();
  EXPECT_EQ(Printed(), "b=1234 late=1234");
  disk_->DropUnsynced();
  EXPECT_EQ(Printed(), "a=12 b=12");
}

TEST_F(FaultFileSystemTest, FilesThatWereThereBeforeAreDurable) {
  std::filesystem::create_directories(directory_);
  EXPECT_TRUE(rocksdb::WriteStringToFile(rocksdb::Env::Default(), "x", Path("before")).ok());
  EXPECT_TRUE(rocksdb::WriteStringToFile(rocksdb::Env::Default(), "y", Path("untouched")).ok());
  Rename("before", "after");
  disk_->DropUnsynced();
  EXPECT_EQ(Printed(), "before=x untouched=y");
}

// A sync that succeeds after one that failed does not bring the lost bytes back.
TEST_F(FaultFileSystemTest, AFailedSyncLosesBytesForGood) {
  auto file = Create("log");
  EXPECT_TRUE(SyncDirectory().ok());
  EXPECT_TRUE(file->Append("ab", {}, nullptr).ok());
  EXPECT_TRUE(file->Sync({}, nullptr).ok());
  EXPECT_TRUE(file->Append("cd", {}, nullptr).ok());
  disk_->Inject({.match = {.op = FileOp::kSync}});
  EXPECT_TRUE(file->Sync({}, nullptr).IsIOError());
  EXPECT_EQ(Printed(), "log=abcd");
  EXPECT_TRUE(file->Append("ef", {}, nullptr).ok());
  EXPECT_TRUE(file->Sync({}, nullptr).ok());
  file.reset();
  disk_->DropUnsynced();
  EXPECT_EQ(Printed(), "log=ab00ef");
}

TEST_F(FaultFileSystemTest, AFailedSyncCanLoseBytesAtOnce) {
  auto file = Create("log");
  EXPECT_TRUE(file->Append("ab", {}, nullptr).ok());
  EXPECT_TRUE(file->Sync({}, nullptr).ok());
  EXPECT_TRUE(file->Append("cd", {}, nullptr).ok());
  disk_->Inject({.match = {.op = FileOp::kSync}, .error = FaultError::kSyncLosesData});
  EXPECT_TRUE(file->Sync({}, nullptr).IsIOError());
  EXPECT_EQ(Printed(), "log=ab");
}

// ---- Faults and stalls -------------------------------------------------------------------------

TEST_F(FaultFileSystemTest, TheNthOperationOfAKindFails) {
  disk_->Inject({.match = {.op = FileOp::kAppend, .name_part = ".log"},
                 .error = FaultError::kNoSpace,
                 .nth = 2,
                 .torn_size = 1});
  auto log = Create("1.log");
  auto other = Create("1.sst");
  EXPECT_TRUE(other->Append("xx", {}, nullptr).ok());
  EXPECT_TRUE(log->Append("ab", {}, nullptr).ok());
  EXPECT_TRUE(log->Append("cd", {}, nullptr).IsNoSpace());
  EXPECT_TRUE(log->Append("ef", {}, nullptr).ok());
  EXPECT_EQ(Printed(), "1.log=abcef 1.sst=xx");
  EXPECT_EQ(disk_->Count(FileOp::kAppend), 4u);
  EXPECT_EQ(disk_->failed_count(), 1u);
}

TEST_F(FaultFileSystemTest, AllOperationsFailUntilHealed) {
  disk_->Inject({.match = {.op = FileOp::kDirSync}, .nth = 2, .and_all_after = true});
  EXPECT_TRUE(SyncDirectory().ok());
  EXPECT_TRUE(SyncDirectory().IsIOError());
  EXPECT_TRUE(SyncDirectory().IsIOError());
  disk_->Heal();
  EXPECT_TRUE(SyncDirectory().ok());
}

TEST_F(FaultFileSystemTest, EveryKindCanFail) {
  Write("a", "x", /*sync=*/true);
  for (const FileOp op : {FileOp::kCreate, FileOp::kOpen, FileOp::kRead, FileOp::kRename,
                          FileOp::kDelete, FileOp::kLink}) {
    disk_->Inject({.match = {.op = op}});
  }
  std::unique_ptr<rocksdb::FSWritableFile> created;
  EXPECT_TRUE(disk_->NewWritableFile(Path("b"), {}, &created, nullptr).IsIOError());
  std::unique_ptr<rocksdb::FSSequentialFile> opened;
  EXPECT_TRUE(disk_->NewSequentialFile(Path("a"), {}, &opened, nullptr).IsIOError());
  EXPECT_TRUE(disk_->NewSequentialFile(Path("a"), {}, &opened, nullptr).ok());
  char scratch[8];
  rocksdb::Slice read;
  EXPECT_TRUE(opened->Read(1, {}, &read, scratch, nullptr).IsIOError());
  EXPECT_TRUE(disk_->RenameFile(Path("a"), Path("b"), {}, nullptr).IsIOError());
  EXPECT_TRUE(disk_->DeleteFile(Path("a"), {}, nullptr).IsIOError());
  EXPECT_TRUE(disk_->LinkFile(Path("a"), Path("b"), {}, nullptr).IsIOError());
  EXPECT_EQ(Printed(), "a=x");
}

TEST_F(FaultFileSystemTest, AFrozenOperationWaitsForItsRelease) {
  disk_->Freeze({.op = FileOp::kSync, .name_part = ".log"});
  auto file = Create("1.log");
  EXPECT_TRUE(file->Append("x", {}, nullptr).ok());
  std::atomic<bool> synced{false};
  std::thread writer([&] {
    EXPECT_TRUE(file->Sync({}, nullptr).ok());
    synced = true;
  });
  disk_->WaitForFrozen(1);
  EXPECT_FALSE(synced);
  Write("other", "x", /*sync=*/true);
  disk_->Release();
  writer.join();
  EXPECT_TRUE(synced);
}

// ---- Under RocksDB -----------------------------------------------------------------------------

class QuietLogger : public rocksdb::Logger {
 public:
  using Logger::Logv;
  void Logv(const char* /*format*/, va_list /*arguments*/) override {}
};

class FaultsUnderRocksDb : public FaultFileSystemTest {
 protected:
  FaultsUnderRocksDb() : env_(rocksdb::NewCompositeEnv(disk_)) {
    options_.create_if_missing = true;
    options_.env = env_.get();
    options_.info_log = std::make_shared<QuietLogger>();
    options_.wal_recovery_mode = rocksdb::WALRecoveryMode::kPointInTimeRecovery;
  }
  void Open() {
    rocksdb::DB* db = nullptr;
    const auto status = rocksdb::DB::Open(options_, directory_ + "/db", &db);
    ASSERT_TRUE(status.ok()) << status.ToString();
    db_.reset(db);
  }
  void Close() { db_.reset(); }
  rocksdb::Status Put(int i, bool sync = false) {
    rocksdb::WriteOptions options;
    options.sync = sync;
    return db_->Put(options, "key" + std::to_string(i), std::string(100, 'v'));
  }
  void PutMany(int count) {
    for (int i = 0; i < count; ++i) ASSERT_TRUE(Put(i).ok());
  }
  int CountKeys() {
    std::unique_ptr<rocksdb::Iterator> it(db_->NewIterator({}));
    int count = 0;
    for (it->SeekToFirst(); it->Valid(); it->Next()) ++count;
    EXPECT_TRUE(it->status().ok());
    return count;
  }
  int CountKeysAfterPowerLoss() {
    Close();
    disk_->DropUnsynced();
    Open();
    return CountKeys();
  }

  std::unique_ptr<rocksdb::Env> env_;
  rocksdb::Options options_;
  std::unique_ptr<rocksdb::DB> db_;
};

TEST_F(FaultsUnderRocksDb, WritesWithoutSyncAreLost) {
  Open();
  PutMany(1000);
  EXPECT_EQ(CountKeysAfterPowerLoss(), 0);
}

TEST_F(FaultsUnderRocksDb, WritesBeforeASyncWalAreKept) {
  Open();
  PutMany(1000);
  ASSERT_TRUE(db_->SyncWAL().ok());
  ASSERT_TRUE(Put(1000).ok());
  EXPECT_EQ(CountKeysAfterPowerLoss(), 1000);
}

TEST_F(FaultsUnderRocksDb, FlushedWritesAreKept) {
  Open();
  PutMany(1000);
  ASSERT_TRUE(db_->Flush({}).ok());
  ASSERT_TRUE(Put(1000).ok());
  EXPECT_EQ(CountKeysAfterPowerLoss(), 1000);
}

// The store goes through many files and comes back from each power loss with a prefix.
TEST_F(FaultsUnderRocksDb, EveryPowerLossLeavesWhatWasSynced) {
  Open();
  for (int round = 1; round <= 5; ++round) {
    for (int i = 0; i < 100; ++i) ASSERT_TRUE(Put(round * 1000 + i).ok());
    if (round % 2 == 0) {
      ASSERT_TRUE(db_->CompactRange({}, nullptr, nullptr).ok());
    }
    ASSERT_TRUE(db_->SyncWAL().ok());
    ASSERT_TRUE(Put(round * 1000 + 999).ok());
    disk_->PowerOff();
    ASSERT_EQ(CountKeysAfterPowerLoss(), round * 100);
  }
}

TEST_F(FaultsUnderRocksDb, ACheckpointSurvives) {
  Open();
  PutMany(1000);
  ASSERT_TRUE(db_->Flush({}).ok());
  rocksdb::Checkpoint* made = nullptr;
  ASSERT_TRUE(rocksdb::Checkpoint::Create(db_.get(), &made).ok());
  const std::unique_ptr<rocksdb::Checkpoint> checkpoint(made);
  ASSERT_TRUE(checkpoint->CreateCheckpoint(directory_ + "/checkpoint").ok());
  Close();
  disk_->DropUnsynced();
  rocksdb::DB* db = nullptr;
  ASSERT_TRUE(rocksdb::DB::OpenForReadOnly(options_, directory_ + "/checkpoint", &db).ok());
  db_.reset(db);
  EXPECT_EQ(CountKeys(), 1000);
}

TEST_F(FaultsUnderRocksDb, AFullDiskIsReportedToTheWriter) {
  Open();
  PutMany(10);
  disk_->Inject({.match = {.op = FileOp::kAppend, .name_part = ".log"},
                 .error = FaultError::kNoSpace,
                 .and_all_after = true});
  const auto status = Put(10);
  EXPECT_TRUE(status.IsNoSpace()) << status.ToString();
  disk_->Heal();
  Close();
  Open();
  EXPECT_EQ(CountKeys(), 10);
}

TEST_F(FaultsUnderRocksDb, AFailedFsyncIsReportedToTheWriter) {
  Open();
  ASSERT_TRUE(Put(0, /*sync=*/true).ok());
  disk_->Inject({.match = {.op = FileOp::kSync, .name_part = ".log"}});
  EXPECT_FALSE(Put(1, /*sync=*/true).ok());
  EXPECT_EQ(CountKeysAfterPowerLoss(), 1);
}

TEST_F(FaultsUnderRocksDb, AStalledFsyncHoldsTheWriterOnly) {
  Open();
  PutMany(10);
  disk_->Freeze({.op = FileOp::kSync, .name_part = ".log"});
  std::thread writer([&] { EXPECT_TRUE(Put(10, /*sync=*/true).ok()); });
  disk_->WaitForFrozen(1);
  EXPECT_EQ(CountKeys(), 10);
  disk_->Release();
  writer.join();
  EXPECT_EQ(CountKeys(), 11);
}

}  // namespace
}  // namespace hearth
