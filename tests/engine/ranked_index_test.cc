#include "engine/ranked_index.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <string>
#include <vector>

#include "engine/random.h"

namespace hearth {
namespace {

struct Entries {
  std::vector<MemberEntry*> all;
  ~Entries() {
    for (MemberEntry* entry : all) MemberEntry::Free(entry);
  }
  RankedIndex::Item New(double score, const std::string& member) {
    all.push_back(MemberEntry::Make(member, 0));
    return {score, all.back()};
  }
};

bool Less(const RankedIndex::Item& a, const RankedIndex::Item& b) {
  return IsBefore(a.element(), b.element());
}

// Both directions, ranks and counts against a sorted vector.
void ExpectSame(const RankedIndex& index, const std::vector<RankedIndex::Item>& sorted) {
  ASSERT_EQ(index.size(), sorted.size());
  auto cursor = index.At(0);
  for (const auto& item : sorted) {
    ASSERT_TRUE(cursor.valid());
    ASSERT_EQ(cursor.item().entry, item.entry);
    cursor.Next();
  }
  ASSERT_FALSE(cursor.valid());
  if (sorted.empty()) return;
  cursor = index.At(sorted.size() - 1);
  for (size_t left = sorted.size(); left > 0; --left, cursor.Previous()) {
    ASSERT_EQ(cursor.item().entry, sorted[left - 1].entry);
  }
  ASSERT_FALSE(cursor.valid());
  for (size_t rank = 0; rank < sorted.size(); rank += 1 + sorted.size() / 50) {
    ASSERT_EQ(index.At(rank).item().entry, sorted[rank].entry);
    ASSERT_EQ(index.CountBefore([&](const auto& item) { return Less(item, sorted[rank]); }), rank);
  }
}

TEST(RankedIndex, IsAsASortedVector) {
  const uint64_t seed = RandomBits() % 1'000'000;
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937_64 random(seed);
  Entries entries;
  RankedIndex index;
  std::vector<RankedIndex::Item> sorted;
  // Grows and shrinks in turn, so that nodes split and join at every depth.
  for (int step = 0; step < 60'000; ++step) {
    const bool grow = step / 10'000 % 2 == 0;
    if (sorted.empty() || random() % 10 < (grow ? 9u : 2u)) {
      // Few different scores: members break the ties.
      const auto item = entries.New(static_cast<double>(random() % 50), std::to_string(random()));
      index.Insert(item);
      sorted.insert(std::lower_bound(sorted.begin(), sorted.end(), item, Less), item);
    } else {
      const size_t rank = random() % sorted.size();
      index.Erase(sorted[rank]);
      sorted.erase(sorted.begin() + static_cast<ptrdiff_t>(rank));
    }
    if (step % 2'000 == 0) ExpectSame(index, sorted);
    if (HasFatalFailure()) return;
  }
  ExpectSame(index, sorted);
  while (!sorted.empty()) {
    index.Erase(sorted.front());
    sorted.erase(sorted.begin());
  }
  ExpectSame(index, sorted);
  EXPECT_EQ(index.memory_bytes(), 0u);
}

TEST(RankedIndex, AscendingItemsFillLeaves) {
  Entries entries;
  RankedIndex index;
  constexpr int kCount = 100'000;
  for (int i = 0; i < kCount; ++i) index.Insert(entries.New(i, "m"));
  EXPECT_LT(index.memory_bytes(), size_t{kCount} * 18);
  EXPECT_EQ(index.At(77'777).item().score, 77'777);
}

TEST(RankedIndex, AQueueKeepsItsMemorySmall) {
  Entries entries;
  RankedIndex index;
  for (int i = 0; i < 100'000; ++i) {
    index.Insert(entries.New(i, "m"));
    if (i >= 1'000) index.Erase(index.At(0).item());
  }
  EXPECT_EQ(index.At(0).item().score, 99'000);
  EXPECT_LT(index.memory_bytes(), 40'000u);
}

}  // namespace
}  // namespace hearth
