#include "net/connection.h"

#include <sys/socket.h>

#include "tests/net/loopback.h"

namespace hearth {
namespace {

std::string Bulk(const std::string& word) {
  std::string text = "$";
  return text.append(std::to_string(word.size())).append("\r\n").append(word).append("\r\n");
}

std::string Echo(const std::string& word) {
  std::string text = "*2\r\n$4\r\nECHO\r\n";
  return text.append(Bulk(word));
}

class ConnectionTest : public Loopback {};

TEST_F(ConnectionTest, AnswersPipelinedRequestsInOrder) {
  Client client(port());
  std::string requests;
  std::string expected;
  for (int i = 0; i < 5000; i++) {
    requests += Echo(std::to_string(i));
    expected += Bulk(std::to_string(i));
  }
  EXPECT_EQ(client.Ask(requests, expected), expected);
}

TEST_F(ConnectionTest, CarriesBigArgumentsAndReplies) {
  Client client(port());
  const std::string word(3000000, 'w');
  std::thread sender([&] { client.Send(Echo(word)); });
  EXPECT_EQ(client.Read(Bulk(word).size()), Bulk(word));
  sender.join();
  EXPECT_EQ(client.Ask("PING\r\n", "+PONG\r\n"), "+PONG\r\n");
}

TEST_F(ConnectionTest, KnowsItsAddressesAndCounts) {
  Client client(port());
  client.Ask("PING\r\n", "+PONG\r\n");
  OnConnection([&](Connection& connection) {
    EXPECT_EQ(connection.local_address(), std::string("127.0.0.1:").append(std::to_string(port())));
    EXPECT_TRUE(connection.peer_address().starts_with("127.0.0.1:"));
    EXPECT_FALSE(connection.is_tls());
    EXPECT_FALSE(connection.is_unix());
    EXPECT_EQ(connection.total_in_bytes(), 6u);
    EXPECT_EQ(connection.total_out_bytes(), 7u);
    EXPECT_EQ(connection.output_bytes_peak(), 7u);
  });
}

// Ten thousand silent clients must cost little; a thousand may have a small buffer each.
TEST_F(ConnectionTest, AnIdleConnectionHoldsNoBuffersWhenThereAreMany) {
  Client client(port());
  const auto memory_after_a_ping = [&] {
    client.Ask("PING\r\n", "+PONG\r\n");
    size_t bytes = 0;
    OnConnection([&](Connection& connection) {
      EXPECT_EQ(connection.query_buffer_free_bytes(), 0u);
      bytes = connection.memory_bytes();
    });
    return bytes;
  };
  EXPECT_LT(memory_after_a_ping(), 3072u);
  for (int i = 0; i < 10000; ++i) workers_[0]->ReserveConnection();
  EXPECT_LT(memory_after_a_ping(), 1024u);
}

// What a client pipelines beyond the first read is read on.
TEST_F(ConnectionTest, RequestsOfAnySizeComeInOrder) {
  Client client(port());
  for (const size_t size : {2000u, 2040u, 2048u, 2049u, 4096u, 70000u}) {
    const std::string word(size, 'w');
    const std::string request = Echo(word) + "PING\r\n";
    client.Send(request);
    const std::string answer = Bulk(word) + "+PONG\r\n";
    EXPECT_EQ(client.Read(answer.size()), answer) << size;
    client.Send(request.substr(0, request.size() - 3));
    EXPECT_EQ(client.Read(Bulk(word).size()), Bulk(word)) << size;
    client.Send(request.substr(request.size() - 3));
    EXPECT_EQ(client.Read(7), "+PONG\r\n") << size;
  }
}

TEST_F(ConnectionTest, AnswersABrokenProtocolThenCloses) {
  Client client(port());
  client.Send("PING\r\n*1\r\n:1\r\nPING\r\n");
  EXPECT_EQ(client.ReadUntilClosed(), "+PONG\r\n-ERR Protocol error: expected '$', got ':'\r\n");
}

TEST_F(ConnectionTest, ClosesAfterTheLastReply) {
  Client client(port());
  client.Send("BIG 5000000\r\nQUIT\r\nPING\r\n");
  const std::string got = client.Read(5000000 + 12 + 5 + 1);
  EXPECT_EQ(got.size(), 5000000u + 12 + 5);
  EXPECT_TRUE(got.ends_with("b\r\n+OK\r\n"));
  state_.WaitForCloses(1);
}

TEST_F(ConnectionTest, AnswersWhatCameBeforeTheClientStoppedSending) {
  Client client(port());
  client.Send("PING\r\nPING\r\n");
  client.ShutdownWrite();
  EXPECT_EQ(client.ReadUntilClosed(), "+PONG\r\n+PONG\r\n");
}

TEST_F(ConnectionTest, APausedConnectionWaitsForResume) {
  Client client(port());
  Client other(port());
  client.Send("PING\r\nPARK\r\nPING\r\n");
  EXPECT_EQ(client.Read(7), "+PONG\r\n");
  state_.WaitForParks(1);
  client.Send("PING\r\n");
  EXPECT_EQ(other.Ask("PING\r\n", "+PONG\r\n"), "+PONG\r\n");
  EXPECT_TRUE(client.IsQuiet());
  OnWorker([&](Worker&) { EXPECT_EQ(state_.parked_count, 1u); });

  state_.park = false;
  OnConnection([](Connection& connection) {
    if (connection.is_paused()) connection.Resume();
  });
  const std::string expected = "+UNPARKED\r\n+PONG\r\n+PONG\r\n";
  EXPECT_EQ(client.Read(expected.size()), expected);
}

TEST_F(ConnectionTest, APausedClientThatLeavesIsSeen) {
  auto silent = std::make_unique<Client>(port());
  auto talking = std::make_unique<Client>(port());
  silent->Send("PARK\r\n");
  talking->Send("PARK\r\n");
  state_.WaitForParks(2);
  talking->Send("PING\r\n");
  OnWorker([](Worker&) {});
  silent.reset();
  talking.reset();
  state_.WaitForCloses(2);
}

TEST_F(ConnectionTest, PushesOutsideARequest) {
  Client client(port());
  client.Ask("PING\r\n", "+PONG\r\n");
  OnConnection([](Connection& connection) {
    connection.reply().Simple("news");
    connection.MarkDirty();
  });
  EXPECT_EQ(client.Read(7), "+news\r\n");
}

TEST_F(ConnectionTest, CloseTellsTheHandlerOnce) {
  Client client(port());
  client.Ask("PING\r\n", "+PONG\r\n");
  OnConnection([](Connection& connection) {
    connection.Close("killed");
    connection.Close("again");
    connection.CloseAfterReply();
    connection.reply().Ok();
    connection.MarkDirty();
  });
  EXPECT_EQ(client.ReadUntilClosed(), "");
  StopAll();
  EXPECT_EQ(state_.close_reasons, std::vector<std::string>{"killed"});
}

// Nothing is read from a client that does not read: what waits for it stays bounded.
TEST_F(ConnectionTest, AClientThatDoesNotReadIsNotReadFrom) {
  Client lazy(port());
  Client other(port());
  std::string requests;
  for (int i = 0; i < 300; i++) requests += "BIG 100000\r\n";
  lazy.Send(requests);
  EXPECT_EQ(other.Ask("PING\r\n", "+PONG\r\n"), "+PONG\r\n");
  const size_t reply_bytes = 100000 + 9 + 2;
  EXPECT_EQ(lazy.Read(300 * reply_bytes).size(), 300 * reply_bytes);
  StopAll();
  EXPECT_LE(state_.output_bytes_peak, kOutputPauseBytes + kRequestsPerBatchMax * reply_bytes);
}

TEST_F(ConnectionTest, TheHardLimitDropsASlowReaderAndNobodyElse) {
  state_.hard_bytes = 8 * 1024 * 1024;
  Client slow(port());
  Client other(port());
  other.Ask("PING\r\n", "+PONG\r\n");
  std::string requests;
  for (int i = 0; i < 300; i++) requests += "BIG 100000\r\n";
  slow.Send(requests);
  state_.WaitForCloses(1);
  EXPECT_EQ(state_.FirstCloseReason(), "output buffer hard limit exceeded");
  EXPECT_EQ(other.Ask("PING\r\n", "+PONG\r\n"), "+PONG\r\n");
}

// What any client may have waiting is not counted, however low the limits are.
TEST_F(ConnectionTest, SmallRepliesPassTheLowestLimits) {
  state_.hard_bytes = 1;
  state_.soft_bytes = 1;
  state_.soft_seconds = 0;
  Client client(port());
  EXPECT_EQ(client.Ask("PING\r\n", "+PONG\r\n"), "+PONG\r\n");
  const size_t reply_bytes = 16000 + 8 + 2;
  client.Send("BIG 16000\r\n");
  EXPECT_EQ(client.Read(reply_bytes).size(), reply_bytes);
  client.Send("BIG 17000\r\n");
  state_.WaitForCloses(1);
  EXPECT_EQ(state_.FirstCloseReason(), "output buffer hard limit exceeded");
}

TEST_F(ConnectionTest, TheSoftLimitDropsAReaderThatStaysSlow) {
  state_.soft_bytes = 1000;
  state_.soft_seconds = 0;
  Client slow(port());
  slow.Send("BIG 30000000\r\n");
  state_.WaitForCloses(1);
  EXPECT_EQ(state_.FirstCloseReason(), "output buffer soft limit exceeded");
}

// A busy pipeline does not keep the others waiting until it is done.
TEST_F(ConnectionTest, ATurnIsShared) {
  Client greedy(port());
  std::string requests;
  for (int i = 0; i < 20000; i++) requests += "PING\r\n";
  std::thread sender([&] { greedy.Send(requests); });
  EXPECT_EQ(greedy.Read(20000 * 7).size(), 20000u * 7);
  sender.join();
  uint64_t turn_count = 0;
  OnWorker([&](Worker& worker) { turn_count = worker.turn_count(); });
  EXPECT_GE(turn_count, 20000 / (kRequestsPerBatchMax * kBatchesPerTurnMax));
}

// Nor does one that gets a big reply.
TEST_F(ConnectionTest, ABigReplyTakesManyTurns) {
  Client greedy(port());
  const size_t size = 16'000'000;
  greedy.Send("BIG " + std::to_string(size) + "\r\n");
  EXPECT_EQ(greedy.Read(size + 13).size(), size + 13);
  uint64_t turn_count = 0;
  OnWorker([&](Worker& worker) { turn_count = worker.turn_count(); });
  EXPECT_GE(turn_count, size / kWriteBytesPerTurnMax);
}

}  // namespace
}  // namespace hearth
