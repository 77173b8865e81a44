// Replies wait for the commits they speak of: Connection's marks and Worker's releases.

#include "tests/net/loopback.h"

namespace hearth {
namespace {

class BarrierTest : public Loopback {
 protected:
  void SetUp() override {
    use_hook_ = true;
    Loopback::SetUp();
  }
  void Release(uint64_t up_to) { workers_[0]->Release(up_to); }
  // Waits until the worker has ended the turns that were due.
  void PassTurns() {
    OnWorker([](Worker&) {});
    OnWorker([](Worker&) {});
  }
};

TEST_F(BarrierTest, RepliesWithoutBarrierDoNotWaitForOthers) {
  Client writer(port());
  Client reader(port());
  writer.Send("HOLD 5 written\r\n");
  hook_.WaitForBarrier(5);
  EXPECT_EQ(reader.Ask("PING\r\n", "+PONG\r\n"), "+PONG\r\n");
  EXPECT_TRUE(writer.IsQuiet());
  Release(5);
  EXPECT_EQ(writer.Read(10), "+written\r\n");
}

TEST_F(BarrierTest, ReleasesInOrderAndNoFurtherThanTold) {
  Client client(port());
  client.Send("HOLD 5 five\r\n");
  hook_.WaitForBarrier(5);
  client.Send("HOLD 7 seven\r\n");
  hook_.WaitForBarrier(7);
  Release(4);
  PassTurns();
  EXPECT_TRUE(client.IsQuiet());
  Release(6);
  EXPECT_EQ(client.Read(7), "+five\r\n");
  PassTurns();
  EXPECT_TRUE(client.IsQuiet());
  Release(7);
  EXPECT_EQ(client.Read(8), "+seven\r\n");
}

TEST_F(BarrierTest, LaterOutputStaysBehindHeldOutput) {
  Client client(port());
  client.Send("HOLD 5 five\r\n");
  hook_.WaitForBarrier(5);
  client.Send("PING\r\n");
  PassTurns();
  PassTurns();
  EXPECT_TRUE(client.IsQuiet());
  Release(5);
  EXPECT_EQ(client.Read(14), "+five\r\n+PONG\r\n");
}

TEST_F(BarrierTest, AFailedCommitTurnsEachReplyIntoTheError) {
  Client client(port());
  client.Send("HOLD 5 five\r\n");
  hook_.WaitForBarrier(5);
  client.Send("PING\r\nHOLD 8 eight\r\nECHO x\r\n");
  hook_.WaitForBarrier(8);
  std::promise<void> done;
  workers_[0]->FailHeld(5, "MISCONF disk", [&] { done.set_value(); });
  done.get_future().wait();
  PassTurns();
  EXPECT_TRUE(client.IsQuiet());
  Release(5);
  const std::string expected = "+five\r\n-MISCONF disk\r\n-MISCONF disk\r\n-MISCONF disk\r\n";
  EXPECT_EQ(client.Read(expected.size()), expected);
  EXPECT_EQ(client.Ask("PING\r\n", "+PONG\r\n"), "+PONG\r\n");
}

// Barriers count again from where the log stands after a failure.
TEST_F(BarrierTest, WritesGoOnAfterAFailure) {
  Client client(port());
  client.Send("HOLD 9 lost\r\n");
  hook_.WaitForBarrier(9);
  workers_[0]->FailHeld(3, "MISCONF disk", nullptr);
  Release(3);
  EXPECT_EQ(client.Read(15), "-MISCONF disk\r\n");
  client.Send("HOLD 4 four\r\n");
  PassTurns();
  Release(4);
  EXPECT_EQ(client.Read(7), "+four\r\n");
}

TEST_F(BarrierTest, ClosesOnlyOnceTheHeldReplyLeft) {
  Client client(port());
  client.Send("HOLD 5 five\r\nQUIT\r\n");
  hook_.WaitForBarrier(5);
  PassTurns();
  EXPECT_TRUE(client.IsQuiet());
  Release(5);
  EXPECT_EQ(client.ReadUntilClosed(), "+five\r\n+OK\r\n");
}

TEST_F(BarrierTest, AClientMayLeaveWhileItsReplyIsHeld) {
  auto client = std::make_unique<Client>(port());
  client->Send("HOLD 5 five\r\n");
  hook_.WaitForBarrier(5);
  client.reset();
  state_.WaitForCloses(1);
  workers_[0]->FailHeld(0, "MISCONF disk", nullptr);
  Release(5);
  PassTurns();
}

}  // namespace
}  // namespace hearth
