#include "engine/position.h"

#include <gtest/gtest.h>

namespace hearth {
namespace {

// Values from the Redis Cluster specification and from CLUSTER KEYSLOT of redis-server 7.0.15.
TEST(Position, SlotsAreRedisClusters) {
  EXPECT_EQ(SlotOf("123456789"), 0x31C3u & 16383);
  EXPECT_EQ(SlotOf("foo"), 12182u);
  EXPECT_EQ(SlotOf(""), 0u);
  EXPECT_EQ(SlotOf("{user1000}.following"), SlotOf("{user1000}.followers"));
  EXPECT_EQ(SlotOf("foo{}{bar}"), 8363u);
  EXPECT_EQ(SlotOf("foo{{bar}}zap"), SlotOf("{bar"));
  EXPECT_EQ(SlotOf("foo{bar}{zap}"), SlotOf("bar"));
}

// Positions stand in files: this value may never change.
TEST(Position, IsFixedForever) {
  EXPECT_EQ(SlotOfPosition(PositionOf("foo")), 12182u);
  EXPECT_EQ(PositionOf("foo"), PositionOf("foo"));
  EXPECT_NE(PositionOf("{a}1"), PositionOf("{a}2"));
}

}  // namespace
}  // namespace hearth
