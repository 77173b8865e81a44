#include <gtest/gtest.h>

#include <random>

#include "src/rdb/dump_payload.h"
#include "tests/src/rdb/rdb_text.h"

namespace hearth {
namespace {

// A value of every type, most of them in several encodings.
std::vector<std::pair<uint8_t, std::string>> Corpus() {
  std::vector<std::pair<uint8_t, std::string>> corpus;
  for (const auto& [type, hex] : std::vector<std::pair<uint8_t, const char*>>{
           {kRdbString, "c3 04 06 00 61 60 00"},
           {kRdbList, "03 01 61 02 6263 c1 e803"},
           {kRdbSortedSet, "03 01 61 03 312e35 01 62 fe 01 63 ff"},
           {kRdbHashZipmap, "0e 02 01 66 01 02 76 7878 02 6767 00 00 ff"},
           {kRdbListZiplist,
            "24 24000000 1d000000 0700 00 0161 03 f1 02 fd 02 fe80 03 c0e803 04 f0000080"
            "05 d000000080 ff"},
           {kRdbSortedSetZiplist, "18 18000000 12000000 0400 00 0161 03 f2 02 0162 03 03312e35 ff"},
           {kRdbHashZiplist, "16 16000000 13000000 0400 00 0166 03 0176 03 016e 03 f3 ff"},
           {kRdbListQuicklist,
            "02 0e 0e000000 0a000000 0100 00 0161 ff "
            "10 10000000 0c000000 0200 00 f5 02 0162 ff"},
           {kRdbStreamListpacks,
            "01 10 0000000000000007 0000000000000001 38 38000000 1600 0201 0101 0101 8161 02 0001"
            "0201 0001 0001 8178 02 0401 0301 0001 0101 8179 02 0401 0001 0201 0001 0101 8162 02"
            "817a 02 0601 ff 02 09 01 01 01 67 07 01 01 0000000000000007 0000000000000001"
            "e803000000000000 03 01 01 63 d007000000000000 01 0000000000000007 0000000000000001"},
           {kRdbSetListpack, "0c 0c000000 0200 8161 02 07 01 ff"},
           {kRdbHashMetadata, "e803000000000000 03 01 01 66 01 76 00 01 67 01 77 0b 01 68 01 78"},
           {kRdbHashListpackEx,
            "e803000000000000 18 18000000 0600 8166 02 8176 02 c3e8 02 8167 02 8177 02 00 01 "
            "ff"}}) {
    corpus.emplace_back(type, FromHex(hex));
  }
  RdbStream stream;
  for (uint64_t i = 1; i < 6; ++i)
    stream.entries.push_back({{i, i * 300}, {{"f", "v"}, {"g", "1"}}});
  stream.last_id = {9, 9};
  stream.entries_added = 7;
  stream.groups.push_back({"group", {3, 900}, 3, {{{2, 600}, 10, 1, 1}}, {{"a", 5}, {"b", 6}}});
  RdbEncodingLimits plain;
  plain.hash_max_listpack_entries = plain.zset_max_listpack_entries = 0;
  plain.list_max_listpack_size = plain.stream_node_max_entries = 2;
  plain.rdbcompression = false;
  for (const RdbValue& value :
       {RdbValue(std::string(100, 'x')),
        RdbValue(RdbList{{"a", "12", "-70000", std::string(70, 'y')}}),
        RdbValue(RdbSet{{"1", "-300", "70000"}}), RdbValue(RdbSet{{"a", "1"}}),
        RdbValue(RdbSortedSet{{{"a", 1}, {"b", 1.5}}}), RdbValue(RdbHash{{{"f", "1"}, {"g", "v"}}}),
        RdbValue(stream)}) {
    for (const auto& limits : {RdbEncodingLimits{}, plain}) {
      std::string bytes;
      const uint8_t type = WriteRdbValue(value, limits, &bytes);
      corpus.emplace_back(type, bytes);
    }
  }
  return corpus;
}

// Changes a few bytes: flips, edge values, cuts, repeats.
void Mutate(std::mt19937_64& random, std::string* bytes) {
  static constexpr unsigned char kEdges[] = {0, 1, 0x3f, 0x7f, 0x80, 0x81, 0xc3, 0xfe, 0xff};
  for (uint64_t changes = 1 + random() % 3; changes > 0 && !bytes->empty(); --changes) {
    const size_t at = random() % bytes->size();
    switch (random() % 6) {
      case 0:
        (*bytes)[at] = static_cast<char>((*bytes)[at] ^ (1 << random() % 8));
        break;
      case 1:
        (*bytes)[at] = static_cast<char>(kEdges[random() % std::size(kEdges)]);
        break;
      case 2:
        (*bytes)[at] = static_cast<char>((*bytes)[at] + (random() % 2 == 0 ? 1 : -1));
        break;
      case 3:
        bytes->erase(at, 1 + random() % 3);
        break;
      case 4:
        bytes->insert(at, bytes->substr(random() % bytes->size(), 1 + random() % 8));
        break;
      default:
        (*bytes)[at] = static_cast<char>(random());
    }
  }
}

// What is read from damaged bytes is either refused or a value: one that is written and read
// again as it was. Run under the address sanitizer, it shows that nothing beyond is read.
TEST(RdbFuzz, DamagedValuesAreRefusedOrWhole) {
  const auto corpus = Corpus();
  for (const auto& [type, bytes] : corpus) {
    EXPECT_EQ(ReadAndPrint(type, bytes).find("error"), std::string::npos) << int{type};
  }
  size_t read_count = 0;
  constexpr size_t kRounds = 100000;
  for (uint64_t seed = 0; seed < kRounds; ++seed) {
    std::mt19937_64 random(seed);
    auto [type, bytes] = corpus[random() % corpus.size()];
    Mutate(random, &bytes);
    if (random() % 20 == 0) type = static_cast<uint8_t>(random() % 27);
    // Of its exact size on the heap, so that a byte too far is seen.
    const std::vector<char> heap(bytes.begin(), bytes.end());
    std::string_view rest(heap.data(), heap.size());
    RdbValue value, again;
    if (!ReadRdbValue(type, &rest, &value).ok()) continue;
    ++read_count;
    std::string written;
    const uint8_t type_again = WriteRdbValue(value, {}, &written);
    std::string_view written_rest = written;
    ASSERT_TRUE(ReadRdbValue(type_again, &written_rest, &again).ok()) << "seed " << seed;
    ASSERT_TRUE(written_rest.empty()) << "seed " << seed;
    std::string written_again;
    WriteRdbValue(again, {}, &written_again);
    ASSERT_EQ(ToHex(written_again), ToHex(written)) << "seed " << seed;
  }
  EXPECT_GT(read_count, kRounds / 50) << "mutations are too rough to reach the inner checks";
  EXPECT_LT(read_count, kRounds / 2);
}

}  // namespace
}  // namespace hearth
