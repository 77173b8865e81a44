#pragma once

// CollectionFixture: what every collection type must hold, whatever was done to it:
//   the object in memory = the object loaded from its rows = the object of a second store that was
//   fed with the committed batches.

#include <rocksdb/transaction_log.h>

#include <random>

#include "engine/collection_limits.h"
#include "engine/random.h"
#include "tests/engine/engine_fixture.h"

namespace hearth {

class CollectionFixture : public EngineFixture {
 protected:
  // print(Tx&, key) -> the key's value as text, everything that a client can see of it.
  using Print = std::function<std::string(Tx& tx, std::string_view key)>;

  void TearDown() override {
    Limits().packed_size_max = packed_size_max_;
    EngineFixture::TearDown();
  }

  // The keys as text, each with its encoding and expiry.
  std::string Text(const std::vector<std::string>& keys, const Print& print) {
    std::string text;
    for (const std::string& key : keys) {
      InTx({key}, [&](Tx& tx) {
        text += key + ": ";
        if (const Object* object = tx.Peek(key)) {
          text += std::string(EncodingName(object->encoding)) + " " +
                  std::to_string(object->expire_at_ms) + " " + print(tx, key);
        }
        text += "\n";
      });
    }
    return text;
  }

  // Compares memory with the store, row by row, and with what a load gives.
  void ExpectSameAfterLoad(const std::vector<std::string>& keys, const Print& print,
                           bool feed = false) {
    const std::string text = Text(keys, print);
    ASSERT_EQ(Differences(), "");
    const size_t bytes = engine_->keyspace().ResidentBytes();
    if (feed) FeedReplica();
    DemoteAll();
    ASSERT_EQ(engine_->keyspace().ResidentCount(), 0u);
    ASSERT_EQ(engine_->keyspace().ResidentBytes(), 0u) << "of " << bytes << " bytes";
    ASSERT_EQ(Text(keys, print), text);
    ASSERT_EQ(Differences(), "");
  }

  // Feeds the second store with the batches committed since the last time. Must come before every
  // flush, which deletes the log.
  void FeedReplica() {
    Commit();
    if (replica_ == nullptr) {
      replica_folder_ = std::make_unique<TemporaryFolder>();
      StoreOptions options = Options().store;
      options.dir = replica_folder_->path();
      replica_ = std::make_unique<Store>(options);
      ASSERT_TRUE(replica_->Open().ok());
    }
    if (replica_->LatestSeq() == engine_->log().committed_seq()) return;
    std::unique_ptr<rocksdb::TransactionLogIterator> groups;
    ASSERT_TRUE(engine_->store().db()->GetUpdatesSince(replica_->LatestSeq() + 1, &groups).ok());
    for (; groups->Valid(); groups->Next()) {
      auto group = groups->GetBatch();
      ASSERT_EQ(group.sequence, replica_->LatestSeq() + 1);
      ASSERT_TRUE(replica_->Write(group.writeBatchPtr.get(), true, false).ok());
    }
    ASSERT_EQ(replica_->LatestSeq(), engine_->log().committed_seq());
  }

  // Opens what the second store got and compares it.
  void ExpectSameOnReplica(const std::vector<std::string>& keys, const Print& print) {
    const std::string text = Text(keys, print);
    FeedReplica();
    const std::string rows = StoredRows();
    ASSERT_TRUE(replica_->Close().ok());
    EngineOptions options = Options();
    options.store.dir = replica_folder_->path();
    std::unique_ptr<Engine> first = std::move(engine_);
    const Status status = Engine::Open(options, &engine_);
    ASSERT_TRUE(status.ok()) << status.message();
    EXPECT_EQ(StoredRows(), rows);
    EXPECT_EQ(Text(keys, print), text);
    EXPECT_EQ(Differences(), "");
    engine_ = std::move(first);
    replica_.reset();
  }

  // Runs random changes on a few keys under several packing limits; each is checked after a load
  // now and then, and on a replica at the end. step(Tx&, key, random) changes one key.
  using Step = std::function<void(Tx& tx, std::string_view key, std::mt19937_64& random)>;
  void CheckProperty(const Step& step, const Print& print, int step_count = 3000) {
    const std::vector<std::string> keys = {"a", "b", "c", "{tag}d"};
    for (const uint32_t packed_size_max : {512u, 40u, 0u}) {
      const uint64_t seed = RandomBits() % 1'000'000;
      SCOPED_TRACE("seed " + std::to_string(seed) + ", packed up to " +
                   std::to_string(packed_size_max));
      Limits().packed_size_max = packed_size_max;
      StartAnew();
      std::mt19937_64 random(seed);
      for (int i = 0; i < step_count; ++i) {
        const std::string& key = keys[random() % keys.size()];
        InTx({key}, [&](Tx& tx) { step(tx, key, random); });
        if (random() % 300 == 0) ChangeWholeKey(keys, random);
        if (random() % 400 == 0) ExpectSameAfterLoad(keys, print, /*feed=*/true);
        if (HasFatalFailure()) return;
      }
      ExpectSameAfterLoad(keys, print, /*feed=*/true);
      ExpectSameOnReplica(keys, print);
      if (HasFatalFailure()) return;
    }
  }

 private:
  // An empty store: its log begins at the first sequence.
  void StartAnew() {
    engine_.reset();
    std::filesystem::remove_all(folder_.path() + "/data");
    Open();
  }

  // What generic commands do to keys of any type.
  void ChangeWholeKey(const std::vector<std::string>& keys, std::mt19937_64& random) {
    const std::string& from = keys[random() % keys.size()];
    const std::string& to = keys[random() % keys.size()];
    const uint64_t what = random() % 4;
    InTx({from, to}, [&](Tx& tx) {
      if (tx.Peek(from) == nullptr || from == to) return;
      const KeyRef from_ref(0, from), to_ref(0, to);
      if (what == 0) tx.Copy(from_ref, to_ref);
      if (what == 1) tx.Move(from_ref, to_ref);
      if (what == 2) tx.Delete(from);
      if (what == 3) tx.SetExpiry(from, clock_.WallMs() + 1'000'000);
    });
  }

  std::unique_ptr<TemporaryFolder> replica_folder_;
  std::unique_ptr<Store> replica_;
  const uint32_t packed_size_max_ = Limits().packed_size_max;
};

}  // namespace hearth
