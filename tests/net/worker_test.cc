#include "net/worker.h"

#include "net/time_slice.h"
#include "tests/net/loopback.h"

namespace hearth {
namespace {

class WorkerTest : public Loopback {};

TEST_F(WorkerTest, RunsPostedFunctionsOnItsThread) {
  Worker* seen = nullptr;
  OnWorker([&](Worker&) { seen = Worker::Current(); });
  EXPECT_EQ(seen, workers_[0].get());
  EXPECT_EQ(Worker::Current(), nullptr);
}

TEST_F(WorkerTest, RunsTimersAndCrons) {
  std::promise<void> late;
  std::promise<void> thrice;
  int cron_count = 0;
  OnWorker([&](Worker& worker) {
    worker.RunAfter(std::chrono::milliseconds(1), [&] { late.set_value(); });
    worker.SetCron(std::chrono::milliseconds(1), [&] {
      if (++cron_count == 3) thrice.set_value();
    });
  });
  late.get_future().wait();
  thrice.get_future().wait();
}

TEST_F(WorkerTest, CountsAndFindsItsConnections) {
  EXPECT_EQ(workers_[0]->connection_count(), 0u);
  {
    Client client(port());
    client.Ask("PING\r\n", "+PONG\r\n");
    EXPECT_EQ(workers_[0]->connection_count(), 1u);
    OnConnection([](Connection& connection) {
      EXPECT_EQ(connection.worker().FindConnection(connection.id()).get(), &connection);
      EXPECT_EQ(connection.worker().FindConnection(connection.id() + 1), nullptr);
    });
  }
  state_.WaitForCloses(1);
  OnWorker([](Worker&) {});
  EXPECT_EQ(workers_[0]->connection_count(), 0u);
}

TEST_F(WorkerTest, ClosesIdleConnectionsThatMayBeClosed) {
  Client kept(port());
  kept.Ask("PING\r\n", "+PONG\r\n");
  uint64_t kept_id = 0;
  OnConnection([&](Connection& connection) { kept_id = connection.id(); });
  Client dropped(port());
  dropped.Ask("PING\r\n", "+PONG\r\n");
  size_t closed_count = 0;
  OnWorker([&](Worker& worker) {
    EXPECT_EQ(worker.CloseIdle(1000, [](Connection&) { return true; }), 0u);
    closed_count = worker.CloseIdle(0, [&](Connection& c) { return c.id() != kept_id; });
  });
  EXPECT_EQ(closed_count, 1u);
  EXPECT_EQ(dropped.ReadUntilClosed(), "");
  EXPECT_EQ(kept.Ask("PING\r\n", "+PONG\r\n"), "+PONG\r\n");
}

TEST_F(WorkerTest, StopClosesEveryConnection) {
  Client client(port());
  client.Ask("PING\r\n", "+PONG\r\n");
  StopAll();
  EXPECT_EQ(client.ReadUntilClosed(), "");
  EXPECT_EQ(state_.close_reasons, std::vector<std::string>{"server stops"});
}

// The kernel tells what it grants; an older one grants nothing to anybody.
TEST_F(WorkerTest, ItsTimeSlicesAreShort) {
  if (TimeSliceNs() == 0) GTEST_SKIP() << "the kernel has no time slices to ask for (Linux 6.12)";
  uint64_t slice_ns = 0;
  OnWorker([&](Worker&) { slice_ns = TimeSliceNs(); });
  EXPECT_EQ(slice_ns, kWorkerSliceNs);
}

// What a handler posts is counted as work when it ends; run within it, it must not look like the
// end of all work.
TEST_F(WorkerTest, ALongNestedRunEndsNoLoop) {
  Client client(port());
  EXPECT_EQ(client.Ask("PING\r\n", "+PONG\r\n"), "+PONG\r\n");
  OnWorker([](Worker& worker) {
    for (int i = 0; i < 100; ++i) {
      worker.Post([] {});
      worker.RunNested();
    }
  });
  EXPECT_EQ(client.Ask("PING\r\n", "+PONG\r\n"), "+PONG\r\n");
}

}  // namespace
}  // namespace hearth
