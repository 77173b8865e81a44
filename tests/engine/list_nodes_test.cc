#include "engine/list_nodes.h"

#include <gtest/gtest.h>

#include <random>
#include <string>
#include <utility>
#include <vector>

#include "engine/random.h"

namespace hearth {
namespace {

using Model = std::vector<std::pair<uint64_t, std::string>>;

constexpr uint64_t kMiddle = uint64_t{1} << 63;

// Everything that can be asked, against the model.
void ExpectSame(const ListNodes& nodes, const Model& model) {
  ASSERT_EQ(nodes.size(), model.size());
  Model read;
  nodes.EachWithIndex(
      [&](uint64_t index, std::string_view item) { read.emplace_back(index, item); });
  ASSERT_EQ(read, model);
  if (model.empty()) return;
  ASSERT_EQ(nodes.first_index(), model.front().first);
  ASSERT_EQ(nodes.last_index(), model.back().first);
  for (int i = 0; i < 20; ++i) {
    const size_t position = RandomBits() % model.size();
    ASSERT_EQ(nodes.At(position), model[position].second);
    ASSERT_EQ(nodes.IndexAt(position), model[position].first);
    ASSERT_EQ(nodes.PositionOf(model[position].first), position);
    ASSERT_EQ(nodes.PositionOf(model[position].first + 1), position + 1);
    const size_t count = RandomBits() % (model.size() - position);
    size_t at = position;
    nodes.Each(position, count,
               [&](std::string_view item) { ASSERT_EQ(item, model[at++].second); });
    ASSERT_EQ(at, position + count);
    at = position + 1;
    nodes.EachBackward(position, position / 2,
                       [&](std::string_view item) { ASSERT_EQ(item, model[--at].second); });
    ASSERT_EQ(at, position + 1 - position / 2);
  }
}

std::string RandomItem(std::mt19937_64& random) {
  switch (random() % 40) {
    case 0:
      return std::string(random() % 10000, 'b');
    case 1:
    case 2:
      return std::string(random() % 300, 'm');
    default:
      return std::to_string(random() % 100000);
  }
}

// One random change of both. The model's indexes leave room for the inserted ones.
void Change(ListNodes& nodes, Model& model, std::mt19937_64& random, bool grow) {
  const uint64_t what = random() % (grow ? 6 : 9);
  const std::string item = RandomItem(random);
  const size_t position = model.empty() ? 0 : random() % model.size();
  if (what < 2 || model.empty()) {
    const uint64_t index = model.empty() ? kMiddle : model.back().first + kListIndexStep;
    nodes.PushBack(index, item);
    model.emplace_back(index, item);
  } else if (what == 2) {
    const uint64_t index = model.front().first - kListIndexStep;
    nodes.PushFront(index, item);
    model.insert(model.begin(), {index, item});
  } else if (what < 5) {
    if (position == 0) return;
    const uint64_t before = model[position - 1].first, after = model[position].first;
    if (after - before < 2) return;
    nodes.Insert(position, before + (after - before) / 2, item);
    model.insert(model.begin() + static_cast<ptrdiff_t>(position),
                 {before + (after - before) / 2, item});
  } else if (what == 5) {
    nodes.Replace(position, item);
    model[position].second = item;
  } else if (what == 6) {
    const size_t most = random() % 30 == 0 ? model.size() : 8;
    const size_t count = std::min(model.size() - position, 1 + random() % most);
    nodes.Erase(position, count);
    model.erase(model.begin() + static_cast<ptrdiff_t>(position),
                model.begin() + static_cast<ptrdiff_t>(position + count));
  } else if (what == 7) {
    std::vector<size_t> positions;
    std::vector<uint64_t> erased, expected;
    const uint64_t one_in = 1 + random() % 40;
    Model left;
    for (size_t i = 0; i < model.size(); ++i) {
      if (i >= position && random() % one_in == 0) {
        positions.push_back(i);
        expected.push_back(model[i].first);
      } else {
        left.push_back(model[i]);
      }
    }
    nodes.EraseMany(positions, &erased);
    ASSERT_EQ(erased, expected);
    model = std::move(left);
  } else {
    const bool front = random() % 2 == 0;
    nodes.Erase(front ? 0 : model.size() - 1, 1);
    model.erase(front ? model.begin() : model.end() - 1);
  }
}

TEST(ListNodesTest, AgreesWithAVectorWhateverIsDone) {
  for (const int changes : {40, 3000, 20000}) {
    const uint64_t seed = RandomBits() % 1'000'000;
    SCOPED_TRACE("seed " + std::to_string(seed));
    std::mt19937_64 random(seed);
    ListNodes nodes;
    Model model;
    for (int i = 0; i < changes; ++i) {
      Change(nodes, model, random, i / 1000 % 3 < 2);
      if (testing::Test::HasFatalFailure()) return;
      if (i % 100 == 0 || changes < 100) ExpectSame(nodes, model);
    }
    ExpectSame(nodes, model);
    nodes.Erase(0, nodes.size());
    ExpectSame(nodes, {});
    EXPECT_EQ(nodes.memory_bytes(), 0u);
  }
}

TEST(ListNodesTest, ElementsCanBeReindexed) {
  ListNodes nodes;
  Model model;
  for (uint64_t i = 0; i < 3000; ++i) {
    model.emplace_back(kMiddle + i * kListIndexStep, std::to_string(i));
    nodes.PushBack(model.back().first, model.back().second);
  }
  std::vector<uint64_t> indexes;
  for (uint64_t i = 0; i < 2000; ++i) {
    indexes.push_back(kMiddle + 500 * kListIndexStep + i);
    model[500 + i].first = indexes.back();
  }
  nodes.Reindex(500, indexes);
  ExpectSame(nodes, model);
}

// Redis keeps two bytes beside a short element, and so do we, within one hundredth or so.
TEST(ListNodesTest, AnElementTakesTwoBytesBesideItself) {
  ListNodes nodes;
  const size_t count = 100'000;
  for (uint64_t i = 0; i < count; ++i) nodes.PushBack(kMiddle + i * kListIndexStep, "element:42");
  EXPECT_LT(nodes.memory_bytes(), count * 12 * 103 / 100);
}

// Not by moving what it holds each time that it is full.
TEST(ListNodesTest, ALongListGrowsByWholeNodes) {
  constexpr uint64_t kCount = 20'000;
  constexpr size_t kElementSize = 12, kNodeSize = 4000;
  for (const bool at_front : {false, true}) {
    ListNodes nodes;
    size_t growths = 0;
    for (uint64_t i = 0; i < kCount; ++i) {
      const size_t before = nodes.memory_bytes();
      if (at_front) {
        nodes.PushFront(kMiddle - i * kListIndexStep, "element:42");
      } else {
        nodes.PushBack(kMiddle + i * kListIndexStep, "element:42");
      }
      if (i >= kCount / 2 && nodes.memory_bytes() > before) ++growths;
    }
    EXPECT_LE(growths, kCount / 2 * kElementSize / kNodeSize + 1);
    EXPECT_GE(growths, 1u);
  }
}

// No groups, no pointers: 32 bytes around all elements.
TEST(ListNodesTest, AShortListIsOneNode) {
  ListNodes nodes;
  nodes.Reserve(100, 800);
  for (uint64_t i = 0; i < 100; ++i) nodes.PushBack(kMiddle + i * kListIndexStep, "12345678");
  EXPECT_LE(nodes.memory_bytes(), 1280u);
  EXPECT_EQ(sizeof(ListNodes), 16u);
  // As many as two nodes hold, and back.
  for (uint64_t i = 100; i < 600; ++i) nodes.PushBack(kMiddle + i * kListIndexStep, "12345678");
  EXPECT_EQ(nodes.At(599), "12345678");
  nodes.Erase(50, 550);
  EXPECT_LE(nodes.memory_bytes(), 1280u);
}

TEST(ListNodesTest, AMillionElementsAreReachedInTheMiddle) {
  ListNodes nodes;
  for (uint64_t i = 0; i < 1'000'000; ++i) {
    nodes.PushBack(kMiddle + i * kListIndexStep, std::to_string(i));
  }
  for (const size_t position : {0u, 1u, 249'999u, 500'000u, 777'777u, 999'999u}) {
    EXPECT_EQ(nodes.At(position), std::to_string(position));
  }
  nodes.Erase(1000, 998'000);
  EXPECT_EQ(nodes.At(1000), "999000");
  EXPECT_LT(nodes.memory_bytes(), 40'000u);
}

}  // namespace
}  // namespace hearth
