// RDB files as they come from a primary: whole, in pieces, damaged.
#include "src/rdb/rdb_file_reader.h"

#include <gtest/gtest.h>

#include <random>

#include "src/rdb/crc64.h"
#include "src/rdb/rdb_output.h"
#include "tests/src/rdb/rdb_text.h"

namespace hearth {
namespace {

RdbFileReader::Read InPieces(std::string_view bytes, size_t piece) {
  return [bytes, piece, at = size_t{0}](std::span<char> into) mutable {
    const size_t size = std::min({into.size(), piece, bytes.size() - at});
    bytes.copy(into.data(), size, at);
    at += size;
    return size;
  };
}

// Every entry on a line, then the error if there is one, then what is left behind the file.
std::string ReadAll(std::string_view bytes, size_t piece = 1 << 20, size_t max = 1 << 20) {
  RdbFileReader reader(InPieces(bytes, piece), max);
  std::string text;
  for (;;) {
    RdbEntry entry;
    const Status status = reader.Next(&entry);
    if (!status.ok()) return text + "error: " + status.message();
    if (entry.kind == RdbEntry::Kind::kEnd) return text + "end " + std::string(reader.rest());
    text += PrintEntry(entry) + "\n";
  }
}

std::string WithCrc(std::string bytes) {
  rdb::AppendFixed64(rdb::Crc64(0, bytes), &bytes);
  return bytes;
}

std::string Key(std::string_view name, const RdbValue& value, const RdbEncodingLimits& limits) {
  std::string bytes, key;
  const uint8_t type = WriteRdbValue(value, limits, &bytes);
  rdb::AppendString(name, true, &key);
  return std::string(1, static_cast<char>(type)) + key + bytes;
}

// All opcodes, and a value of every type in its encodings.
std::string File() {
  std::string file = "REDIS0011";
  file += FromHex("fa 01 61 c0 07 fe 00 fb 02 01 f5 04") + "code";
  file += FromHex("fd 01000000") + FromHex("00 01 6b 01 76");
  file += FromHex("fc e803000000000000 f8 05 00 01 6c c1 e803 f9 ff 00 01 6d 01 77 fe 40 09");
  RdbStream stream;
  for (uint64_t i = 1; i < 6; ++i) stream.entries.push_back({{i, 1}, {{"f", "v"}}});
  stream.first_id = {1, 1};
  stream.last_id = {9, 9};
  stream.entries_added = 7;
  stream.groups.push_back({"group", {3, 1}, 3, {{{2, 1}, 10, 1, 1}}, {{"a", 5}, {"b", 6}}});
  RdbEncodingLimits plain;
  plain.hash_max_listpack_entries = plain.zset_max_listpack_entries = 0;
  plain.list_max_listpack_size = plain.stream_node_max_entries = 2;
  int number = 0;
  for (const RdbValue& value :
       {RdbValue(std::string(1000, 'x')), RdbValue(RdbList{{"a", "12", std::string(70, 'y')}}),
        RdbValue(RdbSet{{"1", "-300", "70000"}}), RdbValue(RdbSet{{"a", "1"}}),
        RdbValue(RdbSortedSet{{{"a", 1}, {"b", 1.5}}}), RdbValue(RdbHash{{{"f", "1"}, {"g", "v"}}}),
        RdbValue(RdbHash{{{"f", "1", 5000}}}), RdbValue(stream)}) {
    for (const auto& limits : {RdbEncodingLimits{}, plain}) {
      file += Key("value" + std::to_string(++number), value, limits);
    }
  }
  return WithCrc(file + '\xff');
}

TEST(RdbFileReaderTest, ItReadsOpcodesAndValues) {
  const std::string text = ReadAll(File() + "*1\r\n");
  EXPECT_EQ(text.substr(0, text.find("9 value1=")), R"(aux a=7
function code
0 k=v until 1000
0 l=1000 until 1000 idle 5
0 m=w frequency 255
)");
  EXPECT_TRUE(text.ends_with("end *1\r\n")) << text;
  EXPECT_EQ(std::count(text.begin(), text.end(), '\n'), 5 + 16 + 1) << text;
  EXPECT_EQ(text.find("error"), std::string::npos) << text;
}

TEST(RdbFileReaderTest, PiecesOfAnySizeAreTheSame) {
  const std::string file = File();
  for (const size_t piece : {1, 2, 7, 100}) EXPECT_EQ(ReadAll(file, piece), ReadAll(file));
}

// Old encodings that are only read.
TEST(RdbFileReaderTest, ItFindsTheEndOfOldEncodings) {
  for (const auto& [type, hex] : std::vector<std::pair<std::string, const char*>>{
           {"01", "03 01 61 02 6263 c1 e803"},
           {"03", "03 01 61 03 312e35 01 62 fe 01 63 ff"},
           {"05", "01 01 61 000000000000f83f"},
           {"09", "0e 02 01 66 01 02 76 7878 02 6767 00 00 ff"},
           {"14", "0c 0c000000 0200 8161 02 07 01 ff"},
           {"0f",
            "01 10 0000000000000007 0000000000000001 38 38000000 1600 0201 0101 0101 8161 02 0001"
            "0201 0001 0001 8178 02 0401 0301 0001 0101 8179 02 0401 0001 0201 0001 0101 8162 02"
            "817a 02 0601 ff 02 09 01 01 01 67 07 01 01 0000000000000007 0000000000000001"
            "e803000000000000 03 01 01 63 d007000000000000 01 0000000000000007 "
            "0000000000000001"}}) {
    const std::string file =
        WithCrc("REDIS0006" + FromHex(type + " 01 6b" + hex + "00 01 7a 01 7a ff"));
    const std::string text = ReadAll(file);
    EXPECT_TRUE(text.starts_with("0 k=")) << type << ": " << text;
    EXPECT_TRUE(text.ends_with("0 z=z\nend ")) << type << ": " << text;
  }
}

TEST(RdbFileReaderTest, FilesOfValkeyHaveTheirOwnHashes) {
  const std::string hash = FromHex("16 01 68 01 01 66 01 76 e803000000000000");
  EXPECT_EQ(ReadAll(WithCrc("VALKEY080" + hash + '\xff')), "0 h={f: v @1000}\nend ");
  EXPECT_EQ(ReadAll("VALKEY011"), "error: RDB version 11 is not supported");
  EXPECT_EQ(ReadAll("VALKEY0x0"), "error: it is no RDB file");
  EXPECT_EQ(ReadAll("REDIS0080"), "error: RDB version 80 is not supported");
  EXPECT_EQ(ReadAll("VALKEY080" + FromHex("80 01 68 00")),
            "error: a value has the unknown type 129");
}

TEST(RdbFileReaderTest, WhatIsNotSupportedIsRefused) {
  EXPECT_EQ(ReadAll("REDIS0099"), "error: RDB version 99 is not supported");
  EXPECT_EQ(ReadAll("RUDIS0011"), "error: it is no RDB file");
  EXPECT_EQ(ReadAll("REDIS0011" + FromHex("f7")), "error: data of modules are not supported");
  EXPECT_EQ(ReadAll("REDIS0011" + FromHex("07 01 61")),
            "error: values of modules are not supported");
  EXPECT_EQ(ReadAll("REDIS0011" + FromHex("63 01 61")), "error: a value has the unknown type 99");
  EXPECT_EQ(ReadAll("REDIS0011" + FromHex("00 01 61 81 ffffffffffffffff")),
            "error: an entry has more than 1048576 bytes (proto-max-bulk-len)");
  EXPECT_EQ(ReadAll("REDIS0011" + FromHex("00 01 61 80 000f4240")),
            "error: the file ends too early");
}

// Every damage is an error: by the checksum at the latest.
TEST(RdbFileReaderTest, DamagedFilesAreErrors) {
  const std::string file = File();
  EXPECT_EQ(ReadAll(file).find("error"), std::string::npos);
  for (size_t size = 0; size < file.size(); ++size) {
    EXPECT_NE(ReadAll(file.substr(0, size)).find("error: "), std::string::npos) << size;
  }
  std::mt19937 random(7);
  for (int i = 0; i < 3000; ++i) {
    std::string damaged = file;
    const size_t at = random() % damaged.size();
    damaged[at] = static_cast<char>(damaged[at] ^ (1 << random() % 8));
    EXPECT_NE(ReadAll(damaged, 1 + random() % 500).find("error: "), std::string::npos) << at;
  }
  std::string unchecked = file.substr(0, file.size() - 8) + std::string(8, '\0');
  EXPECT_EQ(ReadAll(unchecked).find("error"), std::string::npos) << "0 is no checksum";
}

}  // namespace
}  // namespace hearth
