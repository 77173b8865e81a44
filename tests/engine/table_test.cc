#include "engine/table.h"

#include <gtest/gtest.h>

#include <cstring>
#include <map>
#include <random>

#include "engine/cursor.h"

namespace hearth {
namespace {

using Model = std::map<std::pair<uint64_t, std::string>, int64_t>;

// A key that begins with its position, so that a test can choose where it stands.
std::string KeyAt(uint64_t position, const std::string& name) {
  return std::string(reinterpret_cast<const char*>(&position), sizeof(position)) + name;
}

uint64_t TestHashOf(std::string_view key) {
  uint64_t position;
  std::memcpy(&position, key.data(), sizeof(position));
  return position & ((uint64_t{1} << kPositionHashBits) - 1);
}

class TestTable : public Table {
 public:
  explicit TestTable(uint32_t first_slot = 0) : Table(first_slot, 256, TestHashOf) {}
  Object* Put(uint64_t position, const std::string& name, int64_t expire_at_ms = kNoExpiry) {
    Object* object =
        Object::Make(KeyAt(position, name), nullptr, 0, /*expires=*/expire_at_ms != kNoExpiry);
    object->set_expire_at_ms(expire_at_ms);
    Insert(position, object);
    return object;
  }
  Object* FindAt(uint64_t position, const std::string& name) const {
    return Find(position, KeyAt(position, name));
  }
};

std::string Names(const std::vector<Table::Placed>& objects) {
  std::string text;
  for (const auto& [position, object] : objects) {
    text += std::string(object->key().substr(sizeof(position))) + " ";
  }
  return text;
}

void CheckAgainst(const TestTable& table, const Model& model, uint64_t first) {
  EXPECT_EQ(table.size(), model.size());
  std::vector<Table::Placed> walked;
  for (uint64_t from = first; from != Table::kWalkEnd;) from = table.Walk(from, 10, &walked);
  ASSERT_EQ(walked.size(), model.size());
  size_t i = 0;
  for (const auto& [id, expiry] : model) {
    EXPECT_EQ(walked[i].position, id.first);
    EXPECT_EQ(walked[i].object->key(), KeyAt(id.first, id.second));
    EXPECT_EQ(table.FindAt(id.first, id.second), walked[i].object);
    ++i;
  }
}

// Positions of few slots and, at times, few hashes: splits, growth and collisions all happen.
void RunRandom(uint64_t seed, uint32_t slots, uint64_t hash_mask, int steps) {
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937_64 random(seed);
  constexpr uint32_t kFirst = 256;
  TestTable table(kFirst);
  Model model;
  for (int step = 0; step < steps; ++step) {
    const uint64_t position = (uint64_t{kFirst + random() % slots} << kPositionHashBits) |
                              (random() & hash_mask & ((uint64_t{1} << kPositionHashBits) - 1));
    const std::string key = std::to_string(random() % 3);
    const auto at = model.find({position, key});
    if (random() % 3 != 0) {
      if (at != model.end()) continue;
      table.Put(position, key);
      model[{position, key}] = 0;
    } else if (!model.empty()) {
      auto victim = model.lower_bound({position, key});
      if (victim == model.end()) victim = model.begin();
      const auto& [at_position, name] = victim->first;
      Object* removed = table.Remove(at_position, KeyAt(at_position, name));
      ASSERT_NE(removed, nullptr);
      Object::Free(removed);
      EXPECT_EQ(table.FindAt(at_position, name), nullptr);
      model.erase(victim);
    }
  }
  CheckAgainst(table, model, 0);
}

TEST(TableTest, AgreesWithAMapInManySlots) {
  RunRandom(std::random_device{}(), 256, ~uint64_t{0}, 20000);
}

TEST(TableTest, AgreesWithAMapInOneSlot) {
  RunRandom(std::random_device{}(), 1, ~uint64_t{0}, 40000);
}

TEST(TableTest, AgreesWithAMapWhenHashesCollide) {
  RunRandom(std::random_device{}(), 2, 0x3000000000007, 5000);
}

// More objects at one position than a segment that can split would hold.
TEST(TableTest, HoldsAnyNumberOfKeysAtOnePosition) {
  TestTable table;
  Model model;
  for (int i = 0; i < 1000; ++i) {
    table.Put(77, std::to_string(i));
    model[{77, std::to_string(i)}] = 0;
  }
  CheckAgainst(table, model, 0);
  std::vector<Table::Placed> page;
  EXPECT_EQ(table.Walk(0, 1, &page), uint64_t{1} << kPositionHashBits);
  EXPECT_EQ(page.size(), 1000u) << "all that share a position come together";
}

// A cursor has fewer bits than a position.
TEST(TableTest, AWalkStopsWhereACursorCanPoint) {
  TestTable table;
  for (uint64_t position = 4000; position < 6500; ++position) table.Put(position, "k");
  std::vector<Table::Placed> page;
  EXPECT_EQ(table.Walk(0, 1, &page), 4096u);
  EXPECT_EQ(page.size(), 96u);
  page.clear();
  EXPECT_EQ(table.Walk(4096, 2048, &page), 6144u);
  EXPECT_EQ(page.size(), 2048u);
  page.clear();
  EXPECT_GE(table.Walk(4096, 2049, &page), 6500u);
  EXPECT_EQ(page.size(), 2404u);
}

// A probe for an absent key ends in a segment of any fill.
TEST(TableTest, AnAbsentKeyIsNotFoundHoweverFullTheSegmentIs) {
  TestTable table;
  for (uint64_t i = 0; i < 2000; ++i) {
    EXPECT_EQ(table.FindAt(i << 30 | 1, "absent"), nullptr);
    table.PrefetchObject(i << 30 | 1);
    table.Put(i << 30, "key");
  }
}

TEST(TableTest, AWalkGivesOrderAndPlaceToGoOn) {
  TestTable table;
  for (const uint64_t position : {PlaceOf(5), PlaceOf(3), uint64_t{9} << kPositionHashBits}) {
    table.Put(position, std::to_string(CursorOf(position) & 15));
  }
  std::vector<Table::Placed> page;
  EXPECT_EQ(table.Walk(0, 1, &page), PlaceOf(4));
  EXPECT_EQ(Names(page), "3 ");
  page.clear();
  EXPECT_EQ(table.Walk(PlaceOf(4), 2, &page), uint64_t{10} << kPositionHashBits);
  EXPECT_EQ(Names(page), "5 0 ");
  page.clear();
  table.WalkRange(PlaceOf(4), PlaceOf(5), &page);
  EXPECT_EQ(Names(page), "5 ");
}

TEST(TableTest, ASweepVisitsEachOnceAndRemovesSafely) {
  std::mt19937_64 random(7);
  TestTable table;
  for (int i = 0; i < 20000; ++i) {
    const uint64_t position =
        (random() % 3) << kPositionHashBits | (random() >> (64 - kPositionHashBits));
    table.Put(position, std::to_string(i), i % 4 == 0 ? 1000 : kNoExpiry);
  }
  std::map<std::string, int> visits;
  Table::SweepHand hand;
  for (size_t visited = 0; visited < 20000;) {
    visited += table.Sweep(&hand, 100, [&](Object* object) {
      ++visits[std::string(object->key())];
      return SweepAction::kKeep;
    });
  }
  EXPECT_EQ(visits.size(), 20000u);
  hand = {};
  size_t expiring = 0;
  table.SweepExpiring(&hand, table.size(), [&](Object* object) {
    EXPECT_TRUE(object->has_expiry());
    ++expiring;
    return SweepAction::kKeep;
  });
  EXPECT_EQ(expiring, 5000u);
  hand = {};
  while (table.size() > 0) {
    table.Sweep(&hand, 1000, [](Object*) { return SweepAction::kRemove; });
  }
  std::vector<Table::Placed> rest;
  EXPECT_EQ(table.Walk(0, 1, &rest), Table::kWalkEnd);
  EXPECT_TRUE(rest.empty());
}

TEST(TableTest, TheExpiryBitFollowsTheObject) {
  TestTable table;
  Object* object = table.Put(1, "key", /*expire_at_ms=*/4);
  object->set_expire_at_ms(kNoExpiry);
  Table::Cell* cell = table.FindCell(1, KeyAt(1, "key"));
  table.Replace(cell, object);
  const auto count = [&] {
    size_t expiring = 0;
    Table::SweepHand hand;
    table.SweepExpiring(&hand, 10, [&](Object*) {
      ++expiring;
      return SweepAction::kKeep;
    });
    return expiring;
  };
  EXPECT_EQ(count(), 0u);
  object->set_expire_at_ms(5);
  table.Replace(cell, object);
  EXPECT_EQ(count(), 1u);
  Object* plain = Object::Make(object->key(), nullptr, 0, /*expires=*/false);
  table.Replace(cell, plain);
  Object::Free(object);
  EXPECT_EQ(count(), 0u);
  EXPECT_EQ(table.FindAt(1, "key"), plain);
}

TEST(TableTest, AKeyCostsAtMostSixteenBytesBesideItsObject) {
  for (const uint32_t slots : {256u, 1u}) {
    TestTable table;
    std::mt19937_64 random(1);
    constexpr size_t kKeys = 200000;
    for (size_t i = 0; i < kKeys; ++i) {
      table.Put((random() % slots) << kPositionHashBits | (random() >> (64 - kPositionHashBits)),
                std::to_string(i));
    }
    EXPECT_LE(table.overhead_bytes() / kKeys, 16u) << slots << " slots";
  }
}

}  // namespace
}  // namespace hearth
