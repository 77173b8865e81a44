#include "engine/history.h"

#include "engine/checkpoint.h"
#include "engine/replication_feed.h"
#include "engine/snapshot_copy.h"
#include "engine/watermark.h"
#include "tests/engine/engine_fixture.h"

namespace hearth {
namespace {

class HistoryTest : public EngineFixture {
 protected:
  History Now() { return engine_->log().history(); }

  // As a machine that lost its power: no clean mark, another boot.
  void LosePower() {
    ASSERT_TRUE(engine_->Shutdown().ok());
    const uint64_t seq = engine_->log().committed_seq();
    engine_.reset();
    ASSERT_TRUE(WriteWatermark(rocksdb::FileSystem::Default().get(), folder_.path() + "/data",
                               {seq, false, "another boot"})
                    .ok());
  }

  Status OpenAs(bool replica) {
    EngineOptions options = Options();
    options.replica = replica;
    return Engine::Open(options, &engine_);
  }
};

TEST(HistoryCoversTest, AnIdIsValidUpToItsSequence) {
  const History history{"now", "before", 100};
  EXPECT_TRUE(history.Covers("now", 200, 200));
  EXPECT_FALSE(history.Covers("now", 201, 200)) << "it has more than we do";
  EXPECT_TRUE(history.Covers("before", 100, 200));
  EXPECT_FALSE(history.Covers("before", 101, 200)) << "the tail of another history";
  EXPECT_FALSE(history.Covers("other", 1, 200));
  EXPECT_FALSE((History{"now", "", 0}).Covers("", 0, 200));
}

TEST_F(HistoryTest, APromotionBeginsAHistoryThatSharesThePast) {
  ASSERT_TRUE(engine_->Shutdown().ok());
  ASSERT_TRUE(OpenAs(/*replica=*/true).ok());
  const History before = Now();
  const uint64_t seq = engine_->log().committed_seq();
  ASSERT_TRUE(engine_->Promote().ok());
  EXPECT_FALSE(engine_->is_replica());
  const History after = Now();
  EXPECT_NE(after.id, before.id);
  EXPECT_EQ(after.id2, before.id);
  EXPECT_EQ(after.id2_seq, seq);
  EXPECT_GT(engine_->log().committed_seq(), seq) << "it is a group";
  Set("a", "1");
  Reopen();
  EXPECT_EQ(Now(), after);
  EXPECT_EQ(Get("a"), "1");
}

TEST_F(HistoryTest, APowerLossBeginsAHistory) {
  Set("a", "1");
  Commit();
  const History before = Now();
  const uint64_t seq = engine_->log().committed_seq();
  LosePower();
  ASSERT_TRUE(OpenAs(/*replica=*/false).ok());
  EXPECT_NE(Now().id, before.id);
  EXPECT_EQ(Now().id2, before.id);
  EXPECT_EQ(Now().id2_seq, seq);
}

// What it recovered is a prefix of its primary's history, and it writes nothing of its own.
TEST_F(HistoryTest, AReplicaKeepsItsPrimarysHistoryOverAPowerLoss) {
  Set("a", "1");
  Commit();
  const History before = Now();
  const uint64_t seq = engine_->log().committed_seq();
  LosePower();
  ASSERT_TRUE(OpenAs(/*replica=*/true).ok());
  EXPECT_EQ(Now(), before);
  EXPECT_EQ(engine_->log().committed_seq(), seq);
}

TEST_F(HistoryTest, ASnapshotThatIsStartedFromBeginsAHistory) {
  Set("a", "1");
  Commit();
  const History before = Now();
  CheckpointOptions options;
  options.dir = folder_.path() + "/snapshots";
  SnapshotInfo info;
  ASSERT_TRUE(MakeCheckpoint(*engine_, options, &info).ok());
  std::string dir;
  ASSERT_TRUE(PrepareDataDir(info.path, &dir).ok());
  EngineOptions engine_options = Options();
  engine_options.store.dir = dir;
  std::unique_ptr<Engine> second;
  for (int start = 0; start < 2; ++start) {
    second.reset();
    const Status status = Engine::Open(engine_options, &second);
    ASSERT_TRUE(status.ok()) << status.message();
    EXPECT_NE(second->log().history().id, before.id);
    EXPECT_EQ(second->log().history().id2, before.id);
    EXPECT_EQ(second->log().history().id2_seq, info.sequence) << "once, not at every start";
  }
}

// Another server may have started from the same files.
TEST_F(HistoryTest, TheFirstGroupBehindAStartBeginsAHistory) {
  std::vector<std::pair<History, uint64_t>> before;
  for (int start = 0; start < 3; ++start) {
    Set("a", std::to_string(start));
    Commit();
    before.emplace_back(Now(), engine_->log().committed_seq());
    if (start > 0) {
      EXPECT_NE(Now().id, before[start - 1].first.id);
      EXPECT_EQ(Now().id2, before[start - 1].first.id);
      EXPECT_EQ(Now().id2_seq, before[start - 1].second);
    }
    Set("a", "again");
    Commit();
    EXPECT_EQ(Now(), before.back().first) << "once a start";
    before.back().second = engine_->log().committed_seq();
    Reopen();
    EXPECT_EQ(Now(), before.back().first) << "who writes nothing goes on with what it was";
  }
  const Lineage lineage = engine_->log().ReadLineage();
  ASSERT_EQ(lineage.ancestors.size(), 2u);
  for (int i : {0, 1}) {
    EXPECT_TRUE(lineage.Covers(before[i].first.id, before[i].second));
    EXPECT_FALSE(lineage.Covers(before[i].first.id, before[i].second + 1));
  }
}

TEST(LineageTest, WhatIsSharedIsAPrefixOfThePast) {
  Lineage lineage;
  lineage.Add("a", 100);
  lineage.Add("b", 200);
  lineage.Add("c", 150);  // a snapshot from before the last groups of b
  EXPECT_EQ(lineage.ancestors,
            (std::vector<Lineage::Ancestor>{{"a", 100}, {"b", 150}, {"c", 150}}));
  EXPECT_TRUE(lineage.Covers("b", 150));
  EXPECT_FALSE(lineage.Covers("b", 151));
  EXPECT_FALSE(lineage.Covers("d", 1));
  EXPECT_EQ(Lineage::LastInCommon(lineage.ancestors, {{{"x", 500}, {"b", 120}, {"a", 90}}}), 120u);
  EXPECT_EQ(Lineage::LastInCommon(lineage.ancestors, {{{"x", 500}}}), 0u);
  lineage.Add("e", 0);  // nothing of the past is left
  EXPECT_TRUE(lineage.ancestors.empty());
  for (size_t i = 1; i <= Lineage::kAncestorsMax + 10; ++i) lineage.Add(std::to_string(i), i);
  EXPECT_EQ(lineage.ancestors.size(), Lineage::kAncestorsMax);
  EXPECT_EQ(lineage.ancestors.front().id, "11") << "the oldest go";
}

TEST(LineageTest, ItsRowIsReadAgain) {
  Lineage lineage, read;
  lineage.Add(std::string(History::kIdSize, 'a'), 7);
  lineage.Add(std::string(History::kIdSize, 'b'), uint64_t{1} << 40);
  const std::string row = EncodeLineage(lineage);
  ASSERT_TRUE(ParseLineage(row, &read));
  EXPECT_EQ(read.ancestors, lineage.ancestors);
  EXPECT_TRUE(ParseLineage(EncodeLineage({}), &read));
  for (size_t size = 0; size < row.size(); ++size) {
    const bool is_whole = size == 1 || size == 1 + History::kIdSize + 1;
    EXPECT_EQ(ParseLineage(row.substr(0, size), &read), is_whole) << size;
  }
}

TEST_F(HistoryTest, EmptyIsWhatNeverHeldAnything) {
  EXPECT_TRUE(engine_->IsEmpty());
  Reopen();
  EXPECT_TRUE(engine_->IsEmpty());
  Set("a", "1");
  Commit();
  EXPECT_FALSE(engine_->IsEmpty());
  InTx({"a"}, [](Tx& tx) { tx.Delete("a"); });
  Commit();
  EXPECT_FALSE(engine_->IsEmpty()) << "emptied on purpose";
  Reopen();
  EXPECT_FALSE(engine_->IsEmpty());
}

// A store written before the second id stood in the state row.
TEST_F(HistoryTest, StateRowsOfVersionOneAreRead) {
  std::string row(1, '\x01');
  AppendFixed64(&row, 123);
  row += std::string(40, 'a');
  AppendVarint(&row, 16);
  for (const uint64_t number : {0, 0, 5, 1}) AppendVarint(&row, number);
  StoreState state;
  ASSERT_TRUE(ParseState(row, 16, &state));
  EXPECT_EQ(state.history, (History{std::string(40, 'a'), "", 0}));
  EXPECT_EQ(state.dbs[0].keys, 5u);
  EXPECT_EQ(state.commit_ms, 123u);
}

}  // namespace
}  // namespace hearth
