#include "src/command_stats.h"

#include "src/rate_meter.h"

namespace hearth {
namespace {

CommandTotals Of(std::initializer_list<uint64_t> durations) {
  CommandStats stats;
  for (const uint64_t us : durations) stats.Record(us);
  CommandTotals totals;
  totals.Add(stats);
  return totals;
}

TEST(CommandStatsTest, PercentilesAreWithinHalfAPowerOfTwo) {
  const CommandTotals totals = Of({0, 1, 2, 3, 10, 100, 1000});
  EXPECT_EQ(totals.calls, 7u);
  EXPECT_EQ(totals.usec, 1116u);
  EXPECT_EQ(totals.Percentile(0), 1u);
  EXPECT_EQ(totals.Percentile(50), 3u);
  EXPECT_EQ(totals.Percentile(100), 1023u);
  EXPECT_EQ(Of({}).Percentile(50), 0u);
}

TEST(CommandStatsTest, CallsAreCumulatedByPowersOfTwo) {
  const CommandTotals totals = Of({0, 1, 2, 3, 10, 100, 1000});
  EXPECT_EQ(totals.CallsWithin(0), 2u);
  EXPECT_EQ(totals.CallsWithin(2), 4u);
  EXPECT_EQ(totals.CallsWithin(4), 5u);
  EXPECT_EQ(totals.CallsWithin(10), 7u);
  EXPECT_EQ(Of({UINT64_MAX}).CallsWithin(10), 0u);
}

TEST(RateMeterTest, IsTheMeanOfTheLastLooks) {
  RateMeter meter;
  for (int i = 0; i <= 20; ++i) meter.Look(i * 100'000, static_cast<uint64_t>(i) * 50);
  EXPECT_EQ(meter.per_second(), 500u);
  for (int i = 21; i <= 40; ++i) meter.Look(i * 100'000, 1000);
  EXPECT_EQ(meter.per_second(), 0u);
  meter.Look(4'100'000, 0);  // the counter was set back
  EXPECT_EQ(meter.per_second(), 0u);
}

}  // namespace
}  // namespace hearth
