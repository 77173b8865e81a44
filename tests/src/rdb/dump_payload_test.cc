#include "src/rdb/dump_payload.h"

#include <gtest/gtest.h>

#include "src/rdb/crc64.h"
#include "src/rdb/packed_integer.h"
#include "tests/src/rdb/rdb_text.h"

namespace hearth {
namespace {

// A payload of any version and body, with the right checksum.
std::string Sealed(std::string body, uint16_t version) {
  rdb::AppendLittleEndian(version, 2, &body);
  rdb::AppendLittleEndian(rdb::Crc64(0, body), 8, &body);
  return body;
}

TEST(Crc64, IsThatOfTheRdbFormat) {
  EXPECT_EQ(rdb::Crc64(0, ""), 0u);
  EXPECT_EQ(rdb::Crc64(0, "123456789"), 0xe9c6d914c4b8d9cau);
}

// Whatever the cuts, and so for every path through words and single bytes.
TEST(Crc64, ContinuesOverPieces) {
  std::string bytes;
  for (int i = 0; i < 100; ++i) bytes.push_back(static_cast<char>(i * 37));
  const uint64_t whole = rdb::Crc64(0, bytes);
  for (size_t cut = 0; cut <= bytes.size(); ++cut) {
    const uint64_t first = rdb::Crc64(0, std::string_view(bytes).substr(0, cut));
    EXPECT_EQ(rdb::Crc64(first, std::string_view(bytes).substr(cut)), whole) << cut;
  }
}

struct Case {
  const char* name;
  const char* hex;
  const char* printed;
};

// What DUMP of redis-server 7.0.15 answers.
constexpr Case kRedisPayloads[] = {
    {"raw string", "000568656c6c6f0a006372df766534200a", "hello"},
    {"empty string", "00000a005d9b5c400f7fa2da", "\"\""},
    {"8-bit integer", "00c0fb0a0049c4c6f4d7263f68", "-5"},
    {"16-bit integer", "00c1e8030a0089d1478ebac4b764", "1000"},
    {"32-bit integer", "00c26079feff0a00a1ca8470cc216d9d", "-100000"},
    {"64-bit integer", "000a333030303030303030300a00e7076b7954bb7947", "3000000000"},
    {"compressed string", "00c30a406402616261e056010161620a0017383d942096d863",
     "abababababababababababababababababababababababababababababababababababababababababababababab"
     "abababab"},
    {"list with every integer width",
     "120102c33640781f780000000a00816102dfff027f01f1881303f2c063ff04f200127a04f3009435037705f4ff80"
     "00047f09e04678e03c0003488001ff0a00d4a018cd6e2eb2d3",
     "[a, -1, 127, 5000, -40000, 8000000, 2000000000, 9223372036854775807, "
     "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx, \"\"]"},
    {"list of two nodes",
     "1202020d0d0000000200816102816202ff020a0a0000000100816302ff0a00a60192a8f736b5c0", "[a, b, c]"},
    {"list with a plain node",
     "1203020a0a0000000100816102ff010a706c61696e2d6e6f6465020a0a0000000100816302ff0a0092b9a8e5d8de"
     "9f76",
     "[a, plain-node, c]"},
    {"intset of 16 bits", "0b0e0200000003000000feff01002c010a005b0aa862f794600a", "{-2, 1, 300}"},
    {"intset of 32 bits", "0b10040000000200000090eefeff010000000a0094a105e959efec05",
     "{-70000, 1}"},
    {"intset of 64 bits",
     "0b1808000000020000000100000000000000ffffffffffffff7f0a009420a5a3363d85ab",
     "{1, 9223372036854775807}"},
    {"set", "0202c00101610a00b064e3d36cb07eb6", "{1, a}"},
    {"sorted set, packed",
     "112f2f0000000800836c6f7704842d696e6605836f6e650401018468616c660583312e35048468696768058369"
     "6e6604ff0a00601b0d62c63e06ae",
     "{low=-inf, one=1, half=1.5, high=inf}"},
    {"sorted set",
     "0503036f6e65000000000000f03f0574656e74689a9999999999b93f036c6f77000000000000f0ff0a0033ee34"
     "cfe860dcf5",
     "{one=1, tenth=0.10000000000000001, low=-inf}"},
    {"hash, packed", "1012120000000400816602817602816e020c01ff0a0001369481d35b8974",
     "{f: v, n: 12}"},
    {"hash", "0402016ec00c016601760a0051a96948d7aef981", "{n: 12, f: v}"},
};

TEST(DumpPayload, OfRedisServerIsRead) {
  for (const auto& payload : kRedisPayloads) {
    EXPECT_EQ(ReadDumpAndPrint(FromHex(payload.hex)), payload.printed) << payload.name;
  }
}

// Where the value has one best encoding, and the order of elements is kept, the bytes are Redis'.
TEST(DumpPayload, IsWrittenAsRedisServerDoes) {
  for (const auto& payload : kRedisPayloads) {
    const std::string bytes = FromHex(payload.hex);
    RdbEncodingLimits limits;
    const std::string_view name = payload.name;
    if (name == "hash") limits.hash_max_listpack_entries = 0;
    if (name == "sorted set") limits.zset_max_listpack_entries = 0;
    if (name == "list of two nodes") limits.list_max_listpack_size = 2;
    if (name == "list with a plain node") continue;  // made by a debugging command
    RdbValue value;
    ASSERT_TRUE(ReadDumpPayload(bytes, &value).ok()) << name;
    EXPECT_EQ(ToHex(MakeDumpPayload(value, limits)), payload.hex) << name;
  }
}

TEST(DumpPayload, WithAFlippedBitDoesNotVerify) {
  const std::string payload = FromHex(kRedisPayloads[0].hex);
  EXPECT_TRUE(VerifyDumpPayload(payload));
  for (size_t bit = 0; bit < payload.size() * 8; ++bit) {
    std::string flipped = payload;
    flipped[bit / 8] = static_cast<char>(flipped[bit / 8] ^ (1 << bit % 8));
    EXPECT_FALSE(VerifyDumpPayload(flipped)) << bit;
    RdbValue value;
    EXPECT_EQ(ReadDumpPayload(flipped, &value).code(), Status::Code::kInvalid);
  }
}

TEST(DumpPayload, TooShortForItsFooterDoesNotVerify) {
  const std::string payload = FromHex(kRedisPayloads[0].hex);
  for (size_t size = 0; size < payload.size(); ++size) {
    EXPECT_FALSE(VerifyDumpPayload(payload.substr(0, size))) << size;
  }
  EXPECT_TRUE(VerifyDumpPayload(Sealed("", 10)));
  RdbValue value;
  EXPECT_EQ(ReadDumpPayload(Sealed("", 10), &value).code(), Status::Code::kCorruption);
}

TEST(DumpPayload, OfANewerVersionDoesNotVerify) {
  const std::string body = FromHex("00 01 61");
  for (const uint16_t version : {1, 6, 9, 10, 11, 12, 80}) {
    EXPECT_EQ(ReadDumpAndPrint(Sealed(body, version)), "a") << version;
  }
  EXPECT_FALSE(VerifyDumpPayload(Sealed(body, 13)));
  EXPECT_FALSE(VerifyDumpPayload(Sealed(body, 81)));
  EXPECT_FALSE(VerifyDumpPayload(Sealed(body, 256)));
}

TEST(DumpPayload, ThatVerifiesMayHoldBadData) {
  const auto code = [](std::string_view hex) {
    RdbValue value;
    return ReadDumpPayload(Sealed(FromHex(hex), 10), &value).code();
  };
  EXPECT_EQ(code("00 01 61"), Status::Code::kOk);
  EXPECT_EQ(code("00 01 61 00"), Status::Code::kCorruption) << "a byte too many";
  EXPECT_EQ(code("00 02 61"), Status::Code::kCorruption) << "a byte too few";
  EXPECT_EQ(code("02 00"), Status::Code::kCorruption) << "no members";
  EXPECT_EQ(code("07 00"), Status::Code::kCorruption) << "a module";
  EXPECT_EQ(code("ff 00"), Status::Code::kCorruption) << "an unknown type";
}

TEST(DumpPayload, OfValkeyHasItsOwnHashes) {
  const std::string body = FromHex("16 01 01 66 01 76 e803000000000000");
  EXPECT_EQ(ReadDumpAndPrint(Sealed(body, 80)), "{f: v @1000}");
  RdbValue value;
  EXPECT_FALSE(ReadDumpPayload(Sealed(body, 12), &value).ok());
}

// Redis before 7.4 cannot hold such a hash, so that its own refusal is the right one.
TEST(DumpPayload, OfAnExpiringHashIsOfVersion12) {
  const RdbValue value =
      RdbHash{{{"f", "v", 1700000000000}, {"g", "w"}, {"h", "x", 1700000000005}}};
  const std::string payload = MakeDumpPayload(value);
  EXPECT_EQ(payload[0], kRdbHashMetadata);
  EXPECT_EQ(payload[payload.size() - 10], 12);
  EXPECT_EQ(ReadDumpAndPrint(payload), "{f: v @1700000000000, g: w, h: x @1700000000005}");
}

}  // namespace
}  // namespace hearth
