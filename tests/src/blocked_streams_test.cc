// Blocking reads of streams between several clients.
#include <gtest/gtest.h>

#include <thread>

#include "src/blocked_clients.h"
#include "tests/src/server_fixture.h"

namespace hearth {
namespace {

class BlockedStreamsTest : public ServerFixture {
 protected:
  // Until so many clients wait.
  void WaitForBlocked(size_t count) {
    while (server_->blocked_clients().client_count() != count) std::this_thread::yield();
  }
  // The reply of a read that got one entry {f: v} of the stream s.
  static std::string Entry(const std::string& id) {
    return "*1\r\n*2\r\n$1\r\ns\r\n*1\r\n*2\r\n$" + std::to_string(id.size()) + "\r\n" + id +
           "\r\n*2\r\n$1\r\nf\r\n$1\r\nv\r\n";
  }
};

constexpr char kNullArray[] = "*-1\r\n";

// The last id is that of the time of the call, not that of the wake.
TEST_F(BlockedStreamsTest, TheDollarIdIsTheLastOneWhenTheClientBegan) {
  Run("XADD s 1-0 f v");
  TestClient first = Connect(), second = Connect();
  first.Send("XREAD BLOCK 0 STREAMS s none $ $");
  second.Send("XREAD BLOCK 0 STREAMS s 1-0");
  WaitForBlocked(2);
  Run("XADD s 2-0 f v");
  EXPECT_EQ(first.ReadReply(), Entry("2-0"));
  EXPECT_EQ(second.ReadReply(), Entry("2-0"));
}

TEST_F(BlockedStreamsTest, AGroupHandsAnEntryToTheConsumerThatWaitedFirst) {
  Run("XGROUP CREATE s g $ MKSTREAM");
  TestClient first = Connect(), second = Connect();
  first.Send("XREADGROUP GROUP g alice BLOCK 0 STREAMS s >");
  WaitForBlocked(1);
  second.Send("XREADGROUP GROUP g bob BLOCK 0 STREAMS s >");
  WaitForBlocked(2);
  Run("XADD s 1-0 f v");
  EXPECT_EQ(first.ReadReply(), Entry("1-0"));
  WaitForBlocked(1);
  Run("XACK s g 1-0");
  Run("XADD s 2-0 f v");
  EXPECT_EQ(second.ReadReply(), Entry("2-0"));
  EXPECT_EQ(Run("XACK s g 2-0"), ":1\r\n");
}

TEST_F(BlockedStreamsTest, AGroupThatIsGoneEndsTheWait) {
  Run("XGROUP CREATE s g $ MKSTREAM");
  TestClient waiting = Connect();
  const std::string error =
      "-NOGROUP No such key 's' or consumer group 'g' in XREADGROUP with GROUP option\r\n";
  waiting.Send("XREADGROUP GROUP g c BLOCK 0 STREAMS s >");
  WaitForBlocked(1);
  Run("XGROUP DESTROY s g");
  EXPECT_EQ(waiting.ReadReply(), error);
  Run("XGROUP CREATE s g $ MKSTREAM");
  waiting.Send("XREADGROUP GROUP g c BLOCK 0 STREAMS s >");
  WaitForBlocked(1);
  Run("DEL s");
  EXPECT_EQ(waiting.ReadReply(), error);
  Run("XGROUP CREATE s g $ MKSTREAM");
  waiting.Send("XREADGROUP GROUP g c BLOCK 0 STREAMS s >");
  WaitForBlocked(1);
  Run("SET s string");
  EXPECT_EQ(waiting.ReadReply(),
            "-WRONGTYPE Operation against a key holding the wrong kind of value\r\n");
}

TEST_F(BlockedStreamsTest, ATimeoutAnswersNull) {
  Run("XGROUP CREATE s g $ MKSTREAM");
  EXPECT_EQ(Run("XREAD BLOCK 10 STREAMS s $"), kNullArray);
  EXPECT_EQ(Run("XREADGROUP GROUP g c BLOCK 10 STREAMS s >"), kNullArray);
  TestClient modern = Connect();
  modern.Run("HELLO 3");
  EXPECT_EQ(modern.Run("XREAD BLOCK 10 STREAMS s $"), "_\r\n");
}

// Else every acknowledgement would run the reads of all that wait, whose rows would wake them
// again.
TEST_F(BlockedStreamsTest, AcknowledgingWakesNobody) {
  Run("XGROUP CREATE s g $ MKSTREAM");
  Run("XADD s 1-0 f v");
  Run("XREADGROUP GROUP g worker STREAMS s >");
  TestClient waiting = Connect();
  waiting.Send("XREADGROUP GROUP g idle BLOCK 0 STREAMS s >");
  WaitForBlocked(1);
  const std::string changes = InfoField("persistence", "rdb_changes_since_last_save");
  Run("XACK s g 1-0");
  const std::string after = InfoField("persistence", "rdb_changes_since_last_save");
  EXPECT_EQ(std::stoi(after), std::stoi(changes) + 1);
  Run("XADD s 2-0 f v");
  EXPECT_EQ(waiting.ReadReply(), Entry("2-0"));
}

}  // namespace
}  // namespace hearth
