#pragma once

// CollectionFixture: what every collection type must hold, whatever was done to it:
//   the object in memory = the object loaded from its rows = the object of a replica that was given
//   the committed groups.

#include <random>

#include "engine/collection_limits.h"
#include "engine/random.h"
#include "engine/set.h"
#include "tests/engine/engine_fixture.h"

namespace hearth {

class CollectionFixture : public EngineFixture {
 protected:
  std::unique_ptr<TemporaryFolder> replica_folder_;
  std::unique_ptr<Engine> replica_;

  // print(Tx&, key) -> the key's value as text, everything that a client can see of it.
  using Print = std::function<std::string(Tx& tx, std::string_view key)>;

  void TearDown() override {
    Limits().packed_size_max = packed_size_max_;
    Limits().small_size_max = kSmallSizeMaxUsual;
    Limits().few_rows_max = kFewRowsMaxUsual;
    EngineFixture::TearDown();
  }

  // The keys as text, each with its encoding and expiry.
  std::string Text(const std::vector<std::string>& keys, const Print& print) {
    std::string text;
    for (const std::string& key : keys) {
      InTx({key}, [&](Tx& tx) {
        text += key + ": ";
        if (tx.Peek(key) != nullptr) {
          const std::string value = print(tx, key);  // may put another object in its place
          const Object* object = tx.Peek(key);
          text += std::string(EncodingName(object->encoding)) + " " +
                  std::to_string(object->expire_at_ms()) + " " + value;
        }
        text += "\n";
      });
    }
    return text;
  }

  // 0 when it is not there.
  size_t SetSize(std::string_view key) {
    size_t size = 0;
    InTx({key}, [&](Tx& tx) {
      if (const Object* object = tx.Peek(key)) size = SetKey(tx, key, object).size();
    });
    return size;
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

  // Gives a replica the groups committed since the last time.
  void FeedReplica() {
    Commit();
    if (replica_ == nullptr) StartReplica();
    ReplicationFeed::Groups groups;
    const uint64_t next_seq = replica_->log().committed_seq() + 1;
    Status read = engine_->feed().Read(next_seq, SIZE_MAX, &groups);
    if (read.code() == Status::Code::kBusy) {
      const auto cursor = engine_->feed().NewCursor(next_seq);
      read = engine_->feed().ReadFromWal(cursor.get(), SIZE_MAX, &groups);
    }
    ASSERT_TRUE(read.ok()) << read.message();
    const Status status = replica_->ApplyGroups(groups);
    ASSERT_TRUE(status.ok()) << status.message();
    ASSERT_EQ(replica_->log().committed_seq(), engine_->log().committed_seq());
  }

  // What is resident on the replica, and after a load all of it, is what the primary has.
  void ExpectSameOnReplica(const std::vector<std::string>& keys, const Print& print) {
    const std::string text = Text(keys, print);
    FeedReplica();
    const std::string rows = StoredRows();
    const auto counts = [this] {
      return std::to_string(engine_->log().KeyCount(0)) + " keys, " +
             std::to_string(engine_->log().ExpiryCount(0)) + " expire";
    };
    const std::string counted = counts();
    OnReplica([&] {
      EXPECT_EQ(Differences(), "");
      EXPECT_EQ(StoredRows(), rows);
      EXPECT_EQ(Text(keys, print), text);
      EXPECT_EQ(Differences(), "");
      EXPECT_EQ(counts(), counted);
      DemoteAll();
      EXPECT_EQ(engine_->keyspace().ResidentBytes(), 0u);
      EXPECT_EQ(Text(keys, print), text);
    });
  }

  // Runs what the fixture does with engine_ on the replica.
  template <typename What>
  void OnReplica(What what) {
    std::swap(engine_, replica_);
    what();
    std::swap(engine_, replica_);
  }

  void StartReplica() {
    replica_.reset();
    replica_folder_ = std::make_unique<TemporaryFolder>();
    EngineOptions options = Options();
    options.store.dir = replica_folder_->path();
    options.replica = true;
    const Status status = Engine::Open(options, &replica_);
    ASSERT_TRUE(status.ok()) << status.message();
  }

  // Runs random changes on a few keys under several limits of packed, small and unread forms; each
  // is checked after a load now and then, and on a replica at the end. step(Tx&, key, random)
  // changes one key.
  using Step = std::function<void(Tx& tx, std::string_view key, std::mt19937_64& random)>;
  void CheckProperty(const Step& step, const Print& print, int step_count = 3000) {
    const std::vector<std::string> keys = {"a", "b", "c", "{tag}d"};
    const std::tuple<uint32_t, uint32_t, uint32_t> limits[] = {
        {kPackedSizeMaxUsual, kSmallSizeMaxUsual, kFewRowsMaxUsual},
        {40, kSmallSizeMaxUsual, 2},
        {40, 300, kFewRowsMaxUsual},
        {0, 0, 0}};
    for (const auto& [packed_size_max, small_size_max, few_rows_max] : limits) {
      const uint64_t seed = RandomBits() % 1'000'000;
      SCOPED_TRACE("seed " + std::to_string(seed) + ", packed up to " +
                   std::to_string(packed_size_max) + ", small up to " +
                   std::to_string(small_size_max) + ", few rows up to " +
                   std::to_string(few_rows_max));
      Limits().packed_size_max = packed_size_max;
      Limits().small_size_max = small_size_max;
      Limits().few_rows_max = few_rows_max;
      StartAnew();
      std::mt19937_64 random(seed);
      for (int i = 0; i < step_count; ++i) {
        const std::string& key = keys[random() % keys.size()];
        InTx({key}, [&](Tx& tx) { step(tx, key, random); });
        if (random() % 100 == 0) ChangeWholeKey(keys, random);
        if (random() % 400 == 0) ExpectSameAfterLoad(keys, print, /*feed=*/true);
        if (random() % 20 == 0) FeedReplica();
        if (random() % 100 == 0) DisturbReplica(keys, print, random);
        if (HasFatalFailure()) return;
      }
      ExpectSameAfterLoad(keys, print, /*feed=*/true);
      ExpectSameOnReplica(keys, print);
      if (HasFatalFailure()) return;
    }
  }

 private:
  // An empty primary and an empty replica of it.
  void StartAnew() {
    engine_.reset();
    std::filesystem::remove_all(folder_.path() + "/data");
    Open();
    ASSERT_TRUE(engine_->feed().SetActive(true).ok());
    StartReplica();
  }

  // What happens on a replica beside the groups.
  void DisturbReplica(const std::vector<std::string>& keys, const Print& print,
                      std::mt19937_64& random) {
    const uint64_t what = random() % 5;
    if (replica_ == nullptr) return;
    OnReplica([&] {
      if (what == 0) DemoteAll();
      if (what == 1) Text(keys, print);
      if (what == 2) engine_->SetReplicaWarm(random() % 2 == 0);
      if (what == 3) {
        EXPECT_EQ(Differences(), "");
      }
      if (what == 4) {
        DemoteAll();
        for (const std::string& key : keys) {
          InTx(
              {key}, [](Tx&) {}, /*db=*/0, /*head_only=*/true);
        }
      }
    });
  }

  // What generic commands do to keys of any type, some of which are cold.
  void ChangeWholeKey(const std::vector<std::string>& keys, std::mt19937_64& random) {
    const std::string& from = keys[random() % keys.size()];
    const std::string& to = keys[random() % keys.size()];
    const uint64_t what = random() % 4;
    if (random() % 2 == 0) DemoteAll();
    const auto change = [&](Tx& tx) {
      if (tx.Peek(from) == nullptr || from == to) return;
      const KeyRef from_ref(0, from), to_ref(0, to);
      if (what == 0) tx.Copy(from_ref, to_ref);
      if (what == 1) tx.Move(from_ref, to_ref);
      if (what == 2) tx.Delete(from);
      if (what == 3) tx.SetExpiry(from, clock_.WallMs() + 1'000'000);
    };
    InTx({from, to}, change, /*db=*/0, /*head_only=*/what != 0 && random() % 4 != 0);
  }

  const uint32_t packed_size_max_ = Limits().packed_size_max;
};

}  // namespace hearth
