#include "engine/replication_feed.h"

#include <fstream>

#include "engine/watermark.h"
#include "tests/engine/engine_fixture.h"
#include "tests/faults/fault_file_system.h"

namespace hearth {
namespace {

namespace fs = std::filesystem;

class ReplicationFeedTest : public EngineFixture {
 protected:
  void SetUp() override {
    EngineFixture::SetUp();
    ASSERT_TRUE(engine_->feed().SetActive(true).ok());
  }

  void Write(int first, int last) {
    for (int i = first; i <= last; ++i) {
      Set("key:" + std::to_string(i), std::string(100, 'v'));
      Commit();
    }
  }

  // All groups from from_seq on, through a cursor where the ring is too short; checks that each
  // follows on the one before.
  Status ReadAll(uint64_t from_seq, ReplicationFeed::Groups* groups, int* from_wal = nullptr) {
    ReplicationFeed& feed = engine_->feed();
    std::unique_ptr<WalCursor> cursor;
    while (true) {
      ReplicationFeed::Groups piece;
      Status status = feed.Read(from_seq, 1000, &piece);
      if (status.code() == Status::Code::kBusy) {
        if (cursor == nullptr) cursor = feed.NewCursor(from_seq);
        status = feed.ReadFromWal(cursor.get(), 1000, &piece);
        if (from_wal != nullptr) *from_wal += static_cast<int>(piece.size());
      }
      if (!status.ok()) return status;
      if (piece.empty()) return status;
      for (const auto& group : piece) {
        EXPECT_EQ(group->first_seq, from_seq);
        std::string error;
        StoreState state;
        EXPECT_TRUE(ValidateGroup(group->payload, from_seq, 16, &state, &error)) << error;
        from_seq = group->last_seq() + 1;
        groups->push_back(group);
      }
    }
  }

  void Flush() {
    Commit();
    ASSERT_TRUE(engine_->store().Flush(/*wait=*/true).ok());
  }

  std::vector<std::string> RetainedFiles() {
    std::vector<std::string> names;
    std::error_code error;
    for (const auto& entry : fs::directory_iterator(Folder(), error)) {
      if (entry.path().extension() == ".log") names.push_back(entry.path().filename());
    }
    std::sort(names.begin(), names.end());
    return names;
  }
  std::string Folder() const { return folder_.path() + "/data/replication"; }
  uint64_t Next() { return engine_->log().committed_seq() + 1; }
};

TEST_F(ReplicationFeedTest, GroupsComeAsTheyWereCommitted) {
  const uint64_t from = Next();
  Set("a", "1");
  Set("b", "2");
  Commit();
  Set("c", "3");
  ReplicationFeed::Groups groups;
  ASSERT_TRUE(engine_->feed().Read(from, SIZE_MAX, &groups).ok());
  ASSERT_EQ(groups.size(), 1u) << "what is not committed is not there";
  EXPECT_EQ(groups[0]->first_seq, from);
  EXPECT_EQ(groups[0]->count, 3u) << "two rows and the state row";
  Commit();
  ASSERT_TRUE(engine_->feed().Read(groups[0]->last_seq() + 1, SIZE_MAX, &groups).ok());
  ASSERT_EQ(groups.size(), 2u);
  EXPECT_EQ(groups[1]->last_seq(), engine_->log().committed_seq());
}

TEST_F(ReplicationFeedTest, OnlyGroupBoundariesAreResumedAt) {
  const uint64_t from = Next();
  Write(1, 3);
  ReplicationFeed& feed = engine_->feed();
  ReplicationFeed::Groups groups;
  EXPECT_TRUE(feed.Read(from + 1, 1, &groups).IsNotFound()) << "within a group";
  EXPECT_TRUE(feed.Read(Next() + 1, 1, &groups).IsNotFound()) << "from the future";
  EXPECT_TRUE(feed.Read(0, 1, &groups).IsNotFound());
  EXPECT_TRUE(feed.Read(Next(), 1, &groups).ok()) << "up to date";
  EXPECT_TRUE(groups.empty());
  WalCursor cursor(engine_->store().wal_archive().get(), from + 1);
  EXPECT_TRUE(cursor.Read(feed.last_seq(), 1, &groups).IsNotFound());
  EXPECT_FALSE(feed.Reaches(from + 1));
  EXPECT_TRUE(feed.Reaches(from));
  EXPECT_TRUE(feed.Reaches(Next()));
}

TEST_F(ReplicationFeedTest, WhatLeavesTheRingComesFromTheWal) {
  FeedLimits limits;
  limits.ring_bytes_max = 4096;
  engine_->feed().SetLimits(limits);
  const uint64_t from = Next();
  Write(1, 200);
  EXPECT_LE(engine_->feed().ring_bytes(), 4096u);
  ReplicationFeed::Groups groups;
  int from_wal = 0;
  Status status = ReadAll(from, &groups, &from_wal);
  ASSERT_TRUE(status.ok()) << status.message();
  EXPECT_EQ(groups.size(), 200u);
  EXPECT_GT(from_wal, 100);
  EXPECT_LT(from_wal, 200) << "the newest from the ring";
  // Flushed files are retained.
  Flush();
  Write(201, 300);
  Flush();
  Write(301, 400);
  EXPECT_GE(RetainedFiles().size(), 2u);
  groups.clear();
  status = ReadAll(from, &groups);
  ASSERT_TRUE(status.ok()) << status.message();
  EXPECT_EQ(groups.size(), 400u);
  EXPECT_LE(engine_->feed().oldest_seq(), from);
}

TEST_F(ReplicationFeedTest, AGroupBiggerThanTheRingComesFromTheWal) {
  FeedLimits limits;
  limits.ring_bytes_max = 4096;
  engine_->feed().SetLimits(limits);
  const uint64_t from = Next();
  Set("big", std::string(200'000, 'b'));
  Commit();
  ReplicationFeed::Groups groups;
  const Status status = ReadAll(from, &groups);
  ASSERT_TRUE(status.ok()) << status.message();
  ASSERT_EQ(groups.size(), 1u);
  EXPECT_GT(groups[0]->payload.size(), 200'000u);
}

TEST_F(ReplicationFeedTest, ARestartLosesNothing) {
  const uint64_t from = Next();
  Write(1, 50);
  Reopen();
  Write(51, 60);
  engine_.reset();  // as after a crash: the destructor shuts down, the files are the same
  Open();
  Write(61, 70);
  EXPECT_TRUE(engine_->feed().active());
  ReplicationFeed::Groups groups;
  const Status status = ReadAll(from, &groups);
  ASSERT_TRUE(status.ok()) << status.message();
  EXPECT_EQ(groups.size(), 70u);
}

TEST_F(ReplicationFeedTest, WithoutActivityNothingIsKept) {
  ASSERT_TRUE(engine_->feed().SetActive(false).ok());
  const uint64_t from = Next();
  Write(1, 10);
  Flush();
  Write(11, 12);
  EXPECT_FALSE(fs::exists(Folder()));
  EXPECT_EQ(engine_->feed().ring_bytes(), 0u);
  EXPECT_EQ(engine_->feed().last_seq(), engine_->log().committed_seq());
  EXPECT_FALSE(engine_->feed().Reaches(from));
  // From now on the ring fills; what came before is read from the live WAL.
  ASSERT_TRUE(engine_->feed().SetSlot("replica-1", engine_->log().committed_seq()).ok());
  Write(13, 13);
  ReplicationFeed::Groups groups;
  EXPECT_TRUE(engine_->feed().Read(engine_->feed().ring_seq(), 1, &groups).ok());
  EXPECT_EQ(groups.size(), 1u);
}

// For who wants the files alone: no group goes to a ring, also behind a restart.
TEST_F(ReplicationFeedTest, FilesAreRetainedWithoutActivity) {
  ReplicationFeed* feed = &engine_->feed();
  ASSERT_TRUE(feed->SetActive(false).ok());
  FeedLimits limits;
  limits.retain_always = true;
  feed->SetLimits(limits);
  const uint64_t from = Next();
  Write(1, 10);
  Flush();
  ASSERT_TRUE(engine_->Shutdown().ok());
  EngineOptions options = Options();
  options.feed = limits;
  ASSERT_TRUE(Engine::Open(options, &engine_).ok());
  feed = &engine_->feed();
  Write(11, 20);
  Flush();
  EXPECT_FALSE(feed->active());
  EXPECT_EQ(feed->ring_bytes(), 0u);
  EXPECT_GE(RetainedFiles().size(), 2u);
  EXPECT_TRUE(feed->Reaches(from));
  limits.retain_bytes_max = 0;
  feed->SetLimits(limits);
  feed->Tick(false);
  EXPECT_FALSE(feed->Reaches(from)) << "within bounds";
  // A replica comes and goes: the files stay.
  ASSERT_TRUE(feed->SetSlot("replica-1", Next() - 1).ok());
  EXPECT_TRUE(feed->active());
  ASSERT_TRUE(feed->SetActive(false).ok());
  EXPECT_TRUE(engine_->store().wal_archive()->retaining());
  // Those of other data do not.
  ASSERT_TRUE(feed->Reset(Next() - 1).ok());
  EXPECT_TRUE(RetainedFiles().empty());
  EXPECT_TRUE(engine_->store().wal_archive()->retaining());
  limits.retain_always = false;
  feed->SetLimits(limits);
  EXPECT_FALSE(fs::exists(Folder()));
}

TEST_F(ReplicationFeedTest, FilesThatNobodyWantsAnyMoreGoAtTheStart) {
  ASSERT_TRUE(engine_->feed().SetActive(false).ok());
  FeedLimits limits;
  limits.retain_always = true;
  engine_->feed().SetLimits(limits);
  Write(1, 10);
  Flush();
  ASSERT_FALSE(RetainedFiles().empty());
  Reopen();
  EXPECT_FALSE(fs::exists(Folder()));
}

TEST_F(ReplicationFeedTest, RetainedFilesAreBounded) {
  FeedLimits limits;
  limits.ring_bytes_max = 0;
  limits.retain_bytes_max = 8000;
  engine_->feed().SetLimits(limits);
  const uint64_t from = Next();
  for (int i = 0; i < 10; ++i) {
    Write(i * 20, i * 20 + 19);
    Flush();
  }
  ASSERT_GT(RetainedFiles().size(), 5u);
  engine_->feed().Tick(false);
  EXPECT_LE(engine_->feed().retained_bytes(), 8000u);
  EXPECT_FALSE(engine_->feed().Reaches(from));
  const uint64_t oldest = engine_->feed().oldest_seq();
  EXPECT_GT(oldest, from);
  EXPECT_TRUE(engine_->feed().Reaches(oldest));
  ReplicationFeed::Groups groups;
  EXPECT_TRUE(ReadAll(from, &groups).IsNotFound());
}

// Clients' writes come before the backlog: the oldest files go first, those that slots hold last.
TEST_F(ReplicationFeedTest, ANearlyFullDiskGetsRetainedFilesBack) {
  ReplicationFeed& feed = engine_->feed();
  uint64_t held_from = 0;
  for (int i = 0; i < 6; ++i) {
    if (i == 3) held_from = Next();
    Write(i * 20, i * 20 + 19);
    Flush();
  }
  ASSERT_TRUE(feed.SetSlot("replica-1", held_from - 1).ok());
  feed.Tick(false);
  const size_t file_count = RetainedFiles().size();
  ASSERT_GE(file_count, 5u);
  feed.GiveUpRetained(1);
  EXPECT_EQ(RetainedFiles().size(), file_count - 1);
  EXPECT_EQ(feed.Slots().size(), 1u);
  EXPECT_TRUE(feed.Reaches(held_from));

  // The keeper asks for all that there is.
  engine_->SetDiskFreeMin(UINT64_MAX, 0);
  clock_.AdvanceMs(1000);
  engine_->KeeperTick();
  EXPECT_EQ(feed.Slots().size(), 0u);
  EXPECT_LE(RetainedFiles().size(), 1u);
  engine_->SetDiskFreeMin(0, 0);
  clock_.AdvanceMs(1000);
  engine_->KeeperTick();
  std::string reason;
  EXPECT_TRUE(engine_->WritesAllowed(&reason)) << reason;
}

TEST_F(ReplicationFeedTest, ASlotHoldsWhatItsReplicaLacks) {
  FeedLimits limits;
  limits.ring_bytes_max = 0;
  limits.retain_bytes_max = 0;
  engine_->feed().SetLimits(limits);
  const uint64_t from = Next();
  ASSERT_TRUE(engine_->feed().SetSlot("replica-1", from - 1).ok());
  for (int i = 0; i < 5; ++i) {
    Write(i * 20, i * 20 + 19);
    Flush();
    engine_->feed().Tick(false);
  }
  EXPECT_TRUE(engine_->feed().Reaches(from));
  Reopen();
  engine_->feed().SetLimits(limits);
  Write(1, 1);
  Flush();
  engine_->feed().Tick(false);
  ASSERT_EQ(engine_->feed().Slots().size(), 1u);
  EXPECT_EQ(engine_->feed().Slots()[0].confirmed_seq, from - 1);
  EXPECT_FALSE(engine_->feed().Slots()[0].active);
  EXPECT_GT(engine_->feed().Slots()[0].held_bytes, 0u);
  EXPECT_TRUE(engine_->feed().Reaches(from));
  // It never moves back; what it has passed goes.
  ASSERT_TRUE(engine_->feed().SetSlot("replica-1", engine_->log().committed_seq()).ok());
  ASSERT_TRUE(engine_->feed().SetSlot("replica-1", from).ok());
  engine_->feed().Tick(false);
  EXPECT_FALSE(engine_->feed().Reaches(from));
  EXPECT_TRUE(engine_->feed().DropSlot("replica-1"));
  EXPECT_FALSE(engine_->feed().DropSlot("replica-1"));
}

// A replica that gets other data by a full resync keeps its own replicas' slots: these ask it next.
TEST_F(ReplicationFeedTest, SlotsStayWhenTheDataAreExchanged) {
  FeedLimits limits;
  limits.ring_bytes_max = 0;
  limits.retain_bytes_max = 0;
  engine_->feed().SetLimits(limits);
  Write(0, 9);
  ASSERT_TRUE(engine_->feed().SetSlot("replica-1", 3).ok());
  const uint64_t exchanged = engine_->log().committed_seq();
  ASSERT_TRUE(engine_->feed().Reset(exchanged).ok());
  Write(10, 19);
  Flush();
  engine_->feed().Tick(false);
  ASSERT_EQ(engine_->feed().Slots().size(), 1u);
  EXPECT_EQ(engine_->feed().Slots()[0].name, "replica-1");
  EXPECT_EQ(engine_->feed().Slots()[0].confirmed_seq, exchanged);
  EXPECT_FALSE(engine_->feed().Slots()[0].active);
  EXPECT_TRUE(engine_->feed().Reaches(exchanged + 1));
  Reopen();
  ASSERT_EQ(engine_->feed().Slots().size(), 1u);
}

TEST_F(ReplicationFeedTest, ASlotThatIsNotUsedIsDropped) {
  constexpr int64_t kDayMs = 86'400'000;
  FeedLimits limits;
  limits.slot_ms_max = kDayMs;
  const auto names = [this] {
    std::string text;
    for (const ReplicationFeed::Slot& slot : engine_->feed().Slots()) text += slot.name + " ";
    return text;
  };
  engine_->feed().SetLimits(limits);
  ASSERT_TRUE(engine_->feed().SetSlot("used", 1).ok());
  ASSERT_TRUE(engine_->feed().SetSlot("gone", 1).ok());
  clock_.AdvanceMs(kDayMs);
  ASSERT_TRUE(engine_->feed().SetSlot("used", 1).ok());
  engine_->feed().Tick(false);
  EXPECT_EQ(names(), "gone used ");
  clock_.AdvanceMs(1);
  engine_->feed().Tick(false);
  EXPECT_EQ(names(), "used ");
  // While the server was down no replica could come.
  clock_.AdvanceMs(2 * kDayMs);
  Reopen();
  engine_->feed().SetLimits(limits);
  engine_->feed().Tick(false);
  EXPECT_EQ(names(), "used ");
  // Of a replica: those of the primary that it was.
  engine_->feed().SetLimits(FeedLimits());
  clock_.AdvanceMs(ReplicationFeed::kReplicaSlotMsMax + 1);
  engine_->feed().Tick(false);
  EXPECT_EQ(names(), "used ") << "no limit";
  engine_->feed().Tick(/*is_replica=*/true);
  EXPECT_EQ(names(), "");
}

TEST_F(ReplicationFeedTest, ASlotThatHoldsTooMuchIsDropped) {
  FeedLimits limits;
  limits.retain_bytes_max = 0;
  limits.slot_bytes_max = 20'000;
  engine_->feed().SetLimits(limits);
  ASSERT_TRUE(engine_->feed().SetSlot("gone", engine_->log().committed_seq()).ok());
  for (int i = 0; i < 10; ++i) {
    Write(i * 20, i * 20 + 19);
    Flush();
  }
  Write(1000, 1000);
  engine_->feed().Tick(false);
  EXPECT_TRUE(engine_->feed().Slots().empty());
  EXPECT_TRUE(RetainedFiles().empty());
}

TEST_F(ReplicationFeedTest, SlotNamesAreChecked) {
  EXPECT_FALSE(engine_->feed().SetSlot("", 1).ok());
  EXPECT_FALSE(engine_->feed().SetSlot("two words", 1).ok());
  EXPECT_FALSE(engine_->feed().SetSlot("line\nend", 1).ok());
  EXPECT_FALSE(engine_->feed().SetSlot(std::string(1000, 'x'), 1).ok());
}

// Damage is an error, never a gap that is passed over.
TEST_F(ReplicationFeedTest, DamageInARetainedFileIsAnError) {
  FeedLimits limits;
  limits.ring_bytes_max = 0;
  engine_->feed().SetLimits(limits);
  const uint64_t from = Next();
  Write(1, 100);
  Flush();
  Write(101, 200);
  Flush();
  Write(201, 210);
  const std::vector<std::string> files = RetainedFiles();
  ASSERT_GE(files.size(), 2u);
  const std::string path = Folder() + "/" + files[0];
  for (const double at : {0.3, 0.999}) {
    std::string contents;
    ASSERT_TRUE(ReadWholeFile(rocksdb::FileSystem::Default().get(), path, &contents).ok());
    std::string damaged = contents;
    char& byte = damaged[static_cast<size_t>(static_cast<double>(damaged.size()) * at)];
    byte = static_cast<char>(byte ^ 0x40);
    std::ofstream(path, std::ios::binary | std::ios::trunc) << damaged;
    ReplicationFeed::Groups groups;
    const Status status = ReadAll(from, &groups);
    EXPECT_TRUE(status.IsCorruption()) << status.message();
    EXPECT_LT(groups.size(), 100u);
    std::ofstream(path, std::ios::binary | std::ios::trunc) << contents;
  }
  ReplicationFeed::Groups groups;
  EXPECT_TRUE(ReadAll(from, &groups).ok());
  EXPECT_EQ(groups.size(), 210u);
  // A file in the middle is missing.
  fs::remove(Folder() + "/" + files[1]);
  groups.clear();
  EXPECT_TRUE(ReadAll(from, &groups).IsNotFound());
}

// The store's numbers of files go on from where its data came from, be that lower.
TEST_F(ReplicationFeedTest, BehindAResetANumberMeansAnotherFile) {
  Write(1, 3);
  const std::shared_ptr<WalArchive> archive = engine_->store().wal_archive();
  std::vector<WalArchive::File> files;
  ASSERT_TRUE(archive->List(&files).ok());
  ASSERT_FALSE(files.empty());
  char name[32];
  std::snprintf(name, sizeof(name), "/data/%06d.log", static_cast<int>(files.back().number));
  {
    constexpr uint64_t kOtherSeq = 777;
    std::fstream log(folder_.path() + name, std::ios::in | std::ios::out | std::ios::binary);
    log.seekp(7);  // behind the first fragment's header
    log.write(reinterpret_cast<const char*>(&kOtherSeq), sizeof(kOtherSeq));
    ASSERT_TRUE(log.good());
  }
  ASSERT_TRUE(engine_->feed().Reset(engine_->log().committed_seq()).ok());
  files.clear();
  ASSERT_TRUE(archive->List(&files).ok());
  ASSERT_FALSE(files.empty());
  EXPECT_EQ(files.back().first_seq, 777u);
}

TEST_F(ReplicationFeedTest, TheListenerIsToldOnceItIsAskedFor) {
  int told = 0;
  engine_->feed().SetListener([&] { ++told; });
  Write(1, 1);
  EXPECT_EQ(told, 0);
  engine_->feed().WantNotice();
  Write(2, 4);
  EXPECT_EQ(told, 1);
}

// B7: a group whose write failed is never shown, though its sequences are used again.
TEST_F(ReplicationFeedTest, AFailedGroupIsNeverShown) {
  engine_.reset();
  auto faults = std::make_shared<FaultFileSystem>(rocksdb::FileSystem::Default(),
                                                  folder_.path() + "/graveyard");
  EngineOptions options = Options();
  options.store.file_system = faults;
  options.sync = SyncPolicy::kAlways;
  ASSERT_TRUE(Engine::Open(options, &engine_).ok());
  const uint64_t from = Next();
  Write(1, 3);
  faults->Inject({.match = {FileOp::kAppend, ".log"}, .and_all_after = true, .torn_size = 10});
  Set("lost", "1");
  EXPECT_FALSE(engine_->log().CommitAndWait(engine_->log().joined_seq()));
  faults->Heal();
  ReplicationFeed::Groups groups;
  ASSERT_TRUE(engine_->feed().Read(from, SIZE_MAX, &groups).ok());
  EXPECT_EQ(groups.size(), 3u);
  for (int i = 0; i < 3; ++i) {
    clock_.AdvanceMs(2000);
    engine_->KeeperTick();
  }
  ASSERT_TRUE(engine_->writes_allowed());
  Write(4, 5);
  groups.clear();
  const Status status = ReadAll(from, &groups);
  ASSERT_TRUE(status.ok()) << status.message();
  std::string text;
  for (const auto& group : groups) text += GroupText(*group);
  EXPECT_EQ(text.find("key=lost"), std::string::npos) << text;
  EXPECT_NE(text.find("key=key:5"), std::string::npos) << text;
  // The same from the files alone.
  WalCursor cursor(engine_->store().wal_archive().get(), from);
  groups.clear();
  const Status read = cursor.Read(engine_->feed().last_seq(), SIZE_MAX, &groups);
  ASSERT_TRUE(read.ok()) << read.message() << " after " << groups.size() << " groups";
  text.clear();
  for (const auto& group : groups) text += GroupText(*group);
  EXPECT_EQ(text.find("key=lost"), std::string::npos) << text;
  EXPECT_NE(text.find("key=key:5"), std::string::npos) << text;
}

TEST_F(ReplicationFeedTest, WithoutAWalTheRingAloneServes) {
  engine_.reset();
  EngineOptions options = Options();
  options.sync = SyncPolicy::kOff;
  ASSERT_TRUE(Engine::Open(options, &engine_).ok());
  const uint64_t from = Next();
  const std::string id = engine_->log().replication_id();
  Write(1, 10);
  ReplicationFeed::Groups groups;
  ASSERT_TRUE(engine_->feed().Read(from, SIZE_MAX, &groups).ok());
  EXPECT_EQ(groups.size(), 10u);
  const uint64_t last = engine_->log().committed_seq();
  engine_.reset();
  ASSERT_TRUE(Engine::Open(options, &engine_).ok());
  const History history = engine_->log().history();
  EXPECT_NE(history.id, id);
  EXPECT_EQ(history.id2, id);
  EXPECT_EQ(history.id2_seq, last);
  EXPECT_FALSE(engine_->feed().Reaches(from));
}

}  // namespace
}  // namespace hearth
