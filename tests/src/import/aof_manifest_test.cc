#include "src/import/aof_manifest.h"

#include <gtest/gtest.h>

namespace hearth {
namespace {

// The files in their order, or the error.
std::string Files(std::string_view text) {
  AofManifest manifest;
  if (std::string error = manifest.Parse(text); !error.empty()) return error;
  std::string files;
  for (const std::string& file : manifest.files) files += file + ";";
  return files;
}

TEST(AofManifestTest, TheBaseComesFirstAndHistoryIsLeftOut) {
  EXPECT_EQ(Files("# a comment\n"
                  "file appendonly.aof.1.incr.aof seq 1 type h\n"
                  "file appendonly.aof.2.incr.aof seq 2 type i\r\n"
                  "file appendonly.aof.2.base.rdb seq 2 type b\n"
                  "type i startoffset 7 seq 3 file \"a \\x41.aof\""),
            "appendonly.aof.2.base.rdb;appendonly.aof.2.incr.aof;a A.aof;");
  EXPECT_EQ(Files("file a seq 1 type i\n"), "a;");
  EXPECT_EQ(Files("file a seq 1 type h\n"), "");
}

TEST(AofManifestTest, WhatIsNoneNamesItsLine) {
  const std::string format = ": Invalid AOF manifest file format";
  EXPECT_EQ(Files(""), "Found an empty AOF manifest");
  for (const char* line :
       {"", "file a seq 1", "file a seq 1 type", "file a seq x type i", "file a seq 0 type i",
        "seq 1 type i", "file '' seq 1 type i", "file a seq 1 type ''", "file 'a seq 1 type i"}) {
    EXPECT_EQ(Files("#\n" + std::string(line) + "\n"),
              "line 2, '" + std::string(line) + "'" + format);
  }
  EXPECT_EQ(Files("file ../a seq 1 type i"),
            "line 1, 'file ../a seq 1 type i': File can't be a path, just a filename");
  EXPECT_EQ(Files("file a seq 1 type x"), "line 1, 'file a seq 1 type x': Unknown AOF file type");
  EXPECT_EQ(Files("file a seq 1 type b\nfile b seq 2 type b"),
            "line 2, 'file b seq 2 type b': Found duplicate base file information");
  EXPECT_EQ(Files("file a seq 2 type i\nfile b seq 2 type i"),
            "line 2, 'file b seq 2 type i': Found a non-monotonic sequence number");
  EXPECT_TRUE(Files(std::string(1025, 'x')).ends_with("contains too long line"));
}

}  // namespace
}  // namespace hearth
