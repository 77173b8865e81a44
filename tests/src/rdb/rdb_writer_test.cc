#include <gtest/gtest.h>

#include <cmath>
#include <random>

#include "src/rdb/rdb_value.h"
#include "tests/src/rdb/rdb_text.h"

namespace hearth {
namespace {

uint8_t TypeOf(const RdbValue& value, const RdbEncodingLimits& limits = {}) {
  std::string bytes;
  return WriteRdbValue(value, limits, &bytes);
}

std::string WriteAndRead(const RdbValue& value, const RdbEncodingLimits& limits = {}) {
  std::string bytes;
  const uint8_t type = WriteRdbValue(value, limits, &bytes);
  return ReadAndPrint(type, bytes);
}

RdbSet SetOf(int64_t from, size_t count) {
  RdbSet set;
  for (size_t i = 0; i < count; ++i) {
    set.members.push_back(std::to_string(from + static_cast<int64_t>(i)));
  }
  return set;
}

TEST(RdbWriter, SmallSetsOfIntegersAreIntsets) {
  EXPECT_EQ(TypeOf(SetOf(-5, 512)), kRdbSetIntset);
  EXPECT_EQ(TypeOf(SetOf(-5, 513)), kRdbSet);
  EXPECT_EQ(TypeOf(RdbSet{{"1", "02"}}), kRdbSet);
  EXPECT_EQ(TypeOf(RdbSet{{"9223372036854775808"}}), kRdbSet);
  EXPECT_EQ(WriteAndRead(RdbSet{{"5", "-3", "70000"}}), "{-3, 5, 70000}");
}

TEST(RdbWriter, SmallSortedSetsAreListpacksInOrder) {
  const RdbSortedSet set{{{"b", 1}, {"a", 1}, {"z", -INFINITY}, {"c", 0.5}}};
  EXPECT_EQ(TypeOf(set), kRdbSortedSetListpack);
  EXPECT_EQ(WriteAndRead(set), "{z=-inf, c=0.5, a=1, b=1}");
  RdbEncodingLimits limits;
  limits.zset_max_listpack_entries = 3;
  EXPECT_EQ(TypeOf(set, limits), kRdbSortedSet2);
  EXPECT_EQ(TypeOf(RdbSortedSet{{{std::string(64, 'x'), 1}}}), kRdbSortedSetListpack);
  EXPECT_EQ(TypeOf(RdbSortedSet{{{std::string(65, 'x'), 1}}}), kRdbSortedSet2);
}

TEST(RdbWriter, SmallHashesAreListpacks) {
  EXPECT_EQ(TypeOf(RdbHash{{{"f", std::string(64, 'x')}}}), kRdbHashListpack);
  EXPECT_EQ(TypeOf(RdbHash{{{"f", std::string(65, 'x')}}}), kRdbHash);
  EXPECT_EQ(TypeOf(RdbHash{{{std::string(65, 'x'), "v"}}}), kRdbHash);
  RdbEncodingLimits limits;
  limits.hash_max_listpack_entries = 1;
  EXPECT_EQ(TypeOf(RdbHash{{{"f", "1"}, {"g", "2"}}}, limits), kRdbHash);
  EXPECT_EQ(TypeOf(RdbHash{{{"f", "1"}, {"g", "2", 0}}}), kRdbHashMetadata);
  EXPECT_EQ(WriteAndRead(RdbHash{{{"f", "1", 5}, {"g", "2", 0}, {"h", "3"}}}),
            "{f: 1 @5, g: 2 @0, h: 3}");
}

// The first byte of a written list is its count of nodes.
TEST(RdbWriter, ListsAreCutIntoNodes) {
  const auto node_count = [](size_t count, size_t size, int setting) {
    RdbEncodingLimits limits;
    limits.list_max_listpack_size = setting;
    limits.rdbcompression = false;
    const RdbList list{std::vector<std::string>(count, std::string(size, 'x'))};
    std::string bytes;
    EXPECT_EQ(WriteRdbValue(list, limits, &bytes), kRdbListQuicklist2);
    EXPECT_EQ(ReadAndPrint(kRdbListQuicklist2, bytes), Printed(list));
    return int{bytes[0]};
  };
  EXPECT_EQ(node_count(10, 1, -2), 1);
  EXPECT_EQ(node_count(10, 1, 3), 4);
  EXPECT_EQ(node_count(20, 1000, -1), 5);
  EXPECT_EQ(node_count(20, 1000, -2), 3);
  EXPECT_EQ(node_count(20, 1000, 128), 3) << "8 KiB a node, where elements are counted";
  EXPECT_EQ(node_count(2, 70000, -5), 2);
}

// Every score comes back as it went, from both encodings.
TEST(RdbWriter, KeepsScoresToTheBit) {
  RdbEncodingLimits plain;
  plain.zset_max_listpack_entries = 0;
  std::mt19937_64 random(7);
  std::vector<double> scores = {0.0,
                                -0.0,
                                5e-324,
                                1.7976931348623157e308,
                                INFINITY,
                                -INFINITY,
                                4503599627370495.0,
                                4503599627370496.0,
                                9007199254740993.0,
                                0.1};
  for (int i = 0; i < 2000; ++i) {
    const double score = std::bit_cast<double>(random());
    if (!std::isnan(score)) scores.push_back(score);
  }
  for (const double score : scores) {
    for (const auto& limits : {RdbEncodingLimits{}, plain}) {
      std::string bytes;
      const uint8_t type = WriteRdbValue(RdbSortedSet{{{"m", score}}}, limits, &bytes);
      std::string_view rest = bytes;
      RdbValue value;
      ASSERT_TRUE(ReadRdbValue(type, &rest, &value).ok());
      EXPECT_EQ(std::bit_cast<uint64_t>(std::get<RdbSortedSet>(value).members[0].second),
                std::bit_cast<uint64_t>(score))
          << score;
    }
  }
}

TEST(RdbWriter, StringsTakeTheirShortestForm) {
  const auto size = [](std::string_view text, bool compress) {
    RdbEncodingLimits limits;
    limits.rdbcompression = compress;
    std::string bytes;
    WriteRdbValue(std::string(text), limits, &bytes);
    EXPECT_EQ(ReadAndPrint(kRdbString, bytes), Printed(std::string(text)));
    return bytes.size();
  };
  EXPECT_EQ(size("127", true), 2u);
  EXPECT_EQ(size("-129", true), 3u);
  EXPECT_EQ(size("-2147483648", true), 5u);
  EXPECT_EQ(size("2147483648", true), 11u);
  EXPECT_EQ(size("007", true), 4u);
  EXPECT_EQ(size(std::string(20, 'x'), true), 21u) << "too short to be compressed";
  EXPECT_LT(size(std::string(21, 'x'), true), 12u);
  EXPECT_EQ(size(std::string(21, 'x'), false), 22u);
  EXPECT_EQ(size(std::string(70000, 'x'), false), 70005u);
  EXPECT_LT(size(std::string(70000, 'x'), true), 1000u);
}

}  // namespace
}  // namespace hearth
