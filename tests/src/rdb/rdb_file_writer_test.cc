// RDB files as they are written: read back, in pieces, cut off by their sink.
#include "src/rdb/rdb_file_writer.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <span>

#include "src/rdb/rdb_file_reader.h"
#include "tests/src/rdb/rdb_text.h"

namespace hearth {
namespace {

struct Output {
  RdbFileWriter::Sink sink() {
    return [this](std::string_view bytes) {
      if (text.size() >= size_max) return false;
      text += bytes;
      piece_sizes.push_back(bytes.size());
      return true;
    };
  }
  size_t LargestPiece() const { return *std::max_element(piece_sizes.begin(), piece_sizes.end()); }

  size_t size_max = SIZE_MAX;
  std::string text;
  std::vector<size_t> piece_sizes;
};

// Every entry on a line, then "end" or the error.
std::string ReadAll(std::string_view bytes) {
  RdbFileReader reader(
      [bytes, at = size_t{0}](std::span<char> into) mutable {
        const size_t size = std::min(into.size(), bytes.size() - at);
        bytes.copy(into.data(), size, at);
        at += size;
        return size;
      },
      size_t{16} << 20);
  std::string text;
  for (RdbEntry entry;;) {
    const Status status = reader.Next(&entry);
    if (!status.ok()) return text + status.message();
    if (entry.kind == RdbEntry::Kind::kEnd) {
      return text + "end of " + std::to_string(reader.version());
    }
    text += PrintEntry(entry) + "\n";
  }
}

TEST(RdbFileWriterTest, AFileIsReadBack) {
  Output output;
  RdbFileWriter writer(output.sink(), kRdbVersion, {});
  EXPECT_TRUE(writer.Aux("redis-bits", "64"));
  EXPECT_TRUE(writer.Aux("repl-id", "abc"));
  EXPECT_TRUE(writer.Function("#!lua name=l"));
  EXPECT_TRUE(writer.SelectDb(0, 3, 1));
  EXPECT_TRUE(writer.Key("string", -1, "value"));
  EXPECT_TRUE(writer.Key("12", 1'700'000'000'123, RdbList{{"a", "1", "b"}}));
  EXPECT_TRUE(writer.Key("long", -1, std::string(1000, 'x')));
  EXPECT_TRUE(writer.SelectDb(300, 2, 0));
  EXPECT_TRUE(writer.Key("", -1, RdbSortedSet{{{"m", 1.5}}}));
  EXPECT_TRUE(writer.Key("hash", 0, RdbHash{{{"f", "v"}}}));
  EXPECT_TRUE(writer.Finish());
  EXPECT_EQ(writer.size_bytes(), output.text.size());
  EXPECT_EQ(ReadAll(output.text),
            "aux redis-bits=64\n"
            "aux repl-id=abc\n"
            "function #!lua name=l\n"
            "0 string=value\n"
            "0 12=[a, 1, b] until 1700000000123\n"
            "0 long=" +
                std::string(1000, 'x') +
                "\n"
                "300 ={m=1.5}\n"
                "300 hash={f: v} until 0\n"
                "end of 10");
}

// The bytes of an empty file, and of the opcodes, as redis-server 7.0 has them.
TEST(RdbFileWriterTest, ItsBytesAreThoseOfRedis) {
  Output output;
  RdbFileWriter writer(output.sink(), kRdbVersion, {});
  EXPECT_TRUE(writer.Aux("redis-bits", "64"));
  EXPECT_TRUE(writer.SelectDb(2, 1, 1));
  EXPECT_TRUE(writer.Key("k", 1000, "v"));
  EXPECT_TRUE(writer.Finish());
  const std::string head = output.text.substr(0, output.text.size() - 8);
  EXPECT_EQ(head, "REDIS0010" + FromHex("fa 0a") + "redis-bits" +
                      FromHex("c0 40 fe 02 fb 01 01 fc e803000000000000 00 01 6b 01 76 ff"));
}

TEST(RdbFileWriterTest, ADamagedFileIsNoticed) {
  Output output;
  RdbFileWriter writer(output.sink(), kRdbVersion, {});
  EXPECT_TRUE(writer.Key("k", -1, "value"));
  EXPECT_TRUE(writer.Finish());
  output.text[output.text.find("value")] ^= 1;
  EXPECT_EQ(ReadAll(output.text), "0 k=walue\nthe checksum is wrong");
}

TEST(RdbFileWriterTest, ItComesInPiecesOfABoundedSize) {
  RdbEncodingLimits limits;
  limits.rdbcompression = false;
  Output output;
  RdbFileWriter writer(output.sink(), kRdbVersion, limits);
  const std::string small(1000, 's');
  for (int i = 0; i < 200; ++i) EXPECT_TRUE(writer.Key(std::to_string(i), -1, small));
  EXPECT_GE(output.piece_sizes.size(), 2u);
  EXPECT_GE(output.piece_sizes.front(), kRdbWriteBytes);
  EXPECT_LT(output.LargestPiece(), 2 * kRdbWriteBytes);
  EXPECT_TRUE(writer.Key("big", -1, std::string(5'000'000, 'b')));
  EXPECT_EQ(output.LargestPiece(), kRdbWriteBytesMax);
  EXPECT_TRUE(writer.Finish());
  EXPECT_EQ(writer.size_bytes(), output.text.size());
  EXPECT_TRUE(ReadAll(output.text).ends_with("end of 10"));
}

TEST(RdbFileWriterTest, NothingIsWrittenBehindAFailure) {
  RdbEncodingLimits limits;
  limits.rdbcompression = false;
  Output output;
  output.size_max = 1;
  RdbFileWriter writer(output.sink(), kRdbVersion, limits);
  EXPECT_TRUE(writer.Key("a", -1, std::string(kRdbWriteBytes, 'a')));
  const std::string before = output.text;
  EXPECT_FALSE(writer.Key("b", -1, std::string(kRdbWriteBytes, 'b')));
  EXPECT_FALSE(writer.good());
  EXPECT_FALSE(writer.needs_newer_version());
  EXPECT_FALSE(writer.Aux("a", "b"));
  EXPECT_FALSE(writer.Function("f"));
  EXPECT_FALSE(writer.SelectDb(0, 0, 0));
  EXPECT_FALSE(writer.Key("c", -1, "c"));
  EXPECT_FALSE(writer.Finish());
  EXPECT_EQ(output.text, before);
  EXPECT_EQ(writer.size_bytes(), before.size());
}

TEST(RdbFileWriterTest, FieldsThatExpireNeedANewerVersion) {
  const RdbHash hash{{{"f", "v", 5000}, {"g", "w"}}};
  Output old_output, output;
  RdbFileWriter old_writer(old_output.sink(), kRdbVersion, {});
  EXPECT_TRUE(old_writer.Key("plain", -1, RdbHash{{{"f", "v"}}}));
  EXPECT_FALSE(old_writer.Key("hash", -1, hash));
  EXPECT_TRUE(old_writer.needs_newer_version());
  EXPECT_FALSE(old_writer.Finish());
  EXPECT_EQ(old_output.text, "");
  RdbFileWriter writer(output.sink(), kRdbVersionExpiringFields, {});
  EXPECT_TRUE(writer.Key("hash", -1, hash));
  EXPECT_TRUE(writer.Finish());
  EXPECT_FALSE(writer.needs_newer_version());
  EXPECT_EQ(ReadAll(output.text), "0 hash={f: v @5000, g: w}\nend of 12");
}

}  // namespace
}  // namespace hearth
