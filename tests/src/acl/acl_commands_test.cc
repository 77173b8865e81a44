// ACL's subcommands over a socket, and what changed users mean to their clients.
#include <thread>

#include "tests/src/server_fixture.h"

namespace hearth {
namespace {

class AclCommandsTest : public ServerFixture {
 protected:
  void WaitUntilClosed(TestClient& client) { EXPECT_EQ(client.ReadToEnd(), ""); }
  // A field of the latest entry of ACL LOG, as wire text.
  std::string LogField(const std::string& name) {
    const std::string reply = Run("ACL LOG 1");
    const std::string key = WireBulk(name);
    const size_t at = reply.find(key);
    if (at == std::string::npos) return "(none)";
    const size_t start = at + key.size();
    if (reply[start] == ':') return reply.substr(start, reply.find('\n', start) + 1 - start);
    const size_t text = reply.find('\n', start) + 1;
    return reply.substr(text, reply.find("\r\n", text) - text);
  }
};

TEST_F(AclCommandsTest, GetUserShowsEverything) {
  EXPECT_EQ(Run("ACL GETUSER alice"), "$-1\r\n");
  EXPECT_EQ(Run("ACL SETUSER alice on nopass %R~a* ~b &ch +get (+set ~c)"), "+OK\r\n");
  EXPECT_EQ(Run("ACL GETUSER alice"),
            "*12\r\n" + WireBulk("flags") + WireArray({"on", "nopass", "sanitize-payload"}) +
                WireBulk("passwords") + "*0\r\n" + WireBulk("commands") + WireBulk("-@all +get") +
                WireBulk("keys") + WireBulk("%R~a* ~b") + WireBulk("channels") + WireBulk("&ch") +
                WireBulk("selectors") + "*1\r\n" +
                WireArray({"commands", "-@all +set", "keys", "~c", "channels", ""}));
  EXPECT_EQ(Run("ACL USERS"), WireArray({"alice", "default"}));
  EXPECT_EQ(
      Run("ACL LIST"),
      WireArray({"user alice on nopass sanitize-payload %R~a* ~b resetchannels &ch -@all +get "
                 "(~c resetchannels -@all +set)",
                 "user default on nopass sanitize-payload ~* &* +@all"}));
}

TEST_F(AclCommandsTest, ErrorsInRedisWords) {
  EXPECT_EQ(Run("ACL SETUSER 'a b'"), "-ERR Usernames can't contain spaces or null characters\r\n");
  EXPECT_EQ(Run("ACL SETUSER alice bogus"),
            "-ERR Error in ACL SETUSER modifier 'bogus': Syntax error\r\n");
  EXPECT_EQ(Run("ACL DELUSER default"), "-ERR The 'default' user cannot be removed\r\n");
  EXPECT_EQ(Run("ACL DELUSER nobody"), ":0\r\n");
  EXPECT_EQ(Run("ACL CAT nosuch"), "-ERR Unknown category 'nosuch'\r\n");
  EXPECT_EQ(Run("ACL GENPASS 0"),
            "-ERR ACL GENPASS argument must be the number of bits for the output password, a "
            "positive number up to 4096\r\n");
  EXPECT_EQ(Run("ACL DRYRUN nobody get x"), "-ERR User 'nobody' not found\r\n");
  EXPECT_EQ(Run("ACL DRYRUN default nosuch"), "-ERR Command 'nosuch' not found\r\n");
  EXPECT_EQ(Run("ACL DRYRUN default get"), "-ERR wrong number of arguments for 'get' command\r\n");
  EXPECT_EQ(Run("ACL LOG 1 2"),
            "-ERR unknown subcommand or wrong number of arguments for 'LOG'. Try ACL HELP.\r\n");
  EXPECT_EQ(Run("ACL LOG x"), "-ERR value is not an integer or out of range\r\n");
}

TEST_F(AclCommandsTest, WhatIsRefusedIsTheClientsLastCommand) {
  Run("ACL SETUSER alice on nopass +ping");
  TestClient alice = Connect();
  EXPECT_EQ(alice.Run("AUTH alice x"), "+OK\r\n");
  EXPECT_TRUE(alice.Run("GET k").starts_with("-NOPERM "));
  EXPECT_NE(LogField("client-info").find(" cmd=get "), std::string::npos)
      << LogField("client-info");
}

TEST_F(AclCommandsTest, GenPassHasTheBitsAskedFor) {
  EXPECT_EQ(RunText("ACL GENPASS").size(), 64u);
  EXPECT_EQ(RunText("ACL GENPASS 5").size(), 2u);
  EXPECT_NE(RunText("ACL GENPASS"), RunText("ACL GENPASS"));
}

TEST_F(AclCommandsTest, DryRunNamesWhatIsRefused) {
  Run("ACL SETUSER alice +get +publish ~a");
  EXPECT_EQ(Run("ACL DRYRUN alice get a"), "+OK\r\n");
  EXPECT_EQ(RunText("ACL DRYRUN alice get b"),
            "User alice has no permissions to access the 'b' key");
  EXPECT_EQ(RunText("ACL DRYRUN alice publish c m"),
            "User alice has no permissions to access the 'c' channel");
  EXPECT_EQ(RunText("ACL DRYRUN alice config get x"),
            "User alice has no permissions to run the 'config|get' command");
}

TEST_F(AclCommandsTest, AuthAndHelloBecomeUsers) {
  Run("ACL SETUSER alice on >pw +@all ~* &*");
  TestClient client = Connect();
  const std::string wrong = "-WRONGPASS invalid username-password pair or user is disabled.\r\n";
  EXPECT_EQ(client.Run("AUTH alice nope"), wrong);
  EXPECT_EQ(client.Run("AUTH nobody pw"), wrong);
  EXPECT_EQ(client.Run("AUTH pw"),
            "-ERR AUTH <password> called without any password configured for the default user. Are "
            "you sure your configuration is correct?\r\n");
  EXPECT_EQ(client.Run("AUTH alice pw"), "+OK\r\n");
  EXPECT_EQ(client.RunText("ACL WHOAMI"), "alice");
  EXPECT_NE(Run("CLIENT LIST").find(" user=alice "), std::string::npos);
  EXPECT_EQ(client.Run("RESET"), "+RESET\r\n");
  EXPECT_EQ(client.RunText("ACL WHOAMI"), "default");
  EXPECT_EQ(client.Run("HELLO 2 AUTH alice x"), wrong);
  client.Run("HELLO 2 AUTH alice pw");
  EXPECT_EQ(client.RunText("ACL WHOAMI"), "alice");
  Run("ACL SETUSER alice off");
  EXPECT_EQ(client.Run("PING"), "+PONG\r\n");  // only new logins are refused
  EXPECT_EQ(client.Run("AUTH alice pw"), wrong);
  EXPECT_EQ(InfoField("stats", "acl_access_denied_auth"), "4");
}

TEST_F(AclCommandsTest, ClientKillUser) {
  Run("ACL SETUSER alice on nopass +@all");
  EXPECT_EQ(Run("CLIENT KILL USER nobody"), "-ERR No such user 'nobody'\r\n");
  TestClient client = Connect();
  client.Run("AUTH alice x");
  EXPECT_EQ(Run("CLIENT KILL USER alice"), ":1\r\n");
  WaitUntilClosed(client);
}

TEST_F(AclCommandsTest, DeletedUsersAreDisconnected) {
  Run("ACL SETUSER alice on nopass +@all ~* &*");
  TestClient first = Connect(), second = Connect(), other = Connect();
  first.Run("AUTH alice x");
  second.Run("AUTH alice x");
  EXPECT_EQ(Run("ACL DELUSER alice nobody"), ":1\r\n");
  WaitUntilClosed(first);
  WaitUntilClosed(second);
  EXPECT_EQ(other.Run("PING"), "+PONG\r\n");
}

TEST_F(AclCommandsTest, UserThatDeletesItselfGetsItsReply) {
  Run("ACL SETUSER alice on nopass +@all ~* &*");
  TestClient client = Connect();
  client.Run("AUTH alice x");
  client.Send("ACL DELUSER alice");
  EXPECT_EQ(client.ReadToEnd(), ":1\r\n");
}

TEST_F(AclCommandsTest, ListenersToForbiddenChannelsAreDisconnected) {
  Run("ACL SETUSER alice on nopass +@all &a &b* &c");
  const auto listen = [&](TestClient& client, const std::string& line) {
    client.Run("AUTH alice x");
    EXPECT_NE(client.Run(line), "");
  };
  TestClient a = Connect(), pattern = Connect(), shard = Connect(), idle = Connect();
  listen(a, "SUBSCRIBE a");
  listen(pattern, "PSUBSCRIBE b*");
  listen(shard, "SSUBSCRIBE c");
  idle.Run("AUTH alice x");
  EXPECT_EQ(Run("ACL SETUSER alice &d"), "+OK\r\n");
  EXPECT_EQ(Run("ACL SETUSER alice resetchannels &a"), "+OK\r\n");
  WaitUntilClosed(pattern);
  WaitUntilClosed(shard);
  EXPECT_EQ(Run("PUBLISH a m"), ":1\r\n");
  EXPECT_EQ(a.ReadReply(), WireArray({"message", "a", "m"}));
  EXPECT_EQ(idle.Run("PING"), "+PONG\r\n");
}

TEST_F(AclCommandsTest, LogGroupsAndNamesRefusals) {
  Run("ACL SETUSER alice on nopass +get +multi +exec +publish ~a");
  TestClient client = Connect();
  client.Run("AUTH alice x");
  client.Run("GET b");
  client.Run("GET b");
  EXPECT_EQ(LogField("count"), ":2\r\n");
  EXPECT_EQ(LogField("reason"), "key");
  EXPECT_EQ(LogField("context"), "toplevel");
  EXPECT_EQ(LogField("object"), "b");
  EXPECT_EQ(LogField("username"), "alice");
  EXPECT_NE(LogField("client-info").find("user=alice"), std::string::npos);
  EXPECT_EQ(LogField("entry-id"), ":0\r\n");
  client.Run("CONFIG GET x");
  EXPECT_EQ(LogField("reason"), "command");
  EXPECT_EQ(LogField("object"), "config|get");
  client.Run("PUBLISH ch m");
  EXPECT_EQ(LogField("reason"), "channel");
  EXPECT_EQ(LogField("object"), "ch");
  client.Run("MULTI");
  client.Run("SET a 1");
  EXPECT_EQ(LogField("context"), "multi");
  Run("ACL SETUSER alice +discard");
  client.Run("DISCARD");
  client.Run("AUTH bob x");
  EXPECT_EQ(LogField("reason"), "auth");
  EXPECT_EQ(LogField("object"), "AUTH");
  EXPECT_EQ(LogField("username"), "bob");
  EXPECT_EQ(InfoField("stats", "acl_access_denied_key"), "2");
  EXPECT_EQ(InfoField("stats", "acl_access_denied_cmd"), "2");
  EXPECT_EQ(InfoField("stats", "acl_access_denied_channel"), "1");
  EXPECT_EQ(Run("ACL LOG RESET"), "+OK\r\n");
  EXPECT_EQ(Run("ACL LOG"), "*0\r\n");
  Run("CONFIG SET acllog-max-len 1");
  client.Run("GET x");
  EXPECT_EQ(Run("ACL LOG").substr(0, 4), "*1\r\n");
}

// New users and selectors, and those that are reset.
TEST_F(AclCommandsTest, PubSubDefault) {
  Run("CONFIG SET acl-pubsub-default allchannels");
  Run("ACL SETUSER alice (+get)");
  EXPECT_EQ(Run("ACL LIST").find("resetchannels"), std::string::npos);
  Run("CONFIG SET acl-pubsub-default resetchannels");
  Run("ACL SETUSER alice reset");
  EXPECT_NE(Run("ACL LIST").find("resetchannels"), std::string::npos);
}

}  // namespace
}  // namespace hearth
