#include "src/import/redis_files.h"

#include <filesystem>
#include <fstream>

#include "tests/engine/engine_fixture.h"

namespace hearth {
namespace {

class RedisFilesTest : public testing::Test {
 protected:
  void SetUp() override { std::filesystem::create_directories(folder_.path() + "/aofs"); }
  void Write(const std::string& name, const std::string& contents) {
    std::ofstream(folder_.path() + "/" + name) << contents;
  }
  // "name: files", without the folder; or the error.
  std::string Find(std::optional<bool> appendonly = {}) {
    const std::string dir = folder_.path();
    RedisFiles found;
    std::string text = FindRedisFiles({dir, "dump.rdb", "aofs", "a.aof", appendonly}, &found);
    if (text.empty()) {
      text = found.name;
      for (const auto& file : found.files) {
        text += " " + file.path + "=" + std::to_string(file.size_bytes);
      }
      if (found.is_aof) text += " AOF";
    }
    for (size_t at; (at = text.find(dir + "/")) != std::string::npos;) {
      text.erase(at, dir.size() + 1);
    }
    return text;
  }

  TemporaryFolder folder_;
};

TEST_F(RedisFilesTest, WhatIsThereIsTaken) {
  EXPECT_EQ(Find(), "");
  Write("dump.rdb", "123");
  EXPECT_EQ(Find(), "dump.rdb dump.rdb=3");
  EXPECT_EQ(Find(true), "dump.rdb dump.rdb=3");
  std::filesystem::remove(folder_.path() + "/dump.rdb");
  Write("a.aof", "12");
  EXPECT_EQ(Find(), "a.aof a.aof=2 AOF");
  EXPECT_EQ(Find(false), "a.aof a.aof=2 AOF");
  Write("aofs/a.aof.manifest", "file b seq 1 type b\nfile i seq 1 type i\n");
  Write("aofs/b", "1234");
  Write("aofs/i", "");
  EXPECT_EQ(Find(), "aofs/a.aof.manifest aofs/b=4 aofs/i=0 AOF");
}

TEST_F(RedisFilesTest, OfTwoTheConfigurationDecides) {
  Write("dump.rdb", "123");
  Write("a.aof", "12");
  EXPECT_EQ(Find(true), "a.aof a.aof=2 AOF");
  EXPECT_EQ(Find(false), "dump.rdb dump.rdb=3");
  EXPECT_EQ(Find(),
            "A Redis left a.aof and dump.rdb: say 'appendonly yes' to take over the first, "
            "'appendonly no' the second");
}

TEST_F(RedisFilesTest, WhatIsIncompleteIsRefused) {
  Write("aofs/a.aof.1.base.aof", "12");
  EXPECT_EQ(Find(), "There is aofs/a.aof.1.base.aof, but no aofs/a.aof.manifest");
  Write("aofs/a.aof.manifest", "file b seq 1 type b\n");
  EXPECT_EQ(Find(),
            "The file aofs/b can't be read: No such file or directory (it stands in "
            "aofs/a.aof.manifest)");
  Write("aofs/a.aof.manifest", "file b\n");
  EXPECT_EQ(Find(),
            "The AOF manifest aofs/a.aof.manifest: line 1, 'file b': Invalid AOF manifest file "
            "format");
}

// Whatever stands where the data may be is looked into, or is an error.
TEST_F(RedisFilesTest, WhatIsNoFileIsNotPassedOver) {
  RedisFiles found;
  const std::string dir = folder_.path() + "/odd";
  std::filesystem::create_directories(dir + "/dump.rdb");
  EXPECT_EQ(FindRedisFiles({dir, "dump.rdb", "aofs", "a.aof", {}}, &found),
            dir + "/dump.rdb is no file");
  std::ofstream(dir + "/aofs").close();
  EXPECT_EQ(FindRedisFiles({dir, "", "aofs", "a.aof", {}}, &found), dir + "/aofs is no folder");
  std::filesystem::remove(dir + "/aofs");
  std::filesystem::create_symlink("gone", dir + "/aofs");
  EXPECT_EQ(FindRedisFiles({dir, "", "aofs", "a.aof", {}}, &found),
            dir + "/aofs is a link to what is not there");
  std::filesystem::remove(dir + "/aofs");
  std::filesystem::create_directories(dir + "/aofs/a.aof.manifest");
  EXPECT_EQ(FindRedisFiles({dir, "", "aofs", "a.aof", {}}, &found),
            dir + "/aofs/a.aof.manifest is no file");
}

TEST_F(RedisFilesTest, NamesAreNoPaths) {
  RedisFiles found;
  EXPECT_EQ(FindRedisFiles({folder_.path(), "x/dump.rdb", "aofs", "a.aof", {}}, &found),
            "'x/dump.rdb' can't be a path, just a filename");
  EXPECT_EQ(FindRedisFiles({folder_.path(), "", "", "a.aof", {}}, &found),
            "appenddirname can't be empty");
  EXPECT_EQ(FindRedisFiles({folder_.path(), "", "aofs", "", {}}, &found),
            "appendfilename can't be empty");
  EXPECT_EQ(FindRedisFiles({folder_.path(), "", "aofs", "a.aof", {}}, &found), "");
}

}  // namespace
}  // namespace hearth
