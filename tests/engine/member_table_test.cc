#include "engine/member_table.h"

#include <gtest/gtest.h>

#include <cstring>
#include <map>
#include <random>
#include <set>

#include "engine/random.h"

namespace hearth {
namespace {

std::string Name(uint64_t n) {
  return "member:" + std::to_string(n);
}

void Add(MemberTable& table, uint64_t n) {
  table.Insert(MemberEntry::Make(Name(n), 0));
}

TEST(MemberTableTest, AnEntryHoldsMemberAndPayload) {
  const std::string member(300, 'm');
  MemberEntry* entry = MemberEntry::Make(member, 8);
  std::memcpy(entry->payload(), "payload", 8);
  EXPECT_EQ(entry->member(), member);
  EXPECT_STREQ(entry->payload(), "payload");
  MemberEntry::Free(entry);
}

// Only a hint: nothing to see but that it harms nothing, at any size and of any member.
TEST(MemberTableTest, FetchingAheadReadsOnlyWhatIsThere) {
  MemberTable table;
  std::vector<std::string> names;
  for (uint64_t n = 0; n < 2 * MemberTable::kPrefetchMax; ++n) names.push_back(Name(n * 997));
  const std::vector<std::string_view> members(names.begin(), names.end());
  for (uint64_t n = 0; n < 40'000; ++n) {
    if (n % 499 == 0) table.Prefetch(members);
    Add(table, n);
  }
  table.Prefetch({});
  EXPECT_EQ(table.size(), 40'000u);
}

TEST(MemberTableTest, FindsWhatAModelHolds) {
  const uint64_t seed = RandomBits() % 1'000'000;
  SCOPED_TRACE(seed);
  std::mt19937_64 random(seed);
  MemberTable table;
  std::set<uint64_t> model;
  for (int i = 0; i < 200'000; ++i) {
    const uint64_t n = random() % 20'000;
    // Grows for a while, then shrinks, and so on.
    if (random() % 10 < (i / 25'000 % 2 == 0 ? 8u : 2u)) {
      if (model.insert(n).second) Add(table, n);
    } else {
      MemberEntry* removed = table.Remove(Name(n));
      ASSERT_EQ(removed != nullptr, model.erase(n) == 1);
      if (removed != nullptr) MemberEntry::Free(removed);
    }
    ASSERT_EQ(table.size(), model.size());
    ASSERT_EQ(table.Find(Name(n)) != nullptr, model.contains(n));
  }
  for (uint64_t n = 0; n < 20'000; ++n) {
    ASSERT_EQ(table.Find(Name(n)) != nullptr, model.contains(n));
  }
  size_t count = 0;
  table.Each([&](const MemberEntry&) { ++count; });
  EXPECT_EQ(count, model.size());
  for (const uint64_t n : model) MemberEntry::Free(table.Remove(Name(n)));
  EXPECT_LT(table.memory_bytes(), 400u) << "an emptied table keeps a small segment";
}

TEST(MemberTableTest, AWalkVisitsWhatStaysExactlyOnceThoughTheTableChanges) {
  std::mt19937_64 random(7);
  MemberTable table;
  for (uint64_t n = 0; n < 5000; ++n) Add(table, n);
  std::map<std::string, int> visits;
  uint64_t cursor = 0, added = 1'000'000, removed = 2500;
  do {
    cursor = table.Walk(cursor, 10,
                        [&](const MemberEntry& entry) { ++visits[std::string(entry.member())]; });
    for (int i = 0; i < 20 && added < 1'020'000; ++i) Add(table, added++);
    for (int i = 0; i < 5 && removed < 5000; ++i) MemberEntry::Free(table.Remove(Name(removed++)));
  } while (cursor != 0);
  for (uint64_t n = 0; n < 2500; ++n) EXPECT_EQ(visits[Name(n)], 1) << n;
  for (const auto& [name, count] : visits) EXPECT_EQ(count, 1) << name;
}

TEST(MemberTableTest, RandomReachesAllAlike) {
  MemberTable table;
  for (uint64_t n = 0; n < 1000; ++n) Add(table, n);
  std::mt19937_64 generator(11);
  std::map<std::string_view, int> chosen;
  for (int i = 0; i < 200'000; ++i) ++chosen[table.Random(generator)->member()];
  EXPECT_EQ(chosen.size(), 1000u);
  for (const auto& [name, count] : chosen) {
    EXPECT_GT(count, 120) << name;
    EXPECT_LT(count, 300) << name;
  }
}

}  // namespace
}  // namespace hearth
