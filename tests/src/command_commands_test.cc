// COMMAND over a socket.
#include "tests/src/server_fixture.h"

namespace hearth {
namespace {

using CommandCommands = ServerFixture;

std::string Lines(const std::string& wire) {
  std::string text = wire;
  for (size_t at; (at = text.find("\r\n")) != std::string::npos;) text.replace(at, 2, " ");
  return text;
}

TEST_F(CommandCommands, InfoDescribesARow) {
  EXPECT_EQ(Lines(Run("COMMAND INFO get")),
            "*1 *10 $3 get :2 *2 +readonly +fast :1 :1 :1 *3 +@read +@string +@fast *0 *1 *6 "
            "$5 flags *2 +RO +access $12 begin_search *4 $4 type $5 index $4 spec *2 $5 index :1 "
            "$9 find_keys *4 $4 type $5 range $4 spec *6 $7 lastkey :0 $7 keystep :1 $5 limit :0 "
            "*0 ");
  EXPECT_EQ(Run("COMMAND INFO nosuch"), "*1\r\n$-1\r\n");
}

TEST_F(CommandCommands, CountIsTheLengthOfTheList) {
  const std::string count = Run("COMMAND COUNT").substr(1);
  EXPECT_EQ(Run("COMMAND").substr(1, count.size()), count);
  EXPECT_EQ(Run("COMMAND INFO").substr(1, count.size()), count);
}

TEST_F(CommandCommands, ListFilters) {
  EXPECT_EQ(Run("COMMAND LIST FILTERBY PATTERN client|no-*"),
            WireArray({"client|no-evict", "client|no-touch"}));
  EXPECT_EQ(Run("COMMAND LIST FILTERBY ACLCAT nosuch"), "*0\r\n");
  EXPECT_EQ(Run("COMMAND LIST FILTERBY MODULE nosuch"), "*0\r\n");
  EXPECT_NE(Run("COMMAND LIST FILTERBY ACLCAT dangerous").find("flushall"), std::string::npos);
  EXPECT_NE(Run("COMMAND LIST").find("client|list"), std::string::npos);
  EXPECT_EQ(Run("COMMAND LIST FILTERBY foo bar"), "-ERR syntax error\r\n");
}

TEST_F(CommandCommands, DocsTellArgumentsAndHistory) {
  const std::string echo = Lines(Run("COMMAND DOCS echo nosuch"));
  EXPECT_EQ(echo,
            "*2 $4 echo *10 $7 summary $21 Echo the given string $5 since $5 1.0.0 $5 group $10 "
            "connection $10 complexity $4 O(1) $9 arguments *1 *4 $4 name $7 message $4 type $6 "
            "string ");
  const std::string substr = Lines(Run("COMMAND DOCS substr"));
  EXPECT_NE(substr.find("doc_flags *1 +deprecated $16 deprecated_since $5 2.0.0"),
            std::string::npos)
      << substr;
  EXPECT_NE(Run("COMMAND DOCS auth").find("history"), std::string::npos);
  EXPECT_NE(Run("COMMAND DOCS config").find("config|rewrite"), std::string::npos);
}

TEST_F(CommandCommands, GetKeysFindsThem) {
  EXPECT_EQ(Run("COMMAND GETKEYS MSET a 1 b 2"), WireArray({"a", "b"}));
  EXPECT_EQ(Run("COMMAND GETKEYSANDFLAGS GET a"),
            "*1\r\n*2\r\n$1\r\na\r\n*2\r\n+RO\r\n+access\r\n");
  EXPECT_EQ(Run("COMMAND GETKEYS PING x"), "-ERR The command has no key arguments\r\n");
  EXPECT_EQ(Run("COMMAND GETKEYS SPUBLISH a b"), "-ERR The command has no key arguments\r\n");
  EXPECT_EQ(Run("COMMAND GETKEYS nosuch x"), "-ERR Invalid command specified\r\n");
  EXPECT_EQ(Run("COMMAND GETKEYS GET a b"),
            "-ERR Invalid number of arguments specified for command\r\n");
}

TEST_F(CommandCommands, HelpNamesEverySubcommand) {
  for (const char* name :
       {"CLIENT", "COMMAND", "CONFIG", "DEBUG", "LATENCY", "MEMORY", "OBJECT", "SLOWLOG"}) {
    const std::string help = Run(std::string(name) + " HELP");
    EXPECT_NE(help.find("+" + std::string(name) +
                        " <subcommand> [<arg> [value] [opt] ...]. Subcommands are:\r\n"),
              std::string::npos)
        << help;
    EXPECT_TRUE(help.ends_with("+HELP\r\n+    Prints this help.\r\n")) << help;
  }
}

}  // namespace
}  // namespace hearth
