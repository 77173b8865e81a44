#include <gtest/gtest.h>

#include "tests/src/rdb/rdb_text.h"

namespace hearth {
namespace {

std::string Read(uint8_t type, std::string_view hex) {
  return ReadAndPrint(type, FromHex(hex));
}

bool IsError(const std::string& printed) {
  return printed.starts_with("error: ");
}

TEST(RdbReader, LengthsHaveFourForms) {
  EXPECT_EQ(Read(kRdbString, "01 61"), "a");
  EXPECT_EQ(Read(kRdbString, "4001 61"), "a");
  EXPECT_EQ(Read(kRdbString, "80 00000001 61"), "a");
  EXPECT_EQ(Read(kRdbString, "81 0000000000000001 61"), "a");
  EXPECT_EQ(Read(kRdbString, "82 01 61"), "error: a length has an unknown form");
  EXPECT_EQ(Read(kRdbString, "c4 01 61"), "error: a string has an unknown encoding");
  EXPECT_EQ(Read(kRdbList, "c0 01 61"), "error: a string's encoding stands where a length must be");
}

TEST(RdbReader, LeavesWhatFollowsTheValue) {
  EXPECT_EQ(Read(kRdbString, "01 61 0203"), "a and 0203");
  EXPECT_EQ(Read(kRdbSet, "01 01 61 ff"), "{a} and ff");
}

TEST(RdbReader, ACompressedStringHasTheSizeItAnnounces) {
  EXPECT_EQ(Read(kRdbString, "c3 05 06 00 61 60 00 00"),
            "error: a compressed string does not have "
            "the size it announces");
  EXPECT_EQ(Read(kRdbString, "c3 04 06 00 61 60 00"), "aaaaaa");
  EXPECT_EQ(Read(kRdbString, "c3 04 06 00 61 60 01"),
            "error: a compressed string refers to before its start");
  for (const char* hex : {"c3 04 07 00 61 60 00", "c3 04 05 00 61 60 00",  // other sizes
                          "c3 03 06 00 61 60",                             // a token cut short
                          "c3 01 20 1f", "c3 02 0a e0 ff",                 // the same
                          "c3 00 00", "c3 ff", "c3 04 06 00 61 60"}) {
    EXPECT_TRUE(IsError(Read(kRdbString, hex))) << hex;
  }
}

// A terabyte must not be allocated to find out that it is not there.
TEST(RdbReader, AnnouncedSizesAllocateNothing) {
  const std::string tera = "81 0000010000000000 ";
  for (const uint8_t type :
       {0, 1, 2, 3, 4, 5, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 24, 25}) {
    EXPECT_TRUE(IsError(Read(type, tera + "01"))) << int{type};
  }
  EXPECT_TRUE(IsError(Read(kRdbString, "c3 04 " + tera + "00 61 60 00")));
}

// A node names its fields once; a thousand copies of a big name would be made for each.
TEST(RdbReader, WhatExpandsBeyondAllBoundsIsRefused) {
  const std::string name(1 << 17, 'n');
  std::string entries;
  for (int i = 0; i < 1000; ++i)
    entries += FromHex("0201 0001") + FromHex("f1") + std::string{char(i), char(i >> 8)} +
               FromHex("03 0101 0401");
  std::string body = FromHex("f1 e803 03 0001 0101 f0 00000200") + name + FromHex("088085") +
                     FromHex("0001") + entries;
  std::string listpack;
  const auto size = static_cast<uint32_t>(body.size() + 7);
  listpack.append(reinterpret_cast<const char*>(&size), 4);
  listpack += FromHex("ffff") + body + FromHex("ff");
  std::string bytes = FromHex("01 10 00000000000000010000000000000001 80");
  for (int shift = 24; shift >= 0; shift -= 8) bytes.push_back(static_cast<char>(size >> shift));
  bytes += listpack + FromHex("43e8 01 4400 0101 0000 43e8 00");
  EXPECT_EQ(ReadAndPrint(kRdbStreamListpacks2, bytes),
            "error: the value expands beyond all bounds");
}

// Encodings that Redis 7.0 no longer writes; all but the last were taken by its RESTORE.
TEST(RdbReader, ReadsOldLists) {
  EXPECT_EQ(Read(kRdbList, "02 01 61 02 6263"), "[a, bc]");
  EXPECT_EQ(Read(kRdbListZiplist, "10 10000000 0d000000 0200 00 0161 03 f1 ff"), "[a, 0]");
  EXPECT_EQ(Read(kRdbListQuicklist,
                 "02 0e 0e000000 0a000000 0100 00 0161 ff "
                 "10 10000000 0c000000 0200 00 f5 02 0162 ff"),
            "[a, 4, b]");
}

TEST(RdbReader, ReadsOldSortedSets) {
  EXPECT_EQ(Read(kRdbSortedSet, "03 01 61 03 312e35 01 62 fe 01 63 ff"), "{a=1.5, b=inf, c=-inf}");
  EXPECT_EQ(
      Read(kRdbSortedSetZiplist, "18 18000000 12000000 0400 00 0161 03 f2 02 0162 03 03312e35 ff"),
      "{a=1, b=1.5}");
}

TEST(RdbReader, ReadsOldHashes) {
  EXPECT_EQ(Read(kRdbHashZipmap, "0e 02 01 66 01 02 76 7878 02 6767 00 00 ff"), "{f: v, gg: \"\"}");
  EXPECT_EQ(Read(kRdbHashZiplist, "16 16000000 13000000 0400 00 0166 03 0176 03 016e 03 f3 ff"),
            "{f: v, n: 2}");
}

// Of Redis 7.2.
TEST(RdbReader, ReadsPackedSets) {
  EXPECT_EQ(Read(kRdbSetListpack, "0c 0c000000 0200 8161 02 07 01 ff"), "{a, 7}");
}

// Of Redis 7.4 and its pre-releases.
TEST(RdbReader, ReadsHashesWithExpiry) {
  EXPECT_EQ(
      Read(kRdbHashMetadata, "e803000000000000 03 01 01 66 01 76 00 01 67 01 77 0b 01 68 01 78"),
      "{f: v @1000, g: w, h: x @1010}");
  EXPECT_EQ(Read(kRdbHashMetadataPreRelease, "02 43e8 01 66 01 76 00 01 67 01 77"),
            "{f: v @1000, g: w}");
  const std::string listpack = "18 18000000 0600 8166 02 8176 02 c3e8 02 8167 02 8177 02 00 01 ff";
  EXPECT_EQ(Read(kRdbHashListpackExPreRelease, listpack), "{f: v @1000, g: w}");
  EXPECT_EQ(Read(kRdbHashListpackEx, "e803000000000000" + listpack), "{f: v @1000, g: w}");
  EXPECT_TRUE(IsError(Read(kRdbHashMetadata, "ffffffffffffffff 01 01 01 66 01 76")));
  EXPECT_TRUE(IsError(Read(kRdbHashMetadata, "ffffffffffffff7f 01 02 01 66 01 76")));
}

TEST(RdbReader, ReadsHashesOfValkey) {
  EXPECT_EQ(Read(kRdbHashOfValkey, "02 01 66 01 76 e803000000000000 01 67 01 77 ffffffffffffffff"),
            "{f: v @1000, g: w}");
  EXPECT_TRUE(IsError(Read(kRdbHashOfValkey, "01 01 66 01 76 feffffffffffffff")));
  EXPECT_TRUE(IsError(Read(kRdbHashOfValkey, "01 01 66 01 76 ffffffff")));
  EXPECT_EQ(RdbTypeOf(22, kRdbVersionOfValkey), kRdbHashOfValkey);
  EXPECT_EQ(RdbTypeOf(22, 12), kRdbHashMetadataPreRelease);
  EXPECT_TRUE(IsError(Read(RdbTypeOf(kRdbHashOfValkey, kRdbVersionOfValkey), "00")));
}

TEST(RdbReader, RefusesWhatIsThereTwice) {
  EXPECT_EQ(Read(kRdbSet, "02 01 61 01 61"), "error: a set has a member twice");
  EXPECT_EQ(Read(kRdbSet, "02 c001 01 31"), "error: a set has a member twice");
  EXPECT_EQ(Read(kRdbSetListpack, "0d 0d000000 0200 8161 02 8161 02 ff"),
            "error: a set has a member twice");
  EXPECT_EQ(Read(kRdbSortedSet, "02 01 61 01 31 01 61 01 32"),
            "error: a sorted set has a member twice");
  EXPECT_EQ(Read(kRdbHash, "02 01 61 01 31 01 61 01 32"), "error: a hash has a field twice");
  EXPECT_EQ(Read(kRdbHashListpack, "11 11000000 0400 8161 02 01 01 8161 02 02 01 ff"),
            "error: a hash has a field twice");
}

TEST(RdbReader, RefusesScoresThatAreNoNumbers) {
  EXPECT_EQ(Read(kRdbSortedSet, "01 01 61 fd"), "error: a score is not a number");
  EXPECT_EQ(Read(kRdbSortedSet, "01 01 61 03 6e616e"), "error: a score is no number");
  EXPECT_EQ(Read(kRdbSortedSet, "01 01 61 02 3178"), "error: a score is no number");
  EXPECT_EQ(Read(kRdbSortedSet2, "01 01 61 000000000000f87f"), "error: a score is not a number");
  EXPECT_EQ(Read(kRdbSortedSetListpack, "0f 0f000000 0200 8161 02 836e616e 04 ff"),
            "error: a score is no number");
}

TEST(RdbReader, RefusesAPartOfAnItem) {
  EXPECT_TRUE(IsError(Read(kRdbHashListpack, "0a 0a000000 0100 8161 02 ff")));
  EXPECT_TRUE(IsError(Read(kRdbSortedSetListpack, "0a 0a000000 0100 8161 02 ff")));
  EXPECT_TRUE(IsError(Read(kRdbListQuicklist2, "01 03 01 61")));
}

TEST(RdbReader, TellsEmptyCollectionsFromDamage) {
  for (const auto& [type, hex] : std::vector<std::pair<uint8_t, std::string>>{
           {kRdbList, "00"},
           {kRdbSet, "00"},
           {kRdbSortedSet2, "00"},
           {kRdbHash, "00"},
           {kRdbListQuicklist2, "01 02 07 07000000 0000 ff"},
           {kRdbSetIntset, "08 02000000 00000000"},
           {kRdbHashListpack, "07 07000000 0000 ff"}}) {
    const std::string bytes = FromHex(hex);
    std::string_view rest = bytes;
    RdbValue value;
    EXPECT_TRUE(ReadRdbValue(type, &rest, &value).IsNotFound()) << int{type};
    EXPECT_TRUE(rest.empty()) << int{type};
  }
}

TEST(RdbReader, TellsModulesAndUnknownTypes) {
  EXPECT_EQ(Read(kRdbModule, "00"), "error: values of modules are not supported");
  EXPECT_EQ(Read(kRdbModule2, "00"), "error: values of modules are not supported");
  EXPECT_EQ(Read(8, "00"), "error: a value has the unknown type 8");
  EXPECT_EQ(Read(250, "00"), "error: a value has the unknown type 250");
}

}  // namespace
}  // namespace hearth
