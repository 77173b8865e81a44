#include <gtest/gtest.h>

#include "src/rdb/dump_payload.h"
#include "tests/src/rdb/rdb_text.h"

namespace hearth {
namespace {

// What DUMP of redis-server 7.0.15 answers: entries of two forms, one deleted, two groups.
constexpr char kRedisStreamDump[] =
    "13011000000000000000010000000000000001404c4c0000001f000301010102018161028162020001020100010001"
    "01010201050103010001010103010401050100010401dfff0201018163020501060102010801dfff02817802817902"
    "0501ff0309000101010204020167090004030000000000000001000000000000000107f60dfda10100000100000000"
    "00000005000000000000000007f60dfda1010000010000000000000009000000000000000007f60dfda10100000103"
    "05616c69636507f60dfda1010000020000000000000001000000000000000100000000000000050000000000000000"
    "0"
    "3626f6207f60dfda101000001000000000000000900000000000000000469646c6507f60dfda101000000016805008"
    "1ffffffffffffffff00000a004109db2fe6124877";

TEST(RdbStream, OfRedisServerIsRead) {
  EXPECT_EQ(ReadDumpAndPrint(FromHex(kRedisStreamDump)),
            "[1-1 a=1 b=2, 5-0 c=5, 9-0 a=x b=y]; 1-1 to 9-0, deleted 1-2, added 4"
            "; group g 9-0 read 4, alice seen 1795246913031 active 1795246913031"
            ", bob seen 1795246913031 active 1795246913031, idle seen 1795246913031 active "
            "1795246913031, 1-1 at 1795246913031 x1 to alice, 5-0 at 1795246913031 x1 to alice"
            ", 9-0 at 1795246913031 x1 to bob; group h 5-0 read -1");
  EXPECT_EQ(ReadDumpAndPrint(FromHex(
                "13000000000000000000010167000081ffffffffffffffff00000a00a01a953dfb9cddde")),
            "[]; 0-0 to 0-0, deleted 0-0, added 0; group g 0-0 read -1");
  EXPECT_EQ(
      ReadDumpAndPrint(FromHex(
          "130210000000000000000100000000000000011c1c0000000a000101000101018161020001020100010001"
          "01010401ff10000000000000000200000000000000021c1c0000000a000101000101018161020001020100"
          "01000102010401ff0202020101000002000a00dccb1d32a709506b")),
      "[1-1 a=1, 2-2 a=2]; 1-1 to 2-2, deleted 0-0, added 2");
}

TEST(RdbStream, OutlivesWritingAndReading) {
  RdbValue value;
  ASSERT_TRUE(ReadDumpPayload(FromHex(kRedisStreamDump), &value).ok());
  for (const size_t entries_max : {0, 1, 2, 100}) {
    for (const size_t bytes_max : {0, 1, 60, 4096}) {
      RdbEncodingLimits limits;
      limits.stream_node_max_entries = entries_max;
      limits.stream_node_max_bytes = bytes_max;
      RdbValue again;
      ASSERT_TRUE(ReadDumpPayload(MakeDumpPayload(value, limits), &again).ok());
      EXPECT_EQ(Printed(again), Printed(value)) << entries_max << " " << bytes_max;
    }
  }
}

// The number of entries in the first node of a written stream of ten entries of 40 bytes.
TEST(RdbStream, NodesKeepTheLimits) {
  RdbStream stream;
  for (uint64_t i = 1; i <= 10; ++i)
    stream.entries.push_back({{i, 0}, {{"f", std::string(40, 'x')}}});
  stream.last_id = stream.entries.back().id;
  stream.entries_added = 10;
  const auto node_count = [&stream](size_t bytes_max, size_t entries_max) {
    RdbEncodingLimits limits;
    limits.stream_node_max_bytes = bytes_max;
    limits.stream_node_max_entries = entries_max;
    return int{MakeDumpPayload(stream, limits)[1]};
  };
  EXPECT_EQ(node_count(4096, 100), 1);
  EXPECT_EQ(node_count(4096, 3), 4);
  EXPECT_EQ(node_count(4096, 0), 1);
  EXPECT_EQ(node_count(1, 100), 10);
  EXPECT_EQ(node_count(0, 100), 1);
}

// A stream of one node with two live entries and a deleted one, and one group with an entry
// pending, of the types before and after Redis 7.0. Redis-server 7.0.15 takes the first.
struct Parts {
  std::string key = "10 0000000000000007 0000000000000001";
  std::string head = "0201 0101 0101 8161 02 0001";
  std::string first = "0201 0001 0001 8178 02 0401";
  std::string deleted = "0301 0001 0101 8179 02 0401";
  std::string other = "0001 0201 0001 0101 8162 02 817a 02 0601";
  std::string counters = "02 09 01";
  std::string group = "01 67 07 01";
  std::string pending = "01 0000000000000007 0000000000000001 e803000000000000 03";
  std::string consumer = "01 01 63 d007000000000000";
  std::string owned = "01 0000000000000007 0000000000000001";

  std::string Read(uint8_t type) const {
    const std::string body = FromHex(head + first + deleted + other);
    std::string listpack(1, static_cast<char>(body.size() + 7));
    listpack += FromHex("000000 ffff") + body + FromHex("ff");
    const std::string bytes = FromHex("01" + key) + static_cast<char>(listpack.size()) + listpack +
                              FromHex(counters + "01" + group + pending + consumer + owned);
    return ReadAndPrint(type, bytes);
  }
};

TEST(RdbStream, OfOldRedisGetsItsCountersAsRedis7Does) {
  EXPECT_EQ(Parts().Read(kRdbStreamListpacks),
            "[7-1 a=x, 9-1 b=z]; 7-1 to 9-1, deleted 0-0, added 2"
            "; group g 7-1 read 1, c seen 2000 active 2000, 7-1 at 1000 x3 to c");
  const auto read_by = [](const char* group) {
    Parts parts;
    parts.group = group;
    const std::string printed = parts.Read(kRdbStreamListpacks);
    return printed.substr(printed.find("read"), printed.find(", c") - printed.find("read"));
  };
  EXPECT_EQ(read_by("01 67 00 00"), "read 0");
  EXPECT_EQ(read_by("01 67 08 00"), "read -1");
  EXPECT_EQ(read_by("01 67 09 01"), "read 2");
}

TEST(RdbStream, OfNewRedisSaysWhenConsumersWereActive) {
  Parts parts;
  parts.counters = "02 0901 0701 0702 05";
  parts.group = "01 67 07 01 04";
  parts.consumer += "ffffffffffffffff";
  EXPECT_EQ(parts.Read(kRdbStreamListpacks3),
            "[7-1 a=x, 9-1 b=z]; 7-1 to 9-1, deleted 7-2, added 5"
            "; group g 7-1 read 4, c seen 2000 active -1, 7-1 at 1000 x3 to c");
}

TEST(RdbStream, IsCheckedToTheByte) {
  const auto with = [](std::string Parts::*part, const char* hex) {
    Parts parts;
    parts.*part = hex;
    const std::string printed = parts.Read(kRdbStreamListpacks);
    return printed.starts_with("error: ") ? printed.substr(7) : "read";
  };
  const std::string kNode = "a stream's entry is damaged", kHead = "a stream's node has no head";
  const std::string kCount = "a stream's node does not have the entries it announces";
  EXPECT_EQ(with(&Parts::key, "0f 0000000000000007 00000000000000"), "a stream's node has no id");
  EXPECT_EQ(with(&Parts::key, "10 0000000000000000 0000000000000001"), "read");
  EXPECT_EQ(with(&Parts::key, "10 ffffffffffffffff ffffffffffffffff"),
            "a stream's entries are out of order");
  EXPECT_EQ(with(&Parts::head, "0301 0101 0101 8161 02 0001"), kCount);
  EXPECT_EQ(with(&Parts::head, "0201 0001 0101 8161 02 0001"), kCount);
  EXPECT_EQ(with(&Parts::head, "0201 0101 7f01 8161 02 0001"), kHead);
  EXPECT_EQ(with(&Parts::head, "0201 0101 0101 8161 02 0101"), kHead);
  EXPECT_EQ(with(&Parts::head, "0201 0101 dfff02 8161 02 0001"), kHead);
  EXPECT_EQ(with(&Parts::first, "0401 0001 0001 8178 02 0401"), kNode) << "flags";
  EXPECT_EQ(with(&Parts::first, "0201 0001 0001 8178 02 0501"), kNode) << "count behind";
  EXPECT_EQ(with(&Parts::first, "0201 8130 02 0001 8178 02 0401"), kNode) << "text for a number";
  EXPECT_EQ(with(&Parts::first, "0201 0501 0001 8178 02 0401"),
            "a stream's entries are out of order");
  EXPECT_EQ(with(&Parts::first, "0201 dfff02 0001 8178 02 0401"),
            "a stream's entries are out of order")
      << "before the node's id";
  EXPECT_EQ(with(&Parts::other, "0001 0201 0001 0001 0401"), kNode) << "no fields";
  EXPECT_EQ(with(&Parts::other, "0001 0201 0001 0201 8162 02 817a 02 0601"), kNode) << "fields";
  EXPECT_EQ(with(&Parts::counters, "03 09 01"), "a stream does not have the length it announces");
  EXPECT_EQ(with(&Parts::counters, "02 09 00"), "a stream has entries behind its last id");
  EXPECT_EQ(with(&Parts::pending, "00"), "a consumer has an entry that is not pending");
  EXPECT_EQ(with(&Parts::owned, "00"), "a pending entry has no consumer");
  EXPECT_EQ(with(&Parts::owned,
                 "02 0000000000000007 0000000000000001"
                 "0000000000000007 0000000000000001"),
            "two consumers have the same pending entry");
  EXPECT_EQ(with(&Parts::pending,
                 "02 0000000000000007 0000000000000001 e803000000000000 03"
                 "0000000000000007 0000000000000001 e803000000000000 03"),
            "pending entries are out of order");
  EXPECT_EQ(with(&Parts::consumer, "02 01 63 d007000000000000 00 01 63 d007000000000000"),
            "a group has a consumer twice");
}

TEST(RdbStream, CountersThatContradictTheEntriesAreRefused) {
  const auto with = [](const char* counters) {
    Parts parts;
    parts.counters = counters;
    parts.group = "01 67 07 01 04";
    const std::string printed = parts.Read(kRdbStreamListpacks2);
    return printed.starts_with("error: ") ? printed.substr(7) : printed.substr(0, 71);
  };
  EXPECT_EQ(with("02 0901 0701 0702 01"), "a stream counts fewer entries than it has");
  EXPECT_EQ(with("02 0901 0701 0a00 02"), "a stream has deleted entries behind its last id");
  EXPECT_EQ(with("02 0901 0801 0702 02").substr(0, 34), "[7-1 a=x, 9-1 b=z]; 7-1 to 9-1, de");
}

}  // namespace
}  // namespace hearth
