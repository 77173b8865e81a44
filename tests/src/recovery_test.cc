#include "src/recovery.h"

#include <filesystem>

#include "engine/checkpoint.h"
#include "src/config.h"
#include "tests/engine/engine_fixture.h"

namespace hearth {
namespace {

std::string Target(std::string_view text) {
  constexpr uint64_t kNone = std::numeric_limits<uint64_t>::max();
  const auto target = ParseRecoveryTarget(text);
  if (!target) return "none";
  std::string shown = target->before_flush ? "flush" : "";
  if (target->seq != kNone) shown += "seq " + std::to_string(target->seq);
  if (target->commit_ms != kNone) shown += "ms " + std::to_string(target->commit_ms);
  return shown;
}

TEST(RecoveryTest, Targets) {
  EXPECT_EQ(Target("end"), "");
  EXPECT_EQ(Target("flush"), "flush");
  EXPECT_EQ(Target("0"), "seq 0");
  EXPECT_EQ(Target("1234567890123"), "seq 1234567890123");
  EXPECT_EQ(Target("2026-01-31T23:59:59Z"), "ms 1769903999000");
  EXPECT_EQ(Target("2026-01-31T23:59:59.5Z"), "ms 1769903999500");
  EXPECT_EQ(Target("2026-01-31T23:59:59.042Z"), "ms 1769903999042");
  for (const char* text :
       {"", "-1", "End", "2026-01-31", "2026-01-31T23:59:59", "2026-01-31T23:59Z",
        "2026-01-31T23:59:59.Z", "2026-01-31T23:59:59.1234Z", "2026-01-31T23:59:59.xZ",
        "2026-01-31T23:59:59ZZ", "2026-13-31T23:59:59Z", "1969-01-31T23:59:59Z", "1 2"}) {
    EXPECT_EQ(Target(text), "none") << text;
  }
}

TEST(RecoveryTest, WhatCannotBeRecoveredIsNotTouched) {
  TemporaryFolder folder;
  const std::string dir = folder.path() + "/store";
  const auto recover = [&](const std::string& wal, const std::string& until) {
    Config config;
    EXPECT_EQ(config.Load({"--dir", dir, "--recover-wal", wal, "--recover-until", until}), "");
    EXPECT_TRUE(WantsRecovery(config));
    return Recover(config);
  };
  EXPECT_FALSE(WantsRecovery(Config()));
  EXPECT_EQ(recover("", "flush"), "recover-until needs recover-wal");
  EXPECT_EQ(recover("/tmp", "noon"),
            "recover-until is none of: end, flush, a sequence, a time as 2026-01-31T23:59:59Z");
  EXPECT_EQ(recover("/tmp", "end"), "There is no store in " + dir);
  std::filesystem::create_directories(dir);
  EXPECT_EQ(recover("/tmp", "end"), "There is no store in " + dir);
  EXPECT_TRUE(std::filesystem::is_empty(dir));
  std::unique_ptr<Engine> engine;
  EngineOptions options;
  options.store.dir = dir;
  ASSERT_TRUE(Engine::Open(options, &engine).ok());
  EXPECT_NE(recover("/tmp", "end").find("LOCK"), std::string::npos) << "it is in use";
  engine.reset();
  EXPECT_EQ(recover(dir + "/../store", "end"),
            "recover-wal names the log of the store itself: recover a snapshot of it");
  EXPECT_EQ(RefuseCutRecovery(dir), "") << "none has begun";
  EXPECT_EQ(recover(dir + "/none", "end"), "There is no directory " + dir + "/none");
}

class CutRecoveryTest : public EngineFixture {
 protected:
  std::string Recover(const std::string& snapshot, const std::string& wal) {
    Config config;
    EXPECT_EQ(config.Load({"--dir", snapshot, "--recover-wal", wal}), "");
    return hearth::Recover(config);
  }
};

// Killed between the new history and the removal of the mark.
TEST_F(CutRecoveryTest, OneThatHadAllButEndedIsEnded) {
  namespace fs = std::filesystem;
  ASSERT_TRUE(engine_->feed().SetActive(true).ok());
  Set("before", "1");
  Commit();
  SnapshotInfo info;
  ASSERT_TRUE(MakeCheckpoint(*engine_, {.dir = folder_.path() + "/snapshots"}, &info).ok());
  Set("after", "2");
  Commit();
  const std::string empty = folder_.path() + "/empty", opened = info.path + ".opened";
  const std::string mark = opened + "/RECOVERING", kept = folder_.path() + "/kept";
  fs::create_directories(empty);
  EXPECT_NE(Recover(info.path, empty), "");
  fs::copy(mark, kept);
  ASSERT_EQ(Recover(info.path, folder_.path() + "/data"), "");
  EXPECT_FALSE(fs::exists(mark));
  fs::copy(kept, mark);
  EXPECT_EQ(Recover(info.path, folder_.path() + "/data"), "");
  EXPECT_FALSE(fs::exists(mark));
  EngineOptions options = Options();
  options.store.dir = opened;
  engine_.reset();
  ASSERT_TRUE(Engine::Open(std::move(options), &engine_).ok());
  EXPECT_EQ(Get("after"), "2");
  EXPECT_NE(Recover(info.path, folder_.path() + "/data"), "") << "it has a history of its own";
}

}  // namespace
}  // namespace hearth
