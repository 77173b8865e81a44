#include "engine/commit_log.h"

#include <latch>
#include <random>
#include <thread>

#include "tests/engine/engine_fixture.h"

namespace hearth {
namespace {

class CommitLogTest : public EngineFixture {};

TEST_F(CommitLogTest, OneTurnIsOneGroupOfTheStore) {
  const uint64_t groups = engine_->log().counters().groups;
  const uint64_t before = engine_->log().committed_seq();
  for (int i = 0; i < 10; ++i) Set("key" + std::to_string(i), "v");
  EXPECT_EQ(engine_->log().committed_seq(), before) << "nothing is written before the turn ends";
  const CommitOutcome outcome = engine_->CommitTurn(before + 10);
  EXPECT_FALSE(outcome.failed);
  EXPECT_EQ(outcome.committed_seq, before + 11) << "ten rows and the state row";
  EXPECT_EQ(engine_->log().counters().groups, groups + 1);
}

// The sizes stand in the batch as varints: those at which a varint grows.
TEST_F(CommitLogTest, RowsOfAnySizeAreReadBack) {
  const std::vector<size_t> sizes = {0, 1, 100, 114, 115, 127, 128, 16380, 16383, 16384, 1 << 21};
  for (const size_t size : sizes) {
    Set("value of " + std::to_string(size), std::string(size, 'v'));
    Set(std::string(size, 'k'), "value");
  }
  Commit();
  Reopen();
  for (const size_t size : sizes) {
    EXPECT_EQ(Get("value of " + std::to_string(size)), std::string(size, 'v'));
    EXPECT_EQ(Get(std::string(size, 'k')), "value") << size;
  }
}

TEST_F(CommitLogTest, ABarrierThatIsReachedCostsNoGroup) {
  Set("key", "v");
  Commit();
  const uint64_t groups = engine_->log().counters().groups;
  (void)engine_->CommitTurn(engine_->log().committed_seq());
  EXPECT_EQ(engine_->log().counters().groups, groups);
}

// A reader that sees what is not committed must wait for it.
TEST_F(CommitLogTest, AReadOfAnUncommittedValueHasItsBarrier) {
  Set("key", "v");
  uint64_t barrier = 0;
  InTx({"key"}, [&](Tx& tx) {
    EXPECT_NE(tx.Find("key"), nullptr);
    barrier = tx.barrier();
  });
  EXPECT_GT(barrier, engine_->log().committed_seq());
  InTx({"key"}, [&](Tx& tx) { tx.Delete("key"); });
  InTx({"key"}, [&](Tx& tx) {
    EXPECT_EQ(tx.Find("key"), nullptr);
    EXPECT_GT(tx.barrier(), barrier) << "its absence is not committed either";
  });
}

TEST_F(CommitLogTest, WithAlwaysTheCommitterSyncsAndTells) {
  std::mutex mutex;
  std::condition_variable told;
  uint64_t committed = 0;
  engine_->SetCommitListener({.on_committed =
                                  [&](uint64_t seq) {
                                    std::lock_guard lock(mutex);
                                    committed = seq;
                                    told.notify_all();
                                  },
                              .on_failed = {}});
  ASSERT_TRUE(engine_->SetSyncPolicy(SyncPolicy::kAlways).ok());
  Set("key", "v");
  const uint64_t barrier = engine_->log().joined_seq();
  EXPECT_LT(engine_->CommitTurn(barrier).committed_seq, barrier) << "the worker does not wait";
  std::unique_lock lock(mutex);
  told.wait(lock, [&] { return committed >= barrier; });
  EXPECT_GE(engine_->log().synced_seq(), barrier);
}

// Counts and rows agree whatever workers do at once.
TEST_F(CommitLogTest, ManyWorkersKeepOneOrder) {
  constexpr int kThreads = 4, kSteps = 2000;
  std::vector<std::thread> threads;
  for (int t = 0; t < kThreads; ++t) {
    threads.emplace_back([this, t] {
      std::minstd_rand random(static_cast<unsigned>(t + 1));
      for (int step = 0; step < kSteps; ++step) {
        const std::string a = "k" + std::to_string(random() % 50);
        const std::string b = "k" + std::to_string(random() % 50);
        uint64_t barrier = 0;
        {
          const KeyRef refs[] = {KeyRef(0, a), KeyRef(0, b)};
          Tx tx(engine_->keyspace(), refs, clock_.WallMs(), {.write = true, .read_blocking = true});
          ASSERT_EQ(tx.state(), Tx::State::kReady);
          switch (random() % 4) {
            case 0:
              tx.SetString(a, std::to_string(step), Expiry::None());
              tx.SetString(b, std::to_string(step), Expiry::None());
              break;
            case 1:
              tx.Delete(a);
              break;
            case 2:
              if (a != b && tx.Find(a) != nullptr) tx.Move(refs[0], refs[1]);
              break;
            default:
              (void)tx.Find(b);
          }
          barrier = tx.barrier();
        }
        if (step % 8 == 0) (void)engine_->CommitTurn(barrier);
        if (t == 0 && step % 200 == 0) {
          (void)engine_->store().Flush(false);
          (void)engine_->residency().DemoteAll();
        }
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(Differences(), "");
}

// A transaction that takes long lets go of the log: who must commit meanwhile is not kept waiting,
// and is told once both are committed.
TEST_F(CommitLogTest, NobodyWaitsForATransactionThatTakesLong) {
  CommitLog& log = engine_->log();
  std::atomic<uint64_t> told{0};
  log.SetEvents({.on_committed = [&told](uint64_t seq) { told = seq; }, .on_failed = {}});
  const uint64_t before = log.committed_seq();
  Set("other", "v");
  const uint64_t groups = log.counters().groups;
  InTx({"key"}, [&](Tx& tx) {
    tx.SetString("key", "v", Expiry::None());
    tx.LetGoOfLog();
    tx.LetGoOfLog();
    std::thread([&] {
      const CommitOutcome outcome = log.Commit(before + 1);
      EXPECT_EQ(outcome.committed_seq, before);
      EXPECT_FALSE(outcome.failed);
      EXPECT_EQ(log.joined_seq(), before + 2);
    }).join();
    tx.SetString("key", "w", Expiry::None());
    EXPECT_EQ(log.counters().groups, groups);
  });
  while (told == 0) std::this_thread::yield();
  EXPECT_EQ(told.load(), before + 4) << "three rows and the state row";
  EXPECT_EQ(log.counters().groups, groups + 1);
  Reopen();
  EXPECT_EQ(Get("key"), "w");
}

// The next transaction waits for its turn.
TEST_F(CommitLogTest, AnotherTransactionJoinsBehindOneThatTakesLong) {
  CommitLog& log = engine_->log();
  std::optional<CommitLog::Join> join(std::in_place, log);
  join->LetGo();
  std::atomic<bool> ended{false};
  std::latch arrived(1);
  std::thread other([&] {
    arrived.count_down();
    CommitLog::Join second(log);
    EXPECT_TRUE(ended);
  });
  arrived.wait();
  for (int i = 0; i < 1000; ++i) std::this_thread::yield();  // it may have come to the log by now
  ended = true;
  join.reset();
  other.join();
}

// The place is committed with the rows of its own command, and no earlier.
TEST_F(CommitLogTest, WhatAStreamWritesTellsItsPlace) {
  const std::string id(40, 'a');
  const StreamPlace first{id, 100, 0}, second{id, 200, 3};
  {
    const StreamScope scope(&first);
    Set("a", "1");
  }
  Commit();
  {
    const StreamScope scope(&second);
    Set("b", "1");
  }
  EXPECT_EQ(engine_->log().CommittedState().place, first);
  EXPECT_EQ(engine_->log().stream_place(), second);
  Commit();
  EXPECT_EQ(engine_->log().CommittedState().place, second);
  Reopen();
  EXPECT_EQ(engine_->log().stream_place(), second);
}

TEST_F(CommitLogTest, AnyOtherWriteEndsAStreamsPlace) {
  const StreamPlace place{std::string(40, 'a'), 100, 0};
  const std::vector<std::function<void()>> writes = {
      [&] { Set("a", "2"); },
      [&] { InTx({"a"}, [](Tx& tx) { tx.Delete("a"); }); },
      [&] {
        Tx tx(engine_->keyspace(), {}, clock_.WallMs(), {.write = true, .lock_all = true});
        tx.SwapDb(0, 1);
      },
  };
  for (const auto& write : writes) {
    Set("a", "1");
    CommitLog& log = engine_->log();
    ASSERT_TRUE(log.CommitAndWait(log.SetStreamPlace(place)));
    (void)Get("a");
    EXPECT_EQ(log.stream_place(), place) << "a read is no write";
    write();
    EXPECT_EQ(log.stream_place(), StreamPlace());
    Commit();
    Reopen();
    EXPECT_EQ(engine_->log().stream_place(), StreamPlace());
  }
}

}  // namespace
}  // namespace hearth
