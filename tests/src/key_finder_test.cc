#include "src/key_finder.h"

#include <gtest/gtest.h>

#include <string>

namespace hearth {
namespace {

// The keys that a row with these specifications finds, separated by spaces; "(refused)".
std::string Keys(std::vector<KeySpec> specs, std::vector<std::string_view> args) {
  Command command{};
  command.key_specs = specs;
  std::vector<KeyRef> keys;
  if (!CollectKeys(command, args, /*db=*/3, &keys)) return "(refused)";
  std::string text;
  for (const KeyRef& ref : keys) {
    EXPECT_EQ(ref.db, 3u);
    EXPECT_EQ(ref.position, PositionOf(ref.key));
    text += (text.empty() ? "" : " ") + std::string(ref.key);
  }
  return text;
}

KeySpec Range(int index, int last, int step = 1) {
  return {.index = index, .last = last, .step = step};
}

KeySpec KeyNum(int index, int first_key) {
  return {.index = index, .find = KeySpec::Find::kKeyNum, .first_key = first_key};
}

KeySpec After(std::string_view keyword, int from, int last = 0, int limit = 0) {
  return {.begin = KeySpec::Begin::kKeyword,
          .index = from,
          .keyword = keyword,
          .last = last,
          .limit = limit};
}

TEST(KeyFinder, RangesCountFromTheFirstKeyOrFromTheEnd) {
  EXPECT_EQ(Keys({Range(1, 0)}, {"get", "a"}), "a");
  EXPECT_EQ(Keys({Range(1, 1)}, {"rename", "a", "b"}), "a b");
  EXPECT_EQ(Keys({Range(1, -1)}, {"mget", "a", "b", "c"}), "a b c");
  EXPECT_EQ(Keys({Range(1, -2)}, {"blpop", "a", "b", "0"}), "a b");
  EXPECT_EQ(Keys({Range(1, -1, 2)}, {"mset", "a", "1", "b", "2"}), "a b");
  EXPECT_EQ(Keys({Range(1, 0), Range(2, 0)}, {"copy", "a", "b"}), "a b");
}

TEST(KeyFinder, KeywordsAreLookedForForwardsAndBackwards) {
  EXPECT_EQ(Keys({After("STORE", 2)}, {"sort", "a", "store", "b"}), "b");
  EXPECT_EQ(Keys({After("STORE", 2)}, {"sort", "a"}), "");
  EXPECT_EQ(Keys({After("KEYS", -2, -1)}, {"migrate", "KEYS", "x", "KEYS", "a", "b"}), "a b");
  EXPECT_EQ(Keys({After("STREAMS", 1, -1, 2)}, {"xread", "STREAMS", "a", "b", "0", "0"}), "a b");
}

TEST(KeyFinder, ALyingNumkeysIsRefused) {
  EXPECT_EQ(Keys({KeyNum(2, 1)}, {"eval", "x", "2", "a", "b", "c"}), "a b");
  EXPECT_EQ(Keys({KeyNum(2, 1)}, {"eval", "x", "0", "a"}), "");
  for (const char* number : {"4", "-1", "9223372036854775807", "-9223372036854775808", "a", ""}) {
    EXPECT_EQ(Keys({KeyNum(2, 1)}, {"eval", "x", number, "a", "b", "c"}), "(refused)") << number;
  }
  EXPECT_EQ(Keys({Range(1, 0), KeyNum(2, 1)}, {"zunionstore", "d", "9", "a"}), "(refused)");
  EXPECT_EQ(Keys({KeyNum(2, 1)}, {"eval", "x"}), "(refused)");
}

TEST(KeyFinder, ReusedVectorsAllocateNothing) {
  Command command{};
  const KeySpec specs[] = {Range(1, 0)};
  command.key_specs = specs;
  const std::vector<std::string_view> args = {"get", "a"};
  std::vector<KeyRef> keys;
  ASSERT_TRUE(CollectKeys(command, args, 0, &keys));
  const KeyRef* data = keys.data();
  keys.clear();
  ASSERT_TRUE(CollectKeys(command, args, 0, &keys));
  EXPECT_EQ(keys.data(), data);
}

}  // namespace
}  // namespace hearth
