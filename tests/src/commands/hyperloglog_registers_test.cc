#include "src/commands/hyperloglog_registers.h"

#include <gtest/gtest.h>

#include <memory>
#include <random>

namespace hearth {
namespace {

constexpr size_t kSizeMax = 3000;

std::string Sparse(std::string_view runs) {
  return EmptyHll().substr(0, kHllHeaderSize).append(runs);
}

void Mark(std::string* hll, uint32_t index, uint8_t rank) {
  EXPECT_EQ(MarkHll(hll, {index, rank}, kSizeMax), HllChange::kChanged) << index;
}

TEST(HyperLogLogRegistersTest, ElementsLeaveRedisMarks) {
  // PFADD k a b c; PFDEBUG DECODE k of redis-server 7.0.15.
  std::string hll = EmptyHll();
  for (const char* element : {"a", "b", "c"}) {
    EXPECT_EQ(MarkHll(&hll, HllMarkOf(element), kSizeMax), HllChange::kChanged);
    EXPECT_EQ(MarkHll(&hll, HllMarkOf(element), kSizeMax), HllChange::kNone);
  }
  EXPECT_EQ(DescribeSparseHll(hll), "Z:8436 v:1,1 Z:4274 v:2,1 Z:3068 v:1,1 Z:603");
  EXPECT_EQ(CountHll(hll), 3u);
}

TEST(HyperLogLogRegistersTest, RunsAreSplitAndMerged) {
  std::string hll = EmptyHll();
  Mark(&hll, 100, 5);
  EXPECT_EQ(DescribeSparseHll(hll), "Z:100 v:5,1 Z:16283");
  Mark(&hll, 102, 5);
  Mark(&hll, 101, 5);
  EXPECT_EQ(DescribeSparseHll(hll), "Z:100 v:5,3 Z:16281");
  Mark(&hll, 101, 6);
  EXPECT_EQ(DescribeSparseHll(hll), "Z:100 v:5,1 v:6,1 v:5,1 Z:16281");
  Mark(&hll, 0, 1);
  Mark(&hll, kHllRegisterCount - 1, 32);
  Mark(&hll, 40, 2);
  EXPECT_EQ(DescribeSparseHll(hll), "v:1,1 z:39 v:2,1 z:59 v:5,1 v:6,1 v:5,1 Z:16280 v:32,1");
}

TEST(HyperLogLogRegistersTest, BecomesDenseForGreatRanksAndForSize) {
  std::string hll = EmptyHll();
  Mark(&hll, 7, 4);
  std::string by_rank = hll;
  Mark(&by_rank, 8, 33);
  ASSERT_TRUE(IsDenseHll(by_rank));
  EXPECT_EQ(by_rank.size(), kHllDenseSize);
  EXPECT_EQ(DenseHllRegister(by_rank, 7), 4);
  EXPECT_EQ(DenseHllRegister(by_rank, 8), 33);

  EXPECT_EQ(MarkHll(&hll, {100, 1}, hll.size() + 3), HllChange::kChanged);
  EXPECT_FALSE(IsDenseHll(hll));
  EXPECT_EQ(MarkHll(&hll, {1000, 1}, hll.size() + 2), HllChange::kChanged);
  EXPECT_TRUE(IsDenseHll(hll));
}

TEST(HyperLogLogRegistersTest, SparseAndDenseAgree) {
  const uint32_t seed = std::random_device{}();
  SCOPED_TRACE(seed);
  std::mt19937 random(seed);
  std::string sparse = EmptyHll(), dense = EmptyHll();
  ASSERT_TRUE(MakeHllDense(&dense));
  for (int round = 0; round < 3000; ++round) {
    const HllMark mark{static_cast<uint32_t>(random() % kHllRegisterCount),
                       static_cast<uint8_t>(1 + random() % 32)};
    EXPECT_EQ(MarkHll(&sparse, mark, 1 << 20), MarkHll(&dense, mark, 0));
  }
  EXPECT_FALSE(IsDenseHll(sparse));
  EXPECT_EQ(CountHll(sparse), CountHll(dense));
  auto a = std::make_unique<HllRegisters>(), b = std::make_unique<HllRegisters>();
  ASSERT_TRUE(MergeHll(sparse, a.get()) && MergeHll(dense, b.get()));
  EXPECT_EQ(*a, *b);
  EXPECT_EQ(CountHllRegisters(*a), CountHll(dense));
  ASSERT_TRUE(MakeHllDense(&sparse));
  EXPECT_EQ(sparse, dense);
}

TEST(HyperLogLogRegistersTest, RegistersOfADenseStringAreIndependent) {
  std::string hll = EmptyHll();
  ASSERT_TRUE(MakeHllDense(&hll));
  SetDenseHllRegister(&hll, 0, {1, 63});
  SetDenseHllRegister(&hll, 0, {kHllRegisterCount - 1, 33});
  EXPECT_EQ(DenseHllRegister(hll, 0), 0);
  EXPECT_EQ(DenseHllRegister(hll, 1), 63);
  EXPECT_EQ(DenseHllRegister(hll, 2), 0);
  EXPECT_EQ(DenseHllRegister(hll, kHllRegisterCount - 1), 33);
  EXPECT_EQ(hll.size(), kHllDenseSize);
  std::string part = hll.substr(20, 10);
  SetDenseHllRegister(&part, 20, {6, 17});
  hll.replace(20, 10, part);
  EXPECT_EQ(DenseHllRegister(hll, 6), 17);
  EXPECT_EQ(DenseHllRegister(hll, 5) + DenseHllRegister(hll, 7), 0);
}

TEST(HyperLogLogRegistersTest, DamageIsFoundAndNothingReadBeyondTheEnd) {
  const std::string_view bodies[] = {
      "",                                   // nothing covers the registers
      std::string_view("\x7f\xfe", 2),      // one register is missing
      std::string_view("\x7f\xff\x00", 3),  // one too many
      std::string_view("\x7f\xff\x80", 3),  // a value behind the last
      "\x7f",                               // half a run
      "\x80\x80\x80",
  };
  for (const std::string_view body : bodies) {
    std::string hll = Sparse(body);
    hll.shrink_to_fit();
    auto registers = std::make_unique<HllRegisters>();
    EXPECT_EQ(CountHll(hll), std::nullopt);
    EXPECT_FALSE(MergeHll(hll, registers.get()));
    EXPECT_FALSE(MakeHllDense(&hll));
    EXPECT_EQ(hll, Sparse(body));
    EXPECT_EQ(MarkHll(&hll, {5000, 33}, kSizeMax), HllChange::kCorrupted);
    (void)DescribeSparseHll(hll);
  }
  for (const char* body : {"", "\x7f", "\x80\x80\x80"}) {
    std::string hll = Sparse(body);
    EXPECT_EQ(MarkHll(&hll, {5000, 1}, kSizeMax), HllChange::kCorrupted);
    EXPECT_EQ(hll, Sparse(body));
  }
}

TEST(HyperLogLogRegistersTest, CountsOfBytesThatNoElementMakes) {
  std::string hll = EmptyHll();
  ASSERT_TRUE(MakeHllDense(&hll));
  std::fill(hll.begin() + kHllHeaderSize, hll.end(), '\xff');
  EXPECT_EQ(CountHll(hll), uint64_t{1} << 63);
}

TEST(HyperLogLogRegistersTest, TheHeaderTellsWhatItIs) {
  EXPECT_TRUE(IsHll(EmptyHll()));
  EXPECT_FALSE(IsHll(""));
  EXPECT_FALSE(IsHll(EmptyHll().substr(0, kHllHeaderSize - 1)));
  EXPECT_FALSE(IsHll("XYLL" + EmptyHll().substr(4)));
  std::string hll = EmptyHll();
  hll[4] = 0;
  EXPECT_FALSE(IsHll(hll));
  hll.resize(kHllDenseSize);
  EXPECT_TRUE(IsHll(hll));
  hll[4] = 2;
  EXPECT_FALSE(IsHll(hll));
}

TEST(HyperLogLogRegistersTest, TheCountIsKeptUntilMarkedOld) {
  std::string hll = EmptyHll();
  EXPECT_EQ(CachedHllCount(hll), 0u);
  StoreHllCount(&hll, 1234567);
  EXPECT_EQ(CachedHllCount(hll), 1234567u);
  MarkHllCountOld(&hll);
  EXPECT_EQ(CachedHllCount(hll), std::nullopt);
}

}  // namespace
}  // namespace hearth
