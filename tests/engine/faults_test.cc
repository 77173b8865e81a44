// What a failing disk may and may not do to the engine: every fault at every point in turn, and
// the power cut under each fsync policy.
#include <condition_variable>
#include <future>
#include <map>
#include <mutex>
#include <random>
#include <thread>

#include "engine/checkpoint.h"
#include "engine/watermark.h"
#include "tests/engine/engine_fixture.h"
#include "tests/faults/fault_file_system.h"

namespace hearth {
namespace {

class FaultsTest : public EngineFixture {
 protected:
  ~FaultsTest() override { engine_.reset(); }  // it logs into the members here, to its end
  void SetUp() override { MakeDisk(); }

  void MakeDisk() {
    engine_.reset();
    disk_.reset();
    disk_ = std::make_shared<FaultFileSystem>(rocksdb::FileSystem::Default(),
                                              folder_.path() + "/graveyard");
  }

  EngineOptions FaultyOptions(SyncPolicy sync) {
    EngineOptions options = Options();
    options.store.dir = dir_;
    options.store.file_system = disk_;
    options.store.write_buffer_size_bytes = 64 << 10;
    options.sync = sync;
    options.log = [this](int, const std::string& line) {
      std::lock_guard lock(log_mutex_);
      log_ += line + "\n";
      logged_.notify_all();
    };
    return options;
  }

  Status OpenOn(SyncPolicy sync) {
    std::filesystem::create_directories(dir_);
    return Engine::Open(FaultyOptions(sync), &engine_);
  }

  // Writes one key and commits; returns whether it was acknowledged.
  bool Write(const std::string& key, const std::string& value) {
    const KeyRef ref(0, key);
    uint64_t barrier;
    {
      Tx tx(engine_->keyspace(), {&ref, 1}, clock_.WallMs(),
            {.write = true, .read_blocking = true});
      if (tx.state() != Tx::State::kReady) return false;
      tx.SetString(key, value, Expiry::None());
      barrier = tx.barrier();
    }
    return engine_->log().CommitAndWait(barrier);
  }

  // Ticks the keeper until writes are accepted again. False when that takes unreasonably long.
  bool WaitUntilHealed() {
    for (int i = 0; i < 100; ++i) {
      std::string reason;
      if (engine_->WritesAllowed(&reason) && engine_->log().accepting()) return true;
      clock_.AdvanceMs(1100);
      engine_->KeeperTick();
    }
    return false;
  }

  // Ends the engine as a power cut would, and starts it on what is left, after another boot.
  Status CutPowerAndOpen(SyncPolicy sync) {
    disk_->PowerOff();
    engine_.reset();
    disk_->DropUnsynced();
    Watermark mark;
    if (ReadWatermark(disk_.get(), dir_, &mark).ok()) {
      mark.boot_id = "an earlier boot";
      const Status status = WriteWatermark(disk_.get(), dir_, mark);
      if (!status.ok()) return status;
    }
    return OpenOn(sync);
  }

  void WaitForLog(const std::string& text) {
    std::unique_lock lock(log_mutex_);
    EXPECT_TRUE(logged_.wait_for(lock, std::chrono::seconds(30), [&] {
      return log_.find(text) != std::string::npos;
    })) << log_;
  }

  std::mutex log_mutex_;
  std::condition_variable logged_;
  std::string log_;
  std::shared_ptr<FaultFileSystem> disk_;
  std::string dir_ = folder_.path() + "/data";
};

struct Point {
  FileOp op;
  const char* name;
  FaultError error;
  bool and_all_after;
};

void PrintTo(const Point& point, std::ostream* out) {
  *out << "op " << static_cast<int>(point.op) << " on '" << point.name << "'"
       << (point.and_all_after ? " and all after" : "");
}

class EveryFault : public FaultsTest, public testing::WithParamInterface<Point> {};

// The n-th operation fails, for every n that a small workload reaches. Nothing acknowledged is
// lost, nothing refused appears as acknowledged, memory agrees with the store, and writes are
// accepted again without a restart.
TEST_P(EveryFault, LosesNothingAcknowledgedAndHeals) {
  const Point point = GetParam();
  constexpr uint64_t kPointsMax = 40;
  for (uint64_t nth = 1; nth <= kPointsMax; ++nth) {
    SCOPED_TRACE("operation " + std::to_string(nth));
    std::filesystem::remove_all(dir_);
    MakeDisk();
    // Without a log, an error that does not pass leaves it to a restart what was flushed.
    constexpr SyncPolicy kPolicies[] = {SyncPolicy::kAlways, SyncPolicy::kEverySec,
                                        SyncPolicy::kOff};
    const Status opened = OpenOn(kPolicies[nth % (point.error == FaultError::kNoSpace ? 3 : 2)]);
    ASSERT_TRUE(opened.ok()) << opened.message();
    disk_->Inject({.match = {point.op, point.name},
                   .error = point.error,
                   .nth = nth,
                   .and_all_after = point.and_all_after});
    std::map<std::string, std::vector<std::string>> allowed;  // values that may stand there
    for (int i = 0; i < 60; ++i) {
      const std::string key = "key" + std::to_string(i % 20),
                        value = std::to_string(i) + std::string(3000, 'v');
      if (Write(key, value)) {
        allowed[key] = {value};
      } else {
        if (allowed[key].empty()) allowed[key].push_back("(nil)");
        allowed[key].push_back(value);  // an error leaves it open whether it was written
      }
      if (i % 15 == 7) (void)engine_->store().Flush(/*wait=*/true);
      if (i % 10 == 9) {
        clock_.AdvanceMs(1100);
        engine_->KeeperTick();
      }
    }
    const bool reached = disk_->failed_count() > 0;
    disk_->Heal();
    // A failure of the background work shows at the next write.
    (void)Write("probe", "1");
    ASSERT_TRUE(WaitUntilHealed());
    if (!Write("probe", "2")) {
      ASSERT_TRUE(WaitUntilHealed());
      ASSERT_TRUE(Write("probe", "3"));
    }
    EXPECT_EQ(Differences(), "");
    for (int round = 0; round < 2; ++round) {
      for (const auto& [key, values] : allowed) {
        const std::string value = Get(key);
        EXPECT_NE(std::find(values.begin(), values.end(), value), values.end())
            << key << " holds " << value.substr(0, 10);
      }
      if (round == 0) {
        ASSERT_TRUE(engine_->Shutdown().ok());
        engine_.reset();
        ASSERT_TRUE(OpenOn(SyncPolicy::kEverySec).ok());
      }
    }
    engine_.reset();
    if (!reached) break;  // the workload has no such operation any more
  }
}

INSTANTIATE_TEST_SUITE_P(
    Points, EveryFault,
    testing::Values(Point{FileOp::kAppend, ".log", FaultError::kNoSpace, false},
                    Point{FileOp::kAppend, ".log", FaultError::kIoError, true},
                    Point{FileOp::kSync, ".log", FaultError::kIoError, false},
                    Point{FileOp::kSync, ".log", FaultError::kIoError, true},
                    Point{FileOp::kAppend, ".sst", FaultError::kNoSpace, false},
                    Point{FileOp::kSync, ".sst", FaultError::kIoError, true},
                    Point{FileOp::kCreate, "", FaultError::kNoSpace, true},
                    Point{FileOp::kAppend, "hearth.mark", FaultError::kNoSpace, true},
                    Point{FileOp::kRename, "hearth.mark", FaultError::kIoError, true}));

// With `always` a power cut loses nothing that was acknowledged.
TEST_F(FaultsTest, APowerCutWithAlwaysLosesNothingAcknowledged) {
  ASSERT_TRUE(OpenOn(SyncPolicy::kAlways).ok());
  std::mt19937_64 random(std::random_device{}());
  std::map<std::string, std::string> acknowledged;
  for (int round = 0; round < 8; ++round) {
    const int writes = static_cast<int>(random() % 120);
    for (int i = 0; i < writes; ++i) {
      const std::string key = "key" + std::to_string(random() % 50);
      const std::string value =
          std::to_string(round) + ":" + std::to_string(i) + std::string(random() % 4000, 'v');
      ASSERT_TRUE(Write(key, value));
      acknowledged[key] = value;
    }
    if (random() % 2 == 0) (void)engine_->store().Flush(/*wait=*/true);
    const Status status = CutPowerAndOpen(SyncPolicy::kAlways);
    ASSERT_TRUE(status.ok()) << status.message();
    for (const auto& [key, value] : acknowledged) EXPECT_EQ(Get(key), value);
    EXPECT_EQ(engine_->keyspace().KeyCount(0), acknowledged.size());
    EXPECT_EQ(Differences(), "");
  }
}

// With `everysec` what is left is a prefix that holds at least all that was synced.
TEST_F(FaultsTest, APowerCutWithEverysecLeavesAPrefixWithAllThatWasSynced) {
  std::mt19937_64 random(std::random_device{}());
  for (int round = 0; round < 8; ++round) {
    std::filesystem::remove_all(dir_);
    MakeDisk();
    ASSERT_TRUE(OpenOn(SyncPolicy::kEverySec).ok());
    int synced = 0, written = 0;
    for (int second = 0; second < 5; ++second) {
      const int writes = static_cast<int>(random() % 60);
      for (int i = 0; i < writes; ++i) {
        ASSERT_TRUE(Write("key" + std::to_string(written++), std::string(random() % 3000, 'v')));
      }
      if (second == 4) break;
      clock_.AdvanceMs(1100);
      engine_->KeeperTick();
      synced = written;
    }
    const Status status = CutPowerAndOpen(SyncPolicy::kEverySec);
    ASSERT_TRUE(status.ok()) << status.message();
    const auto left = static_cast<int>(engine_->keyspace().KeyCount(0));
    EXPECT_GE(left, synced);
    for (int i = 0; i < written; ++i) {
      EXPECT_EQ(Get("key" + std::to_string(i)) != "(nil)", i < left) << i << " of " << left;
    }
    EXPECT_EQ(Differences(), "");
    engine_.reset();
  }
}

// Who hands a commit over while another group is being written is told of its own group too.
TEST_F(FaultsTest, AHeldReplyIsReleasedThoughAnotherGroupWasBeingWritten) {
  ASSERT_TRUE(OpenOn(SyncPolicy::kEverySec).ok());
  std::mutex mutex;
  std::condition_variable told;
  uint64_t released = 0;
  engine_->SetCommitListener({.on_committed =
                                  [&](uint64_t seq) {
                                    std::lock_guard lock(mutex);
                                    released = std::max(released, seq);
                                    told.notify_all();
                                  },
                              .on_failed = {}});
  disk_->Freeze({FileOp::kAppend, ".log"});
  Set("first", "1");
  const uint64_t first = engine_->log().joined_seq();
  std::thread leader([&] { (void)engine_->CommitTurn(first); });
  disk_->WaitForFrozen(1);
  Set("second", "2");
  const uint64_t second = engine_->log().joined_seq();
  EXPECT_LT(engine_->CommitTurn(second).committed_seq, second) << "the disk stands still";
  disk_->Release();
  leader.join();
  std::unique_lock lock(mutex);
  EXPECT_TRUE(told.wait_for(lock, std::chrono::seconds(30), [&] { return released >= second; }));
}

// A cut right after an orderly shutdown loses nothing, whatever the policy.
TEST_F(FaultsTest, APowerCutAfterAShutdownLosesNothing) {
  for (const SyncPolicy sync : {SyncPolicy::kNo, SyncPolicy::kEverySec, SyncPolicy::kOff}) {
    std::filesystem::remove_all(dir_);
    MakeDisk();
    ASSERT_TRUE(OpenOn(sync).ok());
    for (int i = 0; i < 100; ++i) ASSERT_TRUE(Write("key" + std::to_string(i), "v"));
    ASSERT_TRUE(engine_->Shutdown().ok());
    ASSERT_TRUE(CutPowerAndOpen(sync).ok());
    EXPECT_EQ(engine_->keyspace().KeyCount(0), 100u);
    engine_.reset();
  }
}

// RocksDB's assertions end the process when a log is synced whose append failed.
TEST_F(FaultsTest, AShutdownWhileTheDiskIsFullEndsWithAnError) {
  for (const FileOp op : {FileOp::kAppend, FileOp::kSync}) {
    std::filesystem::remove_all(dir_);
    MakeDisk();
    ASSERT_TRUE(OpenOn(SyncPolicy::kAlways).ok());
    for (int i = 0; i < 100; ++i) ASSERT_TRUE(Write("key" + std::to_string(i), "v"));
    disk_->Inject({.match = {op, ""}, .error = FaultError::kNoSpace, .and_all_after = true});
    EXPECT_FALSE(Write("unacknowledged", "v"));
    engine_->KeeperTick();
    EXPECT_FALSE(engine_->store().SyncWal().ok());
    SnapshotInfo snapshot;
    EXPECT_FALSE(MakeCheckpoint(*engine_, {.dir = folder_.path() + "/snapshots"}, &snapshot).ok());
    EXPECT_FALSE(engine_->Shutdown().ok());
    engine_.reset();
    disk_->Heal();
    ASSERT_TRUE(OpenOn(SyncPolicy::kAlways).ok());
    EXPECT_EQ(Get("key99"), "v");
    engine_.reset();
  }
}

// Without a log what was acknowledged since the last flush is in memory alone.
TEST_F(FaultsTest, AFlushThatFailedWithoutALogLosesNothing) {
  for (const bool heals : {true, false}) {  // or is shut down as soon as there is room
    std::filesystem::remove_all(dir_);
    MakeDisk();
    ASSERT_TRUE(OpenOn(SyncPolicy::kOff).ok());
    for (int i = 0; i < 100; ++i) ASSERT_TRUE(Write("key" + std::to_string(i), "v"));
    disk_->Inject(
        {.match = {FileOp::kAppend, ".sst"}, .error = FaultError::kNoSpace, .and_all_after = true});
    const std::string snapshots = folder_.path() + "/snapshots";
    SnapshotInfo snapshot;
    EXPECT_FALSE(MakeCheckpoint(*engine_, {.dir = snapshots}, &snapshot).ok());
    EXPECT_FALSE(Write("unacknowledged", "v"));
    for (int i = 0; i < 3; ++i) {
      clock_.AdvanceMs(1100);
      engine_->KeeperTick();
      std::string reason;
      EXPECT_FALSE(engine_->WritesAllowed(&reason));
      EXPECT_FALSE(MakeCheckpoint(*engine_, {.dir = snapshots}, &snapshot).ok());
      EXPECT_FALSE(engine_->SetSyncPolicy(SyncPolicy::kEverySec).ok());
      EXPECT_FALSE(engine_->FlushUnlogged().ok());
    }
    disk_->Heal();
    if (heals) {
      ASSERT_TRUE(WaitUntilHealed());
      EXPECT_TRUE(Write("more", "v"));
      EXPECT_EQ(Differences(), "");
      EXPECT_TRUE(MakeCheckpoint(*engine_, {.dir = snapshots}, &snapshot).ok());
      EXPECT_EQ(snapshot.keys, 101u);
    }
    const Status stopped = engine_->Shutdown();
    EXPECT_TRUE(stopped.ok()) << stopped.message();
    engine_.reset();
    ASSERT_TRUE(OpenOn(SyncPolicy::kOff).ok());
    EXPECT_EQ(engine_->keyspace().KeyCount(0), heals ? 101u : 100u);
    EXPECT_EQ(Get("key99"), "v");
    EXPECT_EQ(Get("unacknowledged"), "(nil)");
    engine_.reset();
  }
}

// A stop does not wait for a long compaction: it is cancelled, and the log tells.
TEST_F(FaultsTest, AShutdownCancelsACompaction) {
  ASSERT_TRUE(OpenOn(SyncPolicy::kEverySec).ok());
  for (int i = 0; i < 1500; ++i) {
    ASSERT_TRUE(Write("key" + std::to_string(i), std::string(3000, 'v')));
  }
  ASSERT_TRUE(engine_->store().Flush(/*wait=*/true).ok());
  disk_->Freeze({FileOp::kAppend, ".sst"});
  rocksdb::Status compacted;
  std::thread compaction([&] {
    const auto guard = engine_->store().Guard();
    rocksdb::CompactRangeOptions options;
    options.bottommost_level_compaction = rocksdb::BottommostLevelCompaction::kForce;
    compacted = engine_->store().db()->CompactRange(options, nullptr, nullptr);
  });
  disk_->WaitForFrozen(1);
  Status stopped = Status::IoError("not stopped");
  std::thread stop([&] { stopped = engine_->Shutdown(); });
  WaitForLog("1 compactions are cancelled");
  disk_->Release();
  compaction.join();
  stop.join();
  EXPECT_FALSE(compacted.ok()) << "it was not cancelled";
  EXPECT_TRUE(stopped.ok()) << stopped.message();
  engine_.reset();
  ASSERT_TRUE(OpenOn(SyncPolicy::kEverySec).ok());
  EXPECT_EQ(engine_->keyspace().KeyCount(0), 1500u);
  EXPECT_EQ(Get("key1499"), std::string(3000, 'v'));
}

// A cold read that fails is an error of that key alone: never nil, never a short walk.
TEST_F(FaultsTest, AFailedColdReadIsAnErrorAndOtherKeysAreServed) {
  ASSERT_TRUE(OpenOn(SyncPolicy::kEverySec).ok());
  ASSERT_TRUE(Write("cold", std::string(5000, 'c')));
  DemoteAll();
  ASSERT_TRUE(Write("hot", "h"));
  disk_->Inject({.match = {FileOp::kRead, ".sst"}, .and_all_after = true});
  const KeyRef cold(0, "cold");
  EXPECT_FALSE(engine_->keyspace().Load({&cold, 1}).ok());
  for (const bool needed : {true, false}) {
    const KeyRef hot(0, "hot");
    const std::span<const KeyRef> key(&cold, 1), other(&hot, 1);
    std::promise<Status> done;
    engine_->LoadAsync(needed ? key : other, needed ? other : key,
                       [&](const Status& status) { done.set_value(status); });
    EXPECT_EQ(done.get_future().get().ok(), !needed) << "who waits for others learns nothing of it";
  }
  EXPECT_EQ(Get("hot"), "h");
  disk_->Heal();
  EXPECT_EQ(Get("cold"), std::string(5000, 'c'));
}

}  // namespace
}  // namespace hearth
