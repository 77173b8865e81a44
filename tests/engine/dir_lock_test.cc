#include "engine/dir_lock.h"

#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "tests/engine/engine_fixture.h"

namespace hearth {
namespace {

TEST(DirLockTest, AFolderIsOnesAloneWhileItLives) {
  TemporaryFolder folder;
  const std::string refusal =
      "process " + std::to_string(getpid()) + " has " + folder.path() + " open";
  DirLock later;
  {
    DirLock first, second;
    EXPECT_TRUE(first.Take(folder.path()).ok());
    EXPECT_EQ(second.Take(folder.path()).message(), refusal);
    // What the file says is for people only.
    std::ofstream(folder.path() + "/hearth.lock").close();
    EXPECT_EQ(second.Take(folder.path()).message(),
              "another process has " + folder.path() + " open");
    TemporaryFolder other;
    EXPECT_TRUE(second.Take(other.path()).ok());
  }
  EXPECT_TRUE(later.Take(folder.path()).ok());
  DirLock nowhere;
  EXPECT_TRUE(nowhere.Take(folder.path() + "/none").ok()) << "who writes there tells";
}

}  // namespace
}  // namespace hearth
