#include <gtest/gtest.h>

#include "src/rdb/listpack.h"
#include "src/rdb/small_sets.h"
#include "src/rdb/ziplist.h"
#include "tests/src/rdb/rdb_text.h"

namespace hearth::rdb {
namespace {

using PackedReader = bool (*)(std::string_view, std::vector<PackedElement>*);

std::string Read(PackedReader reader, std::string_view bytes) {
  std::vector<PackedElement> elements;
  if (!reader(bytes, &elements)) return "damaged";
  std::string text;
  for (const auto& element : elements) {
    const std::string one = element.ToString();
    text += (text.empty() ? "" : " ") + (one.size() > 20 ? std::to_string(one.size()) : one);
  }
  return text;
}

std::string ReadHex(PackedReader reader, std::string_view hex) {
  return Read(reader, FromHex(hex));
}

TEST(Listpack, HoldsWhatWasAppended) {
  std::vector<std::string> texts = {"", "a", "01", "-0", "9223372036854775808"};
  for (const int64_t limit : {int64_t{127}, int64_t{4095}, int64_t{32767}, int64_t{8388607},
                              int64_t{2147483647}, INT64_MAX - 1}) {
    for (const int64_t value :
         {limit, limit + 1, -limit - 1, -limit - 2 + (limit > 1e18 ? 1 : 0)}) {
      texts.push_back(std::to_string(value));
    }
  }
  for (const size_t size : {63, 64, 126, 127, 4095, 4096, 16377, 16378, 16379, 2097145, 2097151}) {
    texts.push_back(std::string(size, 'x'));
  }
  ListpackWriter writer;
  for (const auto& text : texts) writer.Append(text);
  EXPECT_EQ(writer.count(), texts.size());
  const size_t size = writer.size();
  const std::string bytes = writer.Finish();
  EXPECT_EQ(bytes.size(), size);
  std::vector<PackedElement> elements;
  ASSERT_TRUE(ReadListpack(bytes, &elements));
  ASSERT_EQ(elements.size(), texts.size());
  for (size_t i = 0; i < texts.size(); ++i) EXPECT_TRUE(elements[i].ToString() == texts[i]) << i;
}

// Redis takes three bytes for a size behind of 16383, which two could hold.
TEST(Listpack, SizesBehindAreInRedisForm) {
  for (const auto& [text_size, size_behind] : {std::pair<size_t, size_t>{16377, 2}, {16378, 3}}) {
    ListpackWriter writer;
    writer.Append(std::string(text_size, 'x'));
    EXPECT_EQ(writer.Finish().size(), 6 + 5 + text_size + size_behind + 1);
  }
}

TEST(Listpack, MayLeaveItsCountUnknown) {
  EXPECT_EQ(ReadHex(ReadListpack, "0d000000 0200 8161 02 8162 02 ff"), "a b");
  EXPECT_EQ(ReadHex(ReadListpack, "0d000000 ffff 8161 02 8162 02 ff"), "a b");
  ListpackWriter writer;
  for (int i = 0; i < 70000; ++i) writer.AppendInteger(1);
  const std::string bytes = writer.Finish();
  EXPECT_EQ(ToHex(bytes.substr(4, 2)), "ffff");
  std::vector<PackedElement> elements;
  EXPECT_TRUE(ReadListpack(bytes, &elements));
  EXPECT_EQ(elements.size(), 70000u);
}

TEST(Listpack, IsCheckedToTheByte) {
  for (const char* hex : {
           "",
           "06000000 0000",                     // no end
           "08000000 0000 ff 00",               // bytes behind the end
           "0e000000 0200 8161 02 8162 02 ff",  // another size
           "0d000000 0300 8161 02 8162 02 ff",  // another count
           "0d000000 0200 8161 02 8162 02 fe",  // another end
           "0d000000 0200 8161 03 8162 02 ff",  // another size behind
           "0d000000 0100 8461 02 8162 02 ff",  // a text over the end
           "0b000000 0100 8161 80 82 ff",       // a size behind in too many bytes
           "0a000000 0100 f1 00 02 ff",         // an integer cut short
           "09000000 0100 f5 01 ff",            // an unknown encoding
           "09000000 0100 e0 01 ff",            // a head cut short
           "09000000 0100 f0 01 ff",            // the same of the longest
           "0c000000 0100 f0 ffffffff ff",      // a text of 4 GiB
       }) {
    EXPECT_EQ(ReadHex(ReadListpack, hex), "damaged") << hex;
  }
  EXPECT_EQ(ReadHex(ReadListpack, "07000000 0000 ff"), "");
}

// Built by hand; the same bytes are taken by redis-server 7.0.15 (RESTORE as type 10).
TEST(Ziplist, HoldsTextsAndIntegersOfEveryForm) {
  EXPECT_EQ(ReadHex(ReadZiplist,
                    "24000000 1d000000 0700 00 0161 03 f1 02 fd 02 fe80 03 c0e803 04 f0000080"
                    "05 d000000080 ff"),
            "a 0 12 -128 1000 -8388608 -2147483648");
  EXPECT_EQ(ReadHex(ReadZiplist,
                    "23000000 18000000 0300 00 4003616263 06 80000000026465"
                    "08 e00000000000000080 ff"),
            "abc de -9223372036854775808");
  const std::string big = FromHex("00 4100") + std::string(256, 'z');
  EXPECT_EQ(
      Read(ReadZiplist, FromHex("15010000 0d010000 0200") + big + FromHex("fe03010000 0171 ff")),
      "256 q");
  EXPECT_EQ(ReadHex(ReadZiplist, "0b000000 0a000000 0000 ff"), "");
}

TEST(Ziplist, MayNameASmallSizeBeforeInTheLongForm) {
  EXPECT_EQ(ReadHex(ReadZiplist, "15000000 0d000000 0200 00 0161 fe03000000 0162 ff"), "a b");
}

TEST(Ziplist, IsCheckedToTheByte) {
  EXPECT_EQ(ReadHex(ReadZiplist, "11000000 0d000000 0200 00 0161 03 0162 ff"), "a b");
  EXPECT_EQ(ReadHex(ReadZiplist, "11000000 0d000000 ffff 00 0161 03 0162 ff"), "a b");
  for (const char* hex : {
           "",
           "0a000000 0a000000 0000",                     // no end
           "12000000 0d000000 0200 00 0161 03 0162 ff",  // another size
           "11000000 0a000000 0200 00 0161 03 0162 ff",  // another last element
           "11000000 0d000000 0300 00 0161 03 0162 ff",  // another count
           "11000000 0d000000 0200 00 0161 02 0162 ff",  // another size before
           "11000000 0d000000 0200 01 0161 03 0162 ff",  // a size before the first
           "11000000 0d000000 0200 00 0161 03 0262 ff",  // a text over the end
           "11000000 0d000000 0200 00 0161 ff 0162 ff",  // the end amid elements
           "0d000000 0a000000 0100 00 ff ff",            // an unknown encoding
           "0c000000 0a000000 0100 00 ff",               // no encoding
           "0e000000 0a000000 0100 00 c000 ff",          // an integer cut short
           "11000000 0a000000 0100 00 80ffffffff ff",    // a text of 4 GiB
       }) {
    EXPECT_EQ(ReadHex(ReadZiplist, hex), "damaged") << hex;
  }
}

std::string ReadIntsetHex(std::string_view hex) {
  std::vector<int64_t> members;
  if (!ReadIntset(FromHex(hex), &members)) return "damaged";
  std::string text;
  for (const int64_t member : members) text += std::to_string(member) + " ";
  return text;
}

TEST(Intset, IsAscendingIntegersOfOneWidth) {
  EXPECT_EQ(ReadIntsetHex("02000000 02000000 feff 0100"), "-2 1 ");
  EXPECT_EQ(ReadIntsetHex("04000000 01000000 00000080"), "-2147483648 ");
  EXPECT_EQ(ReadIntsetHex("02000000 00000000"), "");
  for (const char* hex : {"", "02000000 000000", "02000000 02000000 0100",  // a member too few
                          "02000000 01000000 0100 0200",                    // a member too many
                          "02000000 02000000 0100 0100",                    // twice the same
                          "02000000 02000000 0100 feff",                    // descending
                          "03000000 01000000 010000", "00000000 00000000",  // unknown widths
                          "08000000 00000020", "08000000 ffffffff 00"}) {   // announced too many
    EXPECT_EQ(ReadIntsetHex(hex), "damaged") << hex;
  }
}

TEST(Intset, IsAsNarrowAsItsMembersAllow) {
  EXPECT_EQ(ToHex(MakeIntset({-32768, 32767})),
            "0200000002000000"
            "0080"
            "ff7f");
  EXPECT_EQ(ToHex(MakeIntset({-32769, 1})),
            "0400000002000000"
            "ff7fffff"
            "01000000");
  EXPECT_EQ(ToHex(MakeIntset({2147483648})),
            "0800000001000000"
            "0000008000000000");
}

std::string ReadZipmapHex(std::string_view hex) {
  const std::string bytes = FromHex(hex);
  std::vector<std::pair<std::string_view, std::string_view>> fields;
  if (!ReadZipmap(bytes, &fields)) return "damaged";
  std::string text;
  for (const auto& [field, value] : fields) {
    text += std::string(field) + "=" + std::string(value) + " ";
  }
  return text;
}

// Built by hand; the first is taken by redis-server 7.0.15 (RESTORE as type 9).
TEST(Zipmap, HasUnusedBytesBehindValues) {
  EXPECT_EQ(ReadZipmapHex("02 01 66 01 02 76 7878 02 6767 00 00 ff"), "f=v gg= ");
  EXPECT_EQ(ReadZipmapHex("fe 01 66 fe01000000 00 76 ff"), "f=v ");
  EXPECT_EQ(ReadZipmapHex("00 ff"), "");
}

TEST(Zipmap, IsCheckedToTheByte) {
  for (const char* hex : {"", "00", "00 00",                      // no end
                          "02 01 66 01 00 76 ff",                 // another count
                          "01 01 66 ff",                          // no value
                          "01 01 66 01 ff",                       // no count of unused bytes
                          "01 01 66 01 03 76 7878 ff",            // unused bytes over the end
                          "01 01 66 ff 00 76 ff",                 // the end amid fields
                          "01 fe ffffffff 66 ff", "01 fe 01 ff",  // sizes over the end
                          "01 01 66 01 00 76 ff 00"}) {           // bytes behind the end
    EXPECT_EQ(ReadZipmapHex(hex), "damaged") << hex;
  }
}

}  // namespace
}  // namespace hearth::rdb
