// Users in files: the ACL file, `user` lines, requirepass, and renamed commands.
#include <fstream>
#include <sstream>

#include "tests/src/server_fixture.h"

namespace hearth {
namespace {

class AclFileTest : public ServerFixture {
 protected:
  void SetUp() override {}

  std::string Path(const std::string& name) { return folder_.path() + "/" + name; }
  std::string Write(const std::string& name, const std::string& text) {
    std::ofstream(Path(name)) << text;
    return Path(name);
  }
  std::string Read(const std::string& name) {
    std::ostringstream text;
    text << std::ifstream(Path(name)).rdbuf();
    return text.str();
  }
  std::string Refusal(const std::vector<std::string>& directives) {
    const std::string error = TryStart(directives);
    server_.reset();
    return error;
  }
  static bool Has(const std::string& text, const std::string& part) {
    return text.find(part) != std::string::npos;
  }
};

TEST_F(AclFileTest, FileIsReadAtStartAndOnLoad) {
  const std::string path = Write("users.acl", "user alice on nopass +ping\n");
  Start({"--aclfile", path, "--requirepass", "ignored"});
  EXPECT_EQ(RunText("ACL WHOAMI"), "default");
  TestClient client = Connect();
  EXPECT_EQ(client.Run("AUTH alice x"), "+OK\r\n");
  Write("users.acl", "user alice on nopass +ping +echo\nuser bob off\n");
  EXPECT_EQ(Run("ACL LOAD"), "+OK\r\n");
  EXPECT_EQ(client.Run("ECHO x"), WireBulk("x"));
  Write("users.acl", "user bob on\nbogus\n");
  EXPECT_EQ(Run("ACL LOAD"), "-ERR " + path +
                                 ":2 should start with user keyword followed by the username. "
                                 "WARNING: ACL errors detected, no "
                                 "change to the previously active ACL rules was performed\r\n");
  EXPECT_EQ(Run("ACL USERS"), WireArray({"alice", "bob", "default"}));
  Write("users.acl", "user bob on\n");
  EXPECT_EQ(Run("ACL LOAD"), "+OK\r\n");
  EXPECT_EQ(client.ReadToEnd(), "");
}

TEST_F(AclFileTest, SavedFileLoadsTheSameUsers) {
  const std::string path = Write("users.acl", "");
  Start({"--aclfile", path});
  Run("ACL SETUSER alice on >pw ~a* +get (+set ~b)");
  const std::string users = Run("ACL LIST");
  EXPECT_EQ(Run("ACL SAVE"), "+OK\r\n");
  EXPECT_TRUE(Has(Read("users.acl"), "user alice on sanitize-payload #"));
  EXPECT_EQ(Run("ACL LOAD"), "+OK\r\n");
  EXPECT_EQ(Run("ACL LIST"), users);
  Restart({"--aclfile", path});
  EXPECT_EQ(Run("ACL LIST"), users);
}

TEST_F(AclFileTest, FailedSaveLeavesTheOldFile) {
  std::filesystem::create_directories(Path("d"));
  const std::string path = Write("d/users.acl", "user alice on\n");
  Start({"--aclfile", path});
  std::filesystem::create_directories(path + ".rewrite");  // where the new file should be written
  EXPECT_EQ(Run("ACL SAVE"),
            "-ERR There was an error trying to save the ACLs. Please check the server logs for "
            "more information\r\n");
  EXPECT_EQ(Read("d/users.acl"), "user alice on\n");
}

// As for Redis, whose working directory is `dir`.
TEST_F(AclFileTest, RelativePathLiesInTheDataDirectory) {
  std::filesystem::create_directories(Path("data"));
  Write("data/users.acl", "user alice on\n");
  Start({"--aclfile", "users.acl"});
  EXPECT_EQ(Run("ACL USERS"), WireArray({"alice", "default"}));
}

TEST_F(AclFileTest, NoFileNoLoad) {
  Start();
  for (const char* line : {"ACL LOAD", "ACL SAVE"}) {
    EXPECT_TRUE(Has(Run(line), "-ERR This Redis instance is not configured to use an ACL file."));
  }
}

TEST_F(AclFileTest, StartIsRefusedByBrokenUsers) {
  EXPECT_EQ(Refusal({"--aclfile", "/nowhere/users.acl"}),
            "Aborting Redis startup because of ACL errors: Error loading ACLs, opening file "
            "'/nowhere/users.acl': No such file or directory");
  EXPECT_TRUE(Has(Refusal({"--aclfile", Write("bad.acl", "user alice bogus\n")}),
                  "bad.acl:1: Syntax error. WARNING: ACL errors detected"));
  const std::string conf = Write("a.conf", "# users\nuser alice on bogus\n");
  EXPECT_TRUE(Has(Refusal({conf}),
                  "at line 2\n>>> 'user alice on bogus'\nError in user "
                  "declaration 'bogus': Syntax error"));
  const std::string good = Write("b.conf", "user alice on\n");
  EXPECT_TRUE(Has(Refusal({good, "--aclfile", Write("users.acl", "")}),
                  "Configuring Redis with users defined in redis.conf and at the same setting an "
                  "ACL file path is invalid."));
}

TEST_F(AclFileTest, UserLinesAndTheirRewrite) {
  const std::string conf =
      Write("a.conf", "user alice on >pw ~\"a b\" +get\nport 0\nuser bob on (+get ~x)\n");
  EXPECT_TRUE(Has(Refusal({conf}), "Syntax error"));  // a pattern has no spaces
  Write("a.conf", "user alice on >pw '~a\"b' +get\nport 0\nuser bob on (+get ~x)\n");
  Start({conf});
  EXPECT_EQ(Run("ACL USERS"), WireArray({"alice", "bob", "default"}));
  Run("ACL SETUSER carol on nopass +@all");
  Run("ACL DELUSER bob");
  const std::string users = Run("ACL LIST");
  EXPECT_EQ(Run("CONFIG REWRITE"), "+OK\r\n");
  EXPECT_FALSE(Has(Read("a.conf"), "bob"));
  EXPECT_FALSE(Has(Read("a.conf"), ">pw"));
  Restart({conf});
  EXPECT_EQ(Run("ACL LIST"), users);
  EXPECT_EQ(Run("CONFIG SET user x"),
            "-ERR Unknown option or number of arguments for CONFIG SET - 'user'\r\n");
}

TEST_F(AclFileTest, RequirepassIsTheDefaultUsersPassword) {
  Start({"--requirepass", "secret"});
  EXPECT_EQ(Run("PING"), "-NOAUTH Authentication required.\r\n");
  EXPECT_EQ(Run("AUTH default secret"), "+OK\r\n");
  EXPECT_EQ(Run("CONFIG GET requirepass"), WireArray({"requirepass", "secret"}));
  Run("CONFIG SET requirepass other");
  TestClient client = Connect();
  EXPECT_EQ(client.Run("AUTH secret"),
            "-WRONGPASS invalid username-password pair or user is disabled.\r\n");
  EXPECT_EQ(client.Run("AUTH other"), "+OK\r\n");
}

TEST_F(AclFileTest, RenamedCommands) {
  const std::string conf =
      Write("a.conf",
            "rename-command FLUSHALL wipe\nrename-command config \"\"\nrename-command ACL acc\n");
  Start({conf});
  EXPECT_TRUE(Has(Run("FLUSHALL"), "-ERR unknown command 'FLUSHALL'"));
  EXPECT_EQ(Run("Wipe"), "+OK\r\n");
  EXPECT_TRUE(Has(Run("CONFIG GET port"), "-ERR unknown command 'CONFIG'"));
  EXPECT_EQ(RunText("acc whoami"), "default");
  // Rules know commands by their own names.
  EXPECT_EQ(Run("acc SETUSER alice on nopass +flushall +acl|whoami"), "+OK\r\n");
  EXPECT_EQ(Run("acc SETUSER alice +wipe"),
            "-ERR Error in ACL SETUSER modifier '+wipe': Unknown command or category name in "
            "ACL\r\n");
  EXPECT_EQ(Run("AUTH alice x"), "+OK\r\n");
  EXPECT_EQ(Run("wipe"), "+OK\r\n");
  EXPECT_EQ(Run("acc LIST"),
            "-NOPERM User alice has no permissions to run the 'acl|list' command\r\n");
}

// The error goes to the log.
TEST_F(AclFileTest, ARefusedLineDoesNotShowItsPassword) {
  for (const std::string line :
       {"user alice on >pa55 +nosuch", "user alice on (>pa55 ~a)", "user alice <pa55",
        "user alice #pa55", "user alice \">pa55 pa55\" +nosuch", "requirepass pa55 pa55",
        "masterauth pa55 pa55", "user alice on '>pa55 +nosuch", "\"requirepass\" pa55 pa55",
        "'masterauth' pa55 pa55", "\"requirepass pa55 pa55", "'user' alice on >pa55 +nosuch"}) {
    const std::string error = Refusal({Write("users.conf", line + "\n")});
    EXPECT_FALSE(Has(error, "pa55")) << error;
    EXPECT_TRUE(Has(error, "(redacted)")) << error;
  }
  EXPECT_FALSE(Has(Refusal({"--user", "alice", "on", ">pa55", "+nosuch"}), "pa55"));
  EXPECT_FALSE(Has(Refusal({"--aclfile", Write("a.acl", "user alice >pa55 +nosuch\n")}), "pa55"));
}

TEST_F(AclFileTest, WrongRenamesRefuseTheStart) {
  EXPECT_TRUE(Has(Refusal({Write("a.conf", "rename-command nosuch x\n")}),
                  "at line 1\n>>> 'rename-command nosuch x'\nNo such command in rename-command"));
  EXPECT_TRUE(Has(Refusal({Write("a.conf", "rename-command get SET\n")}),
                  "Target command name already exists"));
  EXPECT_TRUE(Has(Refusal({Write("a.conf", "rename-command get\n")}), "wrong number of arguments"));
}

}  // namespace
}  // namespace hearth
