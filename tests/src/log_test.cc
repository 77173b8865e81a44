#include "src/log.h"

#include <gtest/gtest.h>
#include <syslog.h>

#include <cstdarg>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>
#include <vector>

#include "tests/engine/engine_fixture.h"

namespace {

struct SystemLog {
  std::string opened_as;
  std::vector<std::string> lines;
};
SystemLog g_system_log;

}  // namespace

// In place of the C library's: what would go to the system's log.
extern "C" void openlog(const char* ident, int, int facility) {
  g_system_log.opened_as = std::string(ident) + " " + std::to_string(facility >> 3);
}
extern "C" void closelog() {
  g_system_log.opened_as += " closed";
}
extern "C" void syslog(int priority, const char* format, ...) {
  char text[1024];
  va_list arguments;
  va_start(arguments, format);
  std::vsnprintf(text, sizeof(text), format, arguments);
  va_end(arguments);
  g_system_log.lines.push_back(std::to_string(priority) + " " + text);
}

namespace hearth {
namespace {

std::string ContentsOf(const std::string& path) {
  std::ostringstream contents;
  contents << std::ifstream(path).rdbuf();
  return contents.str();
}

class LogTest : public testing::Test {
 protected:
  void TearDown() override { (void)SetUpLog(LogLevel::kNothing, ""); }

  TemporaryFolder folder_;
  const std::string file_ = folder_.path() + "/log";
};

TEST_F(LogTest, ALineSaysWhenAndHowBad) {
  ASSERT_EQ(SetUpLog(LogLevel::kNotice, file_), "");
  Log(LogLevel::kVerbose, "not shown");
  Log(LogLevel::kNotice, "for your notice");
  Log(LogLevel::kWarning, "a warning");
  const std::string contents = ContentsOf(file_);
  EXPECT_EQ(contents.find("not shown"), std::string::npos);
  EXPECT_NE(contents.find(" * for your notice\n"), std::string::npos) << contents;
  EXPECT_NE(contents.find(" # a warning\n"), std::string::npos) << contents;
}

TEST_F(LogTest, AFileThatCannotBeOpenedIsTold) {
  EXPECT_NE(SetUpLog(LogLevel::kNotice, folder_.path()), "");
}

TEST_F(LogTest, TheSystemsLogGetsTheLinesBesideTheFile) {
  const SyslogTarget target{"shop", "local3"};
  g_system_log = {};
  ASSERT_EQ(SetUpLog(LogLevel::kNotice, file_, &target), "");
  EXPECT_EQ(g_system_log.opened_as, "shop 19");
  Log(LogLevel::kVerbose, "not shown");
  Log(LogLevel::kNotice, "100% well");
  std::filesystem::rename(file_, file_ + ".1");
  ReopenLog();
  EXPECT_EQ(g_system_log.opened_as, "shop 19");
  Log(LogLevel::kWarning, "a warning");
  EXPECT_EQ(g_system_log.lines, (std::vector<std::string>{"6 100% well", "4 a warning"}));
  EXPECT_NE(ContentsOf(file_ + ".1").find("100% well"), std::string::npos);
  EXPECT_NE(ContentsOf(file_).find("a warning"), std::string::npos);
  ASSERT_EQ(SetUpLog(LogLevel::kNotice, file_), "");
  EXPECT_EQ(g_system_log.opened_as, "shop 19 closed");
}

}  // namespace
}  // namespace hearth
