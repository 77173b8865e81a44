#include "src/replication/stream_client.h"

#include <latch>
#include <thread>

#include "net/worker.h"
#include "src/replication/replica_link.h"
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
  // What the store refused is told before what the command itself did wrong.
  std::string told;
  ReplyCounter exec;
  EXPECT_TRUE(exec.Take("*3\r\n-WRONGTYPE a\r\n-IOERR b\r\n-MISCONF c\r\n",
                        [&](const std::string& error) { told = error; }));
  EXPECT_EQ(told, "IOERR b");
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

class NoFollower : public LinkFollower {
 public:
  void Follow(LinkSocket&, ReplicaLink&) override {}
  void Finish() override {}
};

// The command waits for a worker that stands.
TEST(StreamClientTest, TheEndOfTheLinkEndsTheWaitForAReply) {
  Node node;
  NoFollower follower;
  ReplicaLink link(
      "127.0.0.1", 1, [] { return LinkSettings{}; }, follower);
  StreamClient client(node.server(), &link);
  std::latch thaw(1), frozen(1);
  node.server().workers().back()->Post([&] {
    frozen.count_down();
    thaw.wait();
  });
  frozen.wait();
  std::thread runs([&] { EXPECT_FALSE(client.Run({"PING"})); });
  link.Stop();
  runs.join();
  thaw.count_down();
}

}  // namespace
}  // namespace hearth
