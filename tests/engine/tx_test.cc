#include "engine/tx.h"

#include <map>
#include <random>
#include <thread>

#include "engine/keyspace.h"
#include "engine/rows.h"
#include "engine/set.h"
#include "tests/engine/engine_fixture.h"

namespace hearth {
namespace {

class TxTest : public EngineFixture {};

TEST_F(TxTest, AWriteIsInMemoryAndInTheStore) {
  Set("foo", "bar");
  EXPECT_EQ(Get("foo"), "bar");
  Commit();
  EXPECT_EQ(StoredRows(), "head db=0 slot=12182 key=foo type=0 encoding=8 value=bar\n");
  EXPECT_EQ(engine_->keyspace().KeyCount(0), 1u);
}

TEST_F(TxTest, ADeletedKeyIsGoneEverywhere) {
  Set("foo", "bar");
  InTx({"foo"}, [](Tx& tx) { EXPECT_TRUE(tx.Delete("foo")); });
  InTx({"foo"}, [](Tx& tx) { EXPECT_FALSE(tx.Delete("foo")); });
  Commit();
  EXPECT_EQ(Get("foo"), "(nil)");
  EXPECT_EQ(StoredRows(), "");
  EXPECT_EQ(engine_->keyspace().KeyCount(0), 0u);
}

TEST_F(TxTest, EncodingsAreRedis) {
  EXPECT_EQ(EncodingOf("12"), Encoding::kInt);
  EXPECT_EQ(EncodingOf("-9223372036854775808"), Encoding::kInt);
  EXPECT_EQ(EncodingOf("9223372036854775808"), Encoding::kEmbstr);
  EXPECT_EQ(EncodingOf("012"), Encoding::kEmbstr);
  EXPECT_EQ(EncodingOf("-0"), Encoding::kEmbstr);
  EXPECT_EQ(EncodingOf("+1"), Encoding::kEmbstr);
  EXPECT_EQ(EncodingOf(""), Encoding::kEmbstr);
  EXPECT_EQ(EncodingOf(std::string(44, 'x')), Encoding::kEmbstr);
  EXPECT_EQ(EncodingOf(std::string(45, 'x')), Encoding::kRaw);
}

TEST_F(TxTest, WhatExpiresDuringAPauseIsHiddenButNotDeleted) {
  const auto is_there = [&] {
    const KeyRef ref(0, "k");
    Tx tx(engine_->keyspace(), {&ref, 1}, clock_.WallMs());
    EXPECT_TRUE(tx.may_change());
    return tx.Find("k") != nullptr;
  };
  Set("k", "v", Expiry::AtMs(clock_.WallMs() + 100));
  Commit();
  clock_.AdvanceMs(100);
  engine_->SetPaused(true);
  const uint64_t seq = engine_->log().joined_seq();
  EXPECT_FALSE(is_there());
  EXPECT_EQ(engine_->log().joined_seq(), seq);
  EXPECT_EQ(engine_->keyspace().KeyCount(0), 1u);
  engine_->SetPaused(false);
  EXPECT_FALSE(is_there());
  EXPECT_EQ(engine_->keyspace().KeyCount(0), 0u);
}

// It passed the gate before that closed.
TEST_F(TxTest, AWriteDuringAPauseFindsNothingInItsWay) {
  Set("k", "v", Expiry::AtMs(clock_.WallMs() + 100));
  clock_.AdvanceMs(100);
  engine_->SetPaused(true);
  InTx({"k"}, [](Tx& tx) { SetKey(tx, "k", tx.Find("k")).Add("member"); });
  EXPECT_EQ(engine_->keyspace().KeyCount(0), 1u);
  EXPECT_EQ(Differences(), "");
}

TEST_F(TxTest, ADemotedKeyIsReadBackWithAllOfIt) {
  Set("foo", "bar", Expiry::AtMs(clock_.WallMs() + 5000));
  Set("num", "42");
  DemoteAll();
  EXPECT_EQ(engine_->keyspace().ResidentCount(), 0u);
  EXPECT_EQ(Get("foo"), "bar");
  InTx({"foo"}, [&](Tx& tx) { EXPECT_EQ(tx.Peek("foo")->expire_at_ms(), clock_.WallMs() + 5000); });
  InTx({"num"}, [](Tx& tx) { EXPECT_EQ(tx.Peek("num")->encoding, Encoding::kInt); });
  EXPECT_EQ(Differences(), "");
}

TEST_F(TxTest, AKeyDeletedAfterItsDemotionStaysDeleted) {
  Set("foo", "bar");
  DemoteAll();
  InTx({"foo"}, [](Tx& tx) { EXPECT_TRUE(tx.Delete("foo")); });
  EXPECT_EQ(Get("foo"), "(nil)");
  DemoteAll();
  EXPECT_EQ(Get("foo"), "(nil)");
  EXPECT_EQ(engine_->keyspace().KeyCount(0), 0u);
}

TEST_F(TxTest, AnExpiredKeyIsDeletedByTheReadThatMeetsIt) {
  Set("foo", "bar", Expiry::AtMs(clock_.WallMs() + 10));
  EXPECT_EQ(engine_->keyspace().ExpiryCount(0), 1u);
  clock_.AdvanceMs(9);
  EXPECT_EQ(Get("foo"), "bar");
  clock_.AdvanceMs(1);
  EXPECT_EQ(Get("foo"), "(nil)");
  Commit();
  EXPECT_EQ(StoredRows(), "");
  EXPECT_EQ(engine_->keyspace().ExpiryCount(0), 0u);
}

// A key without room for an expiry becomes another object; its value and the account stay.
TEST_F(TxTest, AnExpiryIsGivenToEveryFormOfAKey) {
  Set("string", std::string(1000, 's'));
  const auto change = [&](std::string_view key, int64_t at_ms) {
    InTx({key}, [&](Tx& tx) { tx.SetExpiry(key, at_ms); });
  };
  const auto fill = [&](std::string_view key, int count) {
    InTx({key}, [&](Tx& tx) {
      SetKey set(tx, key, tx.Find(key));
      for (int i = 0; i < count; ++i) set.Add("member:" + std::to_string(i));
    });
  };
  fill("packed", 3);
  fill("spread", 3000);
  for (const std::string key : {"string", "packed", "spread"}) {
    SCOPED_TRACE(key);
    change(key, clock_.WallMs() + 1000);
    InTx({key}, [&](Tx& tx) {
      EXPECT_EQ(tx.Peek(key)->expire_at_ms(), clock_.WallMs() + 1000);
      EXPECT_EQ(tx.Peek(key)->spread(), key == "spread");
    });
  }
  EXPECT_EQ(engine_->keyspace().ExpiryCount(0), 3u);
  EXPECT_EQ(engine_->keyspace().ResidentBytes(), CountResidentBytes());
  fill("spread", 3001);
  EXPECT_EQ(Differences(), "");
  change("spread", kNoExpiry);
  change("string", clock_.WallMs() + 2000);
  clock_.AdvanceMs(1000);
  EXPECT_EQ(Get("string"), std::string(1000, 's'));
  InTx({"spread"},
       [&](Tx& tx) { EXPECT_EQ(SetKey(tx, "spread", tx.Find("spread")).size(), 3001u); });
  InTx({"packed"}, [](Tx& tx) { EXPECT_EQ(tx.Find("packed"), nullptr); });
  EXPECT_EQ(engine_->keyspace().ExpiryCount(0), 1u);
  EXPECT_EQ(engine_->keyspace().ResidentBytes(), CountResidentBytes());
  EXPECT_EQ(Differences(), "");
  Reopen();
  EXPECT_EQ(engine_->keyspace().ExpiryCount(0), 1u);
  EXPECT_EQ(Differences(), "");
}

TEST_F(TxTest, FlushAndSwapTouchWholeDatabasesAndSurviveAReopen) {
  Set("a", "0");
  Set("b", "1", Expiry::None(), 1);
  const auto all = [&](auto change) {
    Tx tx(engine_->keyspace(), {}, clock_.WallMs(), {.write = true, .lock_all = true});
    change(tx);
  };
  all([](Tx& tx) { tx.SwapDb(0, 1); });
  EXPECT_EQ(Get("b"), "1");
  EXPECT_EQ(Get("a", 1), "0");
  all([](Tx& tx) { tx.FlushDb(1); });
  EXPECT_EQ(Get("a", 1), "(nil)");
  EXPECT_EQ(Differences(), "");
  Reopen();
  EXPECT_EQ(Get("b"), "1");
  EXPECT_EQ(Get("a", 1), "(nil)");
  EXPECT_EQ(engine_->keyspace().KeyCount(0), 1u);
  EXPECT_EQ(engine_->keyspace().KeyCount(1), 0u);
  EXPECT_EQ(Differences(), "");
}

TEST_F(TxTest, MoveAndCopyKeepValueAndExpiry) {
  Set("foo", "bar", Expiry::AtMs(clock_.WallMs() + 5000));
  InTx({"foo", "to"}, [](Tx& tx) { tx.Copy({0, "foo"}, {0, "to"}); });
  InTx({"foo", "moved"}, [](Tx& tx) { tx.Move({0, "foo"}, {0, "moved"}); });
  EXPECT_EQ(Get("foo"), "(nil)");
  EXPECT_EQ(Get("to"), "bar");
  EXPECT_EQ(Get("moved"), "bar");
  EXPECT_EQ(engine_->keyspace().KeyCount(0), 2u);
  EXPECT_EQ(engine_->keyspace().ExpiryCount(0), 2u);
  EXPECT_EQ(Differences(), "");
}

TEST_F(TxTest, WriteRangeGrowsWithZeros) {
  InTx({"r"}, [](Tx& tx) { EXPECT_EQ(tx.WriteRange("r", 3, "xy"), 5u); });
  EXPECT_EQ(Get("r"), std::string("\0\0\0xy", 5));
  InTx({"r"}, [](Tx& tx) { EXPECT_EQ(tx.WriteRange("r", 0, "ab"), 5u); });
  EXPECT_EQ(Get("r"), std::string("ab\0xy", 5));
  EXPECT_EQ(Differences(), "");
}

// RocksDB answers Ok with nothing when it may not open the table that holds the row.
TEST_F(TxTest, AKeyWhoseTableIsNotOpenIsPendingNeverDamaged) {
  for (int table = 0; table < 9; ++table) {
    for (int i = 0; i < 20; ++i) Set("key" + std::to_string(i * 9 + table), "v");
    Commit();
    ASSERT_TRUE(engine_->store().Flush(/*wait=*/true).ok());
  }
  ASSERT_TRUE(engine_->Shutdown().ok());
  EngineOptions options = Options();
  options.store.open_files_max = 11;  // room for one table
  ASSERT_TRUE(Engine::Open(std::move(options), &engine_).ok());
  for (int i = 0; i < 180; ++i) EXPECT_EQ(Get("key" + std::to_string(i)), "v");
  engine_.reset();
}

TEST_F(TxTest, WhoGivesWayDoesNotWaitForALongTx) {
  Keyspace& keyspace = engine_->keyspace();
  const auto state_of_another = [&] {
    Tx::State state{};
    std::thread([&] {
      const KeyRef ref(0, "k");
      Tx tx(keyspace, {&ref, 1}, 1000, {.write = true, .give_way = true});
      state = tx.state();
    }).join();
    return state;
  };
  {
    const Tx holder(keyspace, {}, 1000, {.lock_all = true});
    keyspace.SetLongHold(true);
    EXPECT_EQ(state_of_another(), Tx::State::kBusy);
  }
  keyspace.SetLongHold(false);
  EXPECT_EQ(state_of_another(), Tx::State::kReady);
}

TEST_F(TxTest, KeysTakenLaterAreMadeResidentOrTold) {
  Set("cold", "v");
  Reopen();
  Tx tx(engine_->keyspace(), {}, 1000, {.lock_all = true});
  const KeyRef ref(0, "cold");
  const Tx::State state = tx.TakeKeys({&ref, 1}, /*read_blocking=*/false);
  EXPECT_TRUE(state == Tx::State::kReady || tx.missing().size() == 1);
  EXPECT_EQ(tx.TakeKeys({&ref, 1}, /*read_blocking=*/true), Tx::State::kReady);
  ASSERT_NE(tx.Find("cold"), nullptr);
  EXPECT_EQ(tx.Find("cold")->value(), "v");
}

TEST_F(TxTest, ALibraryIsARow) {
  {
    Tx tx(engine_->keyspace(), {}, 1000, {.write = true, .lock_all = true});
    tx.PutLibrary("lib", "code");
    tx.PutLibrary("gone", "code");
    tx.DeleteLibrary("gone");
  }
  Commit();
  std::string rows;
  uint64_t seq;
  const Status status =
      engine_->store().Scan("f", "g", &seq, [&](std::string_view key, std::string_view value) {
        rows += RowText(key, value) + "\n";
        return true;
      });
  EXPECT_TRUE(status.ok());
  EXPECT_EQ(rows, "library name=lib code=code\n");
}

// Object in memory = object loaded from its rows, after any sequence of changes, demotions and
// reopens.
TEST_F(TxTest, RandomChangesAgreeWithAModel) {
  const uint64_t seed = std::random_device{}();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937_64 random(seed);
  std::map<std::string, std::string> model;
  for (int step = 0; step < 4000; ++step) {
    const std::string key = "k" + std::to_string(random() % 60);
    const std::string value(random() % 90, static_cast<char>('a' + random() % 26));
    switch (random() % 12) {
      case 0:
      case 1:
      case 2:
        Set(key, value);
        model[key] = value;
        break;
      case 3: {
        InTx({key}, [&](Tx& tx) { EXPECT_EQ(tx.Delete(key), model.erase(key) == 1); });
        break;
      }
      case 4: {
        const size_t offset = random() % 20;
        InTx({key}, [&](Tx& tx) { tx.WriteRange(key, offset, value); });
        std::string& expected = model[key];
        if (expected.size() < offset + value.size()) expected.resize(offset + value.size());
        expected.replace(offset, value.size(), value);
        break;
      }
      case 5: {
        const std::string to = key + "t";
        if (!model.count(key)) break;
        InTx({key, to}, [&](Tx& tx) { tx.Move({0, key}, {0, to}); });
        model[to] = model[key];
        model.erase(key);
        break;
      }
      case 6:
        Commit();
        break;
      case 7:
        if (random() % 10 == 0) DemoteAll();
        break;
      case 8:
        if (random() % 100 == 0) Reopen();
        break;
      default:
        EXPECT_EQ(Get(key), model.count(key) ? model[key] : "(nil)");
    }
  }
  EXPECT_EQ(engine_->keyspace().KeyCount(0), model.size());
  EXPECT_EQ(Differences(), "");
  Reopen();
  for (const auto& [key, value] : model) EXPECT_EQ(Get(key), value);
  EXPECT_EQ(Differences(), "");
}

}  // namespace
}  // namespace hearth
