// CRC-32C against known values and against itself, and that RocksDB uses it.
#include "engine/crc32c.h"

#include <dlfcn.h>
#include <gtest/gtest.h>

#include <random>
#include <string>

namespace hearth {
namespace {

// Source: RFC 3720, B.4.
TEST(Crc32cTest, KnownValues) {
  for (const auto function : {Crc32c, Crc32cByTable}) {
    EXPECT_EQ(function(0, "123456789"), 0xe3069283u);
    EXPECT_EQ(function(0, std::string(32, '\0')), 0x8a9136aau);
    EXPECT_EQ(function(0, std::string(32, '\xff')), 0x62a8ab43u);
    EXPECT_EQ(function(0, ""), 0u);
  }
}

TEST(Crc32cTest, BothWaysAgreeAndMayBeContinued) {
  std::mt19937 random(1);
  std::string bytes(300, '\0');
  for (char& byte : bytes) byte = static_cast<char>(random());
  for (size_t size = 0; size <= bytes.size(); ++size) {
    const std::string_view whole(bytes.data(), size);
    const uint32_t expected = Crc32cByTable(0, whole);
    EXPECT_EQ(Crc32c(0, whole), expected);
    EXPECT_EQ(Crc32c(Crc32c(0, whole.substr(0, size / 3)), whole.substr(size / 3)), expected);
  }
}

// The dynamic linker finds the program's own definition before the library's.
TEST(Crc32cTest, RocksDbUsesIt) {
  Dl_info program, found;
  ASSERT_NE(dladdr(reinterpret_cast<void*>(&Crc32c), &program), 0);
  void* symbol = dlsym(RTLD_DEFAULT, "_ZN7rocksdb6crc32c6ExtendEjPKcm");
  ASSERT_NE(symbol, nullptr);
  ASSERT_NE(dladdr(symbol, &found), 0);
  EXPECT_EQ(found.dli_fbase, program.dli_fbase);
}

}  // namespace
}  // namespace hearth
