#pragma once

// EngineFixture: an engine on a temporary folder with a manual clock, reopened at will.

#include <gtest/gtest.h>
#include <stdlib.h>

#include <filesystem>
#include <memory>
#include <string>
#include <thread>

#include "engine/engine.h"

namespace hearth {

class TemporaryFolder {
 public:
  TemporaryFolder() {
    char path[] = "/tmp/hearth-test-XXXXXX";
    path_ = mkdtemp(path);
  }
  ~TemporaryFolder() {
    std::error_code error;
    std::filesystem::remove_all(path_, error);
  }
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

class EngineFixture : public testing::Test {
 protected:
  void SetUp() override { Open(); }

  EngineOptions Options() {
    EngineOptions options;
    options.store.dir = folder_.path() + "/data";
    options.store.write_buffer_size_bytes = 4 << 20;
    options.clock = &clock_;
    options.keeper = false;
    options.warm_on_start = false;
    return options;
  }

  void Open() {
    std::filesystem::create_directories(folder_.path() + "/data");
    const Status status = Engine::Open(Options(), &engine_);
    ASSERT_TRUE(status.ok()) << status.message();
  }

  void Reopen() {
    ASSERT_TRUE(engine_->Shutdown().ok());
    engine_.reset();
    Open();
  }

  void Commit() { ASSERT_TRUE(engine_->log().CommitAndWait(engine_->log().joined_seq())); }

  // Runs change in a Tx on the keys, loading what is missing first.
  template <typename Change>
  void InTx(std::initializer_list<std::string_view> keys, Change change, uint32_t db = 0,
            bool head_only = false) {
    std::vector<KeyRef> refs;
    for (const std::string_view key : keys) refs.emplace_back(db, key).head_only = head_only;
    for (int attempt = 0;; ++attempt) {
      Tx tx(engine_->keyspace(), refs, clock_.WallMs(),
            {.write = true, .read_blocking = attempt > 2});
      if (tx.state() == Tx::State::kPending) {
        const std::vector<KeyRef> missing = tx.missing();
        ASSERT_TRUE(engine_->keyspace().Load(missing).ok());
        continue;
      }
      ASSERT_EQ(tx.state(), Tx::State::kReady) << tx.error().message();
      change(tx);
      return;
    }
  }

  void Set(std::string_view key, std::string_view value, Expiry expiry = Expiry::None(),
           uint32_t db = 0) {
    InTx(
        {key}, [&](Tx& tx) { tx.SetString(key, value, expiry); }, db);
  }

  // The value, or "(nil)".
  std::string Get(std::string_view key, uint32_t db = 0) {
    std::string value = "(nil)";
    InTx(
        {key},
        [&](Tx& tx) {
          if (const Object* object = tx.Find(key)) value = object->value();
        },
        db);
    return value;
  }

  // Flushes and forgets everything that memory may forget.
  void DemoteAll() {
    Commit();
    ASSERT_TRUE(engine_->store().Flush(/*wait=*/true).ok());
    // RocksDB may wake who waits for a flush before it tells its listener.
    const uint64_t committed_seq = engine_->log().committed_seq();
    for (int i = 0; i < 1'000'000 && engine_->store().flushed_seq() < committed_seq; ++i) {
      std::this_thread::yield();
    }
    engine_->residency().DemoteAll();
  }

  // What the resident objects of database 0 take, counted anew.
  size_t CountResidentBytes() {
    Keyspace& keyspace = engine_->keyspace();
    size_t bytes = 0;
    for (uint32_t index = 0; index < keyspace.shard_count(); ++index) {
      std::vector<Table::Placed> objects;
      if (const Table* table = keyspace.shard(index).dbs[0].table.get()) {
        table->WalkRange(keyspace.FirstPosition(index), keyspace.LastPosition(index), &objects);
      }
      for (const auto& [position, object] : objects) bytes += object->memory_size();
    }
    return bytes;
  }

  // All rows of the store as text, a line each, but for the state row.
  std::string StoredRows() {
    std::string text;
    uint64_t seq;
    const Status status = engine_->store().Scan("k", "n", &seq, [&](auto key, auto value) {
      text += RowText(key, value) + "\n";
      return true;
    });
    EXPECT_TRUE(status.ok()) << status.message();
    return text;
  }

  std::string Differences() {
    Commit();
    std::string differences;
    const Status status = engine_->keyspace().VerifyAgainstStore(&differences);
    return status.ok() ? differences : status.message();
  }

  TemporaryFolder folder_;
  ManualClock clock_;
  std::unique_ptr<Engine> engine_;
};

}  // namespace hearth
