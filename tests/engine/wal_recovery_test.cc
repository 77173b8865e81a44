#include "engine/wal_recovery.h"

#include <algorithm>
#include <fstream>

#include "engine/checkpoint.h"
#include "engine/snapshot_copy.h"
#include "engine/wal_archive.h"
#include "engine/wal_reader.h"
#include "tests/engine/engine_fixture.h"

namespace hearth {
namespace {

namespace fs = std::filesystem;

// engine_ is the store that goes on; recovered_ is opened from the snapshot that was taken of it.
class WalRecoveryTest : public EngineFixture {
 protected:
  void SetUp() override {
    EngineFixture::SetUp();
    ASSERT_TRUE(engine_->feed().SetActive(true).ok());
    Write("before");
    SnapshotInfo info;
    const Status status = MakeCheckpoint(*engine_, {.dir = folder_.path() + "/snapshots"}, &info);
    ASSERT_TRUE(status.ok()) << status.message();
    snapshot_ = info.path;
    snapshot_seq_ = info.sequence;
  }

  static std::string ReadText(const std::string& path) {
    std::ifstream in(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
  }
  std::string WalDir() const { return folder_.path() + "/data"; }
  // A group of its own, a second after the one before.
  void Write(const std::string& key) {
    clock_.AdvanceMs(1000);
    Set(key, "1");
    Commit();
  }
  void Flush() { ASSERT_TRUE(engine_->store().Flush(/*wait=*/true).ok()); }
  void InAll(const std::function<void(Tx&)>& change) {
    clock_.AdvanceMs(1000);
    {
      Tx tx(engine_->keyspace(), {}, clock_.WallMs(), {.write = true, .lock_all = true});
      ASSERT_EQ(tx.state(), Tx::State::kReady);
      change(tx);
    }
    Commit();
  }
  uint64_t Seq() { return engine_->log().committed_seq(); }
  uint64_t NowMs() { return static_cast<uint64_t>(clock_.WallMs()); }

  void OpenSnapshot() {
    recovered_.reset();
    EngineOptions options = Options();
    ASSERT_TRUE(PrepareDataDir(snapshot_, &options.store.dir).ok());
    options.replica = true;
    const Status status = Engine::Open(options, &recovered_);
    ASSERT_TRUE(status.ok()) << status.message();
  }
  Status Recover(const RecoveryTarget& target) {
    report_ = {};
    return RecoverFromWal(
        *recovered_, WalDir(), target, [](uint64_t) {}, &report_);
  }
  // The keys of database 0 of a snapshot that is recovered so; or what went wrong.
  std::string KeysUntil(const RecoveryTarget& target) {
    OpenSnapshot();
    const Status status = Recover(target);
    std::string keys = status.ok() ? Keys() : status.message();
    Drop();
    return keys;
  }
  std::string Keys() {
    std::vector<std::string> keys;
    uint64_t seq;
    const Status status = recovered_->store().Scan("k", "l", &seq, [&](auto key, auto value) {
      const std::string text = RowText(key, value);
      const size_t at = text.find("key=") + 4;
      keys.push_back(text.substr(at, text.find(' ', at) - at));
      return true;
    });
    EXPECT_TRUE(status.ok()) << status.message();
    std::sort(keys.begin(), keys.end());
    std::string text;
    for (const std::string& key : keys) text += (text.empty() ? "" : " ") + key;
    return text;
  }
  void Drop() {
    ASSERT_TRUE(recovered_->Shutdown().ok());
    recovered_.reset();
    fs::remove_all(snapshot_ + ".opened");
  }
  // The WAL files from the snapshot on, the oldest first; the one before that is removed.
  std::vector<std::string> WalFiles() {
    WalArchive archive(rocksdb::FileSystem::Default(), WalDir());
    std::vector<WalArchive::File> files;
    EXPECT_TRUE(archive.List(&files).ok());
    std::vector<std::string> paths;
    for (const auto& file : files) {
      char name[32];
      std::snprintf(name, sizeof(name), "/%06d.log", static_cast<int>(file.number));
      paths.push_back(WalDir() + (file.live ? "" : "/replication") + name);
      if (file.first_seq <= snapshot_seq_) {
        fs::remove(paths.back());
        paths.pop_back();
      }
    }
    return paths;
  }

  std::string snapshot_;
  uint64_t snapshot_seq_ = 0;
  std::unique_ptr<Engine> recovered_;
  RecoveryReport report_;
};

TEST_F(WalRecoveryTest, UpToTheEndASequenceOrATime) {
  Write("a");
  const uint64_t a_seq = Seq(), a_ms = NowMs();
  Write("b");
  Flush();
  Write("c");
  EXPECT_EQ(KeysUntil({}), "a b before c");
  EXPECT_FALSE(report_.reached_target);
  EXPECT_FALSE(report_.is_torn);
  EXPECT_EQ(report_.begin_seq, snapshot_seq_);
  EXPECT_EQ(report_.end_seq, Seq());
  EXPECT_EQ(report_.end_ms, NowMs());
  EXPECT_EQ(report_.group_count, 3u);
  EXPECT_EQ(KeysUntil({.seq = a_seq}), "a before");
  EXPECT_TRUE(report_.reached_target);
  EXPECT_EQ(report_.next_ms, a_ms + 1000);
  EXPECT_NE(report_.next_text.find("key=b"), std::string::npos) << report_.next_text;
  EXPECT_EQ(KeysUntil({.seq = a_seq + 1}), "a before") << "within the group of b";
  EXPECT_EQ(KeysUntil({.seq = a_seq - 1}), "before") << "within the group of a";
  EXPECT_EQ(KeysUntil({.commit_ms = a_ms}), "a before");
  EXPECT_EQ(KeysUntil({.commit_ms = a_ms + 999}), "a before");
  EXPECT_EQ(KeysUntil({.commit_ms = a_ms + 1000}), "a b before");
  EXPECT_EQ(KeysUntil({.commit_ms = 1}), "before");
  EXPECT_EQ(report_.group_count, 0u);
}

TEST_F(WalRecoveryTest, UpToAFlush) {
  Write("a");
  InAll([](Tx& tx) { tx.SwapDb(0, 1); });
  InAll([](Tx& tx) { tx.SwapDb(0, 1); });
  Write("b");
  Set("elsewhere", "1", Expiry::None(), 3);
  Commit();
  InAll([](Tx& tx) { tx.FlushDb(3); });
  Write("c");
  InAll([](Tx& tx) { tx.FlushDb(0); });
  EXPECT_EQ(KeysUntil({.before_flush = true}), "a b before elsewhere");
  const uint64_t seq = report_.end_seq;
  EXPECT_EQ(KeysUntil({.seq = seq + 1000, .before_flush = true}), "a b before elsewhere");
  EXPECT_EQ(KeysUntil({}), "");
}

// What it was up to there is still what it was; from there on it is something else.
TEST_F(WalRecoveryTest, AHistoryOfItsOwnBegins) {
  Write("a");
  const History before = engine_->log().history();
  OpenSnapshot();
  ASSERT_TRUE(Recover({}).ok());
  EXPECT_FALSE(recovered_->is_replica());
  const History after = recovered_->log().history();
  EXPECT_NE(after.id, before.id);
  EXPECT_EQ(after.id2, before.id);
  EXPECT_EQ(after.id2_seq, Seq());
  std::string differences;
  ASSERT_TRUE(recovered_->keyspace().VerifyAgainstStore(&differences).ok());
  EXPECT_EQ(differences, "");
  // It is not to be taken further by what is no longer its own past.
  Write("b");
  recovered_->SetReplica(true);
  const Status status = Recover({});
  EXPECT_EQ(status.code(), Status::Code::kInvalid) << status.message();
  Drop();
}

TEST_F(WalRecoveryTest, ARenewedHistoryIsFollowed) {
  Write("a");
  ASSERT_TRUE(engine_->RenewHistory().ok());
  Write("b");
  ASSERT_TRUE(engine_->RenewHistory().ok());
  Write("c");
  EXPECT_EQ(KeysUntil({}), "a b before c");
}

TEST_F(WalRecoveryTest, AnotherHistoryIsRefused) {
  Write("a");
  OpenSnapshot();
  ASSERT_TRUE(recovered_->RenewHistory().ok()) << "it went its own way";
  Write("b");
  const Status status = Recover({});
  EXPECT_EQ(status.code(), Status::Code::kInvalid) << status.message();
  EXPECT_EQ(Keys(), "before");
  Drop();
}

TEST_F(WalRecoveryTest, AMissingPartIsNamed) {
  Write("a");
  Flush();
  Write("b");
  Flush();
  Write("c");
  const std::vector<std::string> files = WalFiles();
  ASSERT_EQ(files.size(), 3u);
  fs::rename(files[1], files[1] + ".away");
  const uint64_t b_seq = Seq() - 3;
  EXPECT_EQ(KeysUntil({}), "the history does not reach sequence " + std::to_string(b_seq) +
                               "; there is more behind that");
  // What is asked for is there.
  EXPECT_EQ(KeysUntil({.seq = b_seq - 1}), "the history does not reach sequence " +
                                               std::to_string(b_seq) +
                                               "; there is more behind that")
      << "whether a group ended there can't be told";
  fs::rename(files[0], files[0] + ".away");
  EXPECT_EQ(KeysUntil({}), "the write-ahead log begins at sequence " + std::to_string(b_seq + 2) +
                               ", the store ends at " + std::to_string(snapshot_seq_));
  fs::rename(files[2], files[2] + ".away");
  EXPECT_EQ(KeysUntil({}), "there is no write-ahead log");
  for (const std::string& file : files) fs::rename(file + ".away", file);
  EXPECT_EQ(KeysUntil({}), "a b before c");
}

// What was written without a log is in none of its files.
TEST_F(WalRecoveryTest, AGapIsNotTheEnd) {
  Write("a");
  const uint64_t gap_seq = Seq() + 1;
  ASSERT_TRUE(engine_->SetSyncPolicy(SyncPolicy::kOff).ok());
  Write("b");
  ASSERT_TRUE(engine_->SetSyncPolicy(SyncPolicy::kEverySec).ok());
  Write("c");
  const std::string told = KeysUntil({});
  EXPECT_NE(told.find("sequence " + std::to_string(gap_seq)), std::string::npos) << told;
  EXPECT_NE(told.find("; there is more behind that"), std::string::npos) << told;
  EXPECT_EQ(KeysUntil({.seq = gap_seq - 1}), told) << "whether that is a group's end can't be told";
}

TEST_F(WalRecoveryTest, DamageOrAGapWithinTheLastFileIsNotTheEnd) {
  for (const char* key : {"a", "middle", "c"}) Write(key);
  ASSERT_EQ(WalFiles().size(), 1u);
  const std::string path = WalFiles()[0], whole = ReadText(path);
  const auto replace_by = [&](const std::string& contents) {
    std::ofstream(path + ".copy", std::ios::binary) << contents;
    fs::rename(path + ".copy", path);  // the engine has its own still
  };
  std::vector<size_t> ends;
  WalReader reader(whole);
  for (WalReader::Record record; reader.Read(&record);) ends.push_back(reader.good_offset());
  ASSERT_EQ(ends.size(), 3u);
  std::string damaged = whole;
  damaged[whole.find("middle")] = 'x';
  replace_by(damaged);
  std::string told = KeysUntil({});
  EXPECT_NE(told.find(" is damaged at offset " + std::to_string(ends[0])), std::string::npos)
      << told;
  replace_by(whole.substr(0, ends[0]) + whole.substr(ends[1]));
  told = KeysUntil({});
  EXPECT_NE(told.find("has nothing from sequence "), std::string::npos) << told;
  replace_by(whole.substr(0, ends[1]));
  EXPECT_EQ(KeysUntil({}), "a before middle");
  EXPECT_FALSE(report_.is_torn);
}

TEST_F(WalRecoveryTest, ATornEndIsTheEndAndADamagedMiddleIsNot) {
  Write("a");
  Flush();
  Write("b");
  Write("c");
  const std::vector<std::string> files = WalFiles();
  ASSERT_EQ(files.size(), 2u);
  const std::string whole = ReadText(files[1]);
  const size_t end = whole.find_last_not_of('\0');
  const auto with = [&](size_t at, char byte) {
    std::string changed = whole;
    changed[at] = byte;
    std::ofstream(files[1] + ".copy", std::ios::binary) << changed;
    fs::rename(files[1] + ".copy", files[1]);  // the engine has its own still
  };
  with(end, static_cast<char>(~whole[end]));
  EXPECT_EQ(KeysUntil({}), "a b before");
  EXPECT_TRUE(report_.is_torn);

  with(20, static_cast<char>(~whole[20]));
  Flush();  // another file begins
  Write("d");
  ASSERT_EQ(WalFiles().size(), 3u);
  OpenSnapshot();
  Status status = Recover({});
  EXPECT_TRUE(status.IsCorruption()) << status.message();
  EXPECT_EQ(Keys(), "a before");
  EXPECT_TRUE(recovered_->is_replica());
  // Mended, the same call goes on.
  std::ofstream(WalFiles()[1], std::ios::binary) << whole;
  status = Recover({});
  EXPECT_TRUE(status.ok()) << status.message();
  EXPECT_EQ(Keys(), "a b before c d");
  Drop();
}

}  // namespace
}  // namespace hearth
