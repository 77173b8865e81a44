#include "engine/tracked_keys.h"

#include <gtest/gtest.h>

namespace hearth {
namespace {

std::string Text(const KeyChanges& changes) {
  std::string text = changes.all ? "all" : "";
  for (const KeyChanges::Key& key : changes.keys) {
    text += key.name + ":";
    for (const KeyReader& reader : key.readers) text += " " + std::to_string(reader.id);
    text += "\n";
  }
  return text;
}

TEST(TrackedKeys, AChangeTakesTheKeyAndItsReaders) {
  TrackedKeys keys;
  keys.Begin();
  KeyChanges evicted, changes;
  keys.Remember("a", {1, 0}, &evicted);
  keys.Remember("a", {2, 1}, &evicted);
  keys.Remember("a", {1, 0}, &evicted);
  keys.Remember("b", {1, 0}, &evicted);
  EXPECT_EQ(keys.item_count(), 3u);
  keys.NoteChange("a", &changes);
  keys.NoteChange("a", &changes);
  keys.NoteChange("c", &changes);
  EXPECT_EQ(Text(changes), "a: 1 2\n");
  EXPECT_EQ(keys.key_count(), 1u);
  EXPECT_EQ(keys.item_count(), 1u);
  EXPECT_TRUE(evicted.empty());
}

TEST(TrackedKeys, NothingIsKeptBehindTheLastClient) {
  TrackedKeys keys;
  keys.Begin();
  keys.Begin();
  KeyChanges evicted;
  keys.Remember("a", {1, 0}, &evicted);
  EXPECT_EQ(keys.End(), nullptr);
  EXPECT_EQ(keys.key_count(), 1u);
  EXPECT_NE(keys.End(), nullptr);
  EXPECT_EQ(keys.key_count(), 0u);
  EXPECT_EQ(keys.item_count(), 0u);
  EXPECT_FALSE(keys.any());
}

TEST(TrackedKeys, KeysAboveTheLimitMakeRoom) {
  TrackedKeys keys;
  keys.Begin();
  keys.SetKeysMax(5);
  KeyChanges evicted;
  for (int i = 0; i < 50; ++i) keys.Remember(std::to_string(i), {1, 0}, &evicted);
  EXPECT_EQ(keys.key_count() + evicted.keys.size(), 50u);
  EXPECT_LE(keys.key_count(), 5u);
  keys.SetKeysMax(2);
  keys.EvictExcess(100, &evicted);
  EXPECT_EQ(keys.key_count(), 2u);
  EXPECT_EQ(evicted.keys.size(), 48u);
}

TEST(TrackedKeys, PrefixesGatherTheirKeysInOrder) {
  TrackedKeys keys;
  keys.Begin();
  keys.AddPrefix("a", {1, 0});
  keys.AddPrefix("ab", {2, 0});
  keys.AddPrefix("ab", {3, 0});
  KeyChanges changes;
  for (const char* key : {"abc", "b", "a", "abc", "ab"}) keys.NoteChange(key, &changes);
  std::string text;
  keys.ForEachPrefix(changes,
                     [&](const std::vector<KeyReader>& readers, const TrackedKeys::Keys& found) {
                       for (const KeyReader& reader : readers) {
                         text += std::to_string(reader.id) + " ";
                       }
                       for (const std::string& key : *found) text += key + " ";
                       text += "\n";
                     });
  EXPECT_EQ(text, "1 a ab abc \n2 3 ab abc \n");
  keys.RemovePrefix("ab", 2);
  EXPECT_EQ(keys.prefix_count(), 2u);
  keys.RemovePrefix("ab", 3);
  keys.RemovePrefix("a", 1);
  EXPECT_EQ(keys.prefix_count(), 0u);
}

}  // namespace
}  // namespace hearth
