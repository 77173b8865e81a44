#include "src/replication/stream_client.h"

#include "tests/src/replication/node.h"

namespace hearth {
namespace {

TEST(ReplyCounterTest, WholeRepliesAndTheirFirstErrors) {
  const std::string wire =
      "+OK\r\n:1\r\n$3\r\na\r\n\r\n$-1\r\n*-1\r\n*0\r\n-ERR a\r\n*2\r\n*2\r\n+a\r\n-ERR b\r\n"
      "-ERR c\r\n$0\r\n\r\n";
  for (const size_t piece : {1, 4, 1000}) {
    ReplyCounter counter;
    std::string text;
    for (size_t at = 0; at < wire.size(); at += piece) {
      EXPECT_TRUE(counter.Take(std::string_view(wire).substr(at, piece),
                               [&](const std::string& error) { text += error + ";"; }));
    }
    EXPECT_EQ(text, ";;;;;;ERR a;ERR b;;") << piece;
  }
  ReplyCounter counter;
  EXPECT_FALSE(counter.Take("what\r\n", [](const std::string&) {}));
}

TEST(StreamClientTest, ItPassesTheGatesOfUsers) {
  Node node;
  node.Run("ACL SETUSER default -get");
  EXPECT_TRUE(node.Run("GET a").starts_with("-NOPERM"));
  StreamClient client(node.server());
  EXPECT_TRUE(client.Run({"SET", "a", "1"})) << client.error();
  EXPECT_TRUE(client.Run({"GET", "a"})) << client.error();
  EXPECT_EQ(node.Run("EXISTS a"), ":1\r\n");
  // It is no client that anybody could see or kill.
  EXPECT_EQ(node.RunText("CLIENT LIST").find("cmd=get"), std::string::npos);
  EXPECT_FALSE(client.Run({"NOSUCH"}));
  EXPECT_TRUE(client.error().starts_with("NOSUCH: ERR unknown command")) << client.error();
}

}  // namespace
}  // namespace hearth
