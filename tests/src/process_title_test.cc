#include "src/process_title.h"

#include <gtest/gtest.h>

#include "src/config.h"

namespace hearth {
namespace {

std::string Formatted(const std::string& title_template, std::vector<std::string> directives = {},
                      int port = 7000) {
  Config config;
  std::vector<std::string> args = {"--proc-title-template", title_template};
  args.insert(args.end(), directives.begin(), directives.end());
  EXPECT_EQ(config.Load(args), "");
  return FormatProcessTitle(config, "./hearth", port).value_or("(invalid)");
}

TEST(ProcessTitleTest, NamesStandForWhatTheServerIs) {
  EXPECT_EQ(Formatted("{title} {listen-addr} {server-mode}"), "./hearth 127.0.0.1:7000");
  EXPECT_EQ(Formatted("shop {port} {tls-port} {unixsocket}!",
                      {"--tls-port", "7001", "--unixsocket", "/tmp/s"}),
            "shop 7000 7001 /tmp/s!");
  EXPECT_EQ(Formatted("{{port}} {config-file}"), "{port}");
}

TEST(ProcessTitleTest, TheFirstAddressIsShown) {
  EXPECT_EQ(Formatted("{listen-addr}", {"--bind", "* ::1"}), "*:7000");
  EXPECT_EQ(Formatted("{listen-addr}", {"--bind", "-::1"}), "[::1]:7000");
  EXPECT_EQ(Formatted("{listen-addr}", {"--tls-port", "7001"}, 0), "127.0.0.1:7001");
  EXPECT_EQ(Formatted("{listen-addr}", {"--unixsocket", "/tmp/s"}, 0), "/tmp/s");
}

TEST(ProcessTitleTest, WhatIsNoTemplateIsTold) {
  EXPECT_EQ(Formatted("{nothing}"), "(invalid)");
  EXPECT_EQ(Formatted("{title"), "(invalid)");
  EXPECT_EQ(Formatted("title}"), "(invalid)");
}

}  // namespace
}  // namespace hearth
