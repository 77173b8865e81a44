#include "engine/watermark.h"

#include <fstream>

#include "tests/engine/engine_fixture.h"

namespace hearth {
namespace {

TEST(WatermarkTest, IsReadAsItWasWritten) {
  TemporaryFolder folder;
  rocksdb::FileSystem* file_system = rocksdb::FileSystem::Default().get();
  Watermark mark;
  EXPECT_TRUE(ReadWatermark(file_system, folder.path(), &mark).IsNotFound());
  ASSERT_TRUE(WriteWatermark(file_system, folder.path(), {42, true, "boot"}).ok());
  ASSERT_TRUE(ReadWatermark(file_system, folder.path(), &mark).ok());
  EXPECT_EQ(mark.synced_seq, 42u);
  EXPECT_TRUE(mark.clean);
  EXPECT_EQ(mark.boot_id, "boot");
}

TEST(WatermarkTest, ACutFileIsCorruption) {
  TemporaryFolder folder;
  rocksdb::FileSystem* file_system = rocksdb::FileSystem::Default().get();
  ASSERT_TRUE(WriteWatermark(file_system, folder.path(), {42, true, "boot"}).ok());
  const std::string path = folder.path() + "/" + kWatermarkName;
  for (size_t size = std::filesystem::file_size(path) - 4; size > 0; size -= 3) {
    std::filesystem::resize_file(path, size);
    Watermark mark;
    EXPECT_TRUE(ReadWatermark(file_system, folder.path(), &mark).IsCorruption()) << size;
    if (size < 4) break;
  }
}

}  // namespace
}  // namespace hearth
