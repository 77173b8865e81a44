// Grouping, bounds and counts of refusals.
#include "src/acl/log.h"

#include <gtest/gtest.h>

namespace hearth {
namespace {

AclLog::Entry Denied(const std::string& object, int64_t at_ms) {
  return {.object = object,
          .user_name = "u",
          .client = "at " + std::to_string(at_ms),
          .created_ms = at_ms};
}

TEST(AclLogTest, AlikeRefusalsAreOneEntry) {
  AclLog log;
  log.Add(Denied("get", 1000));
  log.Add(Denied("set", 2000));
  log.Add(Denied("get", 3000));
  const auto entries = log.Latest(10);
  ASSERT_EQ(entries.size(), 2u);
  EXPECT_EQ(entries[0].object, "get");
  EXPECT_EQ(entries[0].count, 2u);
  EXPECT_EQ(entries[0].id, 0u);
  EXPECT_EQ(entries[0].created_ms, 1000);
  EXPECT_EQ(entries[0].updated_ms, 3000);
  EXPECT_EQ(entries[0].client, "at 3000");
  EXPECT_EQ(log.denied(AclDenial::kCommand), 3u);
}

TEST(AclLogTest, NothingIsGroupedAfterAMinute) {
  AclLog log;
  log.Add(Denied("get", 1000));
  log.Add(Denied("get", 1000 + AclLog::kGroupedMs));
  log.Add(Denied("get", 1001 + 2 * AclLog::kGroupedMs));
  EXPECT_EQ(log.Latest(10).size(), 2u);
}

TEST(AclLogTest, OnlyTheLatestEntriesAreGrouped) {
  AclLog log;
  for (size_t i = 0; i <= AclLog::kGroupedMax; ++i) log.Add(Denied(std::to_string(i), 1));
  log.Add(Denied("0", 1));
  EXPECT_EQ(log.Latest(1)[0].count, 1u);
  log.Add(Denied("2", 1));
  EXPECT_EQ(log.Latest(1)[0].count, 2u);
}

TEST(AclLogTest, KeepsNoMoreThanConfigured) {
  AclLog log;
  log.SetSizeMax(2);
  for (const char* object : {"a", "b", "c"}) log.Add(Denied(object, 1));
  EXPECT_EQ(log.Latest(10).size(), 2u);
  log.SetSizeMax(0);
  log.Add(Denied("d", 1));
  EXPECT_TRUE(log.Latest(10).empty());
  EXPECT_EQ(log.denied(AclDenial::kCommand), 4u);
}

}  // namespace
}  // namespace hearth
