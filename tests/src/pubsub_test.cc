// Pub/sub between several clients of two workers.
#include "src/pubsub.h"

#include <gtest/gtest.h>

#include <fstream>
#include <latch>
#include <sstream>
#include <thread>

#include "src/log.h"
#include "tests/src/server_fixture.h"

namespace hearth {
namespace {

// A confirmation or a message: names and texts, and a count at the end when there is one.
std::string Parts(char header, const std::vector<std::string>& texts, int count = -1) {
  std::string wire =
      header + std::to_string(texts.size() + (count >= 0 ? 1 : 0)) + std::string("\r\n");
  for (const std::string& text : texts) wire += WireBulk(text);
  if (count >= 0) wire += ":" + std::to_string(count) + "\r\n";
  return wire;
}

class PubSubTest : public ServerFixture {
 protected:
  void SetUp() override {
    ServerFixture::SetUp();
    Run("PING");  // from now on its connection is counted
  }

  PubSub& pubsub() { return server_->pubsub(); }
  void WaitForSubscribers(size_t count, std::string_view channel) {
    while (pubsub().SubscriberCount(NameKind::kChannel, channel) != count) {
      std::this_thread::yield();
    }
  }

  std::vector<size_t> ConnectionCounts() {
    std::vector<size_t> counts;
    for (const auto& worker : server_->workers()) counts.push_back(worker->connection_count());
    return counts;
  }
  // A new client and the worker that has its connection.
  std::pair<std::unique_ptr<TestClient>, Worker*> ConnectAndFind() {
    const std::vector<size_t> before = ConnectionCounts();
    auto client = std::make_unique<TestClient>(socket_path());
    while (ConnectionCounts() == before) std::this_thread::yield();
    const std::vector<size_t> after = ConnectionCounts();
    size_t i = 0;
    while (after[i] == before[i]) ++i;
    return {std::move(client), server_->workers()[i].get()};
  }
  // A new client on any worker but this one.
  std::unique_ptr<TestClient> ConnectElsewhere(const Worker* worker) {
    for (;;) {
      auto [client, its_worker] = ConnectAndFind();
      if (its_worker != worker) return std::move(client);
      elsewhere_.push_back(std::move(client));
    }
  }

  // Publishes or writes 200 MB while the subscriber's worker stands: what waits for it is bounded,
  // and nothing is lost when it goes on.
  void ExpectBoundedMail(const std::string& subscribe, const std::string& request) {
    Run("CONFIG SET client-output-buffer-limit \"pubsub 0 0 0\"");
    auto [subscriber, frozen] = ConnectAndFind();
    const auto publisher = ConnectElsewhere(frozen);
    subscriber->Run(subscribe);
    std::latch thaw(1);
    frozen->Post([&] { thaw.wait(); });
    constexpr int kMessages = 200;
    std::thread sender([&] {
      for (int i = 0; i < kMessages; ++i) publisher->Send(request);
    });
    std::thread reader([&] {
      for (int i = 0; i < kMessages; ++i) EXPECT_EQ(publisher->ReadReply()[0], ':');
    });
    while (!pubsub().MailIsFull()) std::this_thread::yield();
    const auto late = ConnectElsewhere(frozen);
    late->Send(request);
    EXPECT_FALSE(late->HasReply());
    thaw.count_down();
    for (int i = 0; i <= kMessages; ++i) {
      EXPECT_NE(subscriber->ReadReply().find("message"), std::string::npos);
    }
    EXPECT_EQ(late->ReadReply()[0], ':');
    sender.join();
    reader.join();
  }

  std::vector<std::unique_ptr<TestClient>> elsewhere_;
};

TEST_F(PubSubTest, MessagesForAWorkerThatStandsAreBounded) {
  ExpectBoundedMail("SUBSCRIBE a", "PUBLISH a " + std::string(1'000'000, 'x'));
}

// Events carry the key's name, and a name may be long.
TEST_F(PubSubTest, KeyspaceEventsForAWorkerThatStandsAreBounded) {
  Run("CONFIG SET notify-keyspace-events Eg$");
  const std::string key(1'000'000, 'k');
  ExpectBoundedMail("PSUBSCRIBE *", "INCR " + key);
}

TEST_F(PubSubTest, SubscriptionsAreConfirmedOneByOne) {
  TestClient client = Connect();
  EXPECT_EQ(client.Run("SUBSCRIBE a a b"), Parts('*', {"subscribe", "a"}, 1));
  EXPECT_EQ(client.ReadReply(), Parts('*', {"subscribe", "a"}, 1));
  EXPECT_EQ(client.ReadReply(), Parts('*', {"subscribe", "b"}, 2));
  EXPECT_EQ(client.Run("PSUBSCRIBE a*"), Parts('*', {"psubscribe", "a*"}, 3));
  EXPECT_EQ(client.Run("SSUBSCRIBE a"), Parts('*', {"ssubscribe", "a"}, 1));
  EXPECT_EQ(client.Run("UNSUBSCRIBE b"), Parts('*', {"unsubscribe", "b"}, 2));
  EXPECT_EQ(client.Run("UNSUBSCRIBE"), Parts('*', {"unsubscribe", "a"}, 1));
  EXPECT_EQ(client.Run("PUNSUBSCRIBE"), Parts('*', {"punsubscribe", "a*"}, 0));
  EXPECT_EQ(client.Run("SUNSUBSCRIBE"), Parts('*', {"sunsubscribe", "a"}, 0));
  EXPECT_EQ(client.Run("UNSUBSCRIBE"), "*3\r\n$11\r\nunsubscribe\r\n$-1\r\n:0\r\n");
  EXPECT_EQ(client.Run("HELLO 3").substr(0, 2), "%7");
  EXPECT_EQ(client.Run("SUNSUBSCRIBE"), ">3\r\n$12\r\nsunsubscribe\r\n_\r\n:0\r\n");
}

// The clients' connections are spread over both workers.
TEST_F(PubSubTest, AMessageReachesEverySubscriberAndIsCounted) {
  TestClient one = Connect(), two = Connect(), modern = Connect(), pattern = Connect();
  modern.Run("HELLO 3");
  one.Run("SUBSCRIBE news");
  two.Run("SUBSCRIBE news");
  modern.Run("SUBSCRIBE news");
  pattern.Run("PSUBSCRIBE n?ws");
  EXPECT_EQ(Run("PUBLISH news hello"), ":4\r\n");
  EXPECT_EQ(one.ReadReply(), Parts('*', {"message", "news", "hello"}));
  EXPECT_EQ(two.ReadReply(), Parts('*', {"message", "news", "hello"}));
  EXPECT_EQ(modern.ReadReply(), Parts('>', {"message", "news", "hello"}));
  EXPECT_EQ(pattern.ReadReply(), Parts('*', {"pmessage", "n?ws", "news", "hello"}));
  EXPECT_EQ(Run("PUBLISH other hello"), ":0\r\n");
}

TEST_F(PubSubTest, OneClientGetsAMessageForEachSubscription) {
  TestClient client = Connect();
  client.Run("SUBSCRIBE ab");
  client.Run("PSUBSCRIBE a*");
  client.Run("PSUBSCRIBE *b");
  EXPECT_EQ(Run("PUBLISH ab x"), ":3\r\n");
  EXPECT_EQ(client.ReadReply(), Parts('*', {"message", "ab", "x"}));
  EXPECT_EQ(client.ReadReply().substr(0, 18), "*4\r\n$8\r\npmessage\r\n");
  EXPECT_EQ(client.ReadReply().substr(0, 18), "*4\r\n$8\r\npmessage\r\n");
}

TEST_F(PubSubTest, ShardChannelsAreApart) {
  TestClient shard = Connect(), plain = Connect();
  shard.Run("SSUBSCRIBE c");
  plain.Run("SUBSCRIBE c");
  EXPECT_EQ(Run("SPUBLISH c to-shard"), ":1\r\n");
  EXPECT_EQ(Run("PUBLISH c to-plain"), ":1\r\n");
  EXPECT_EQ(shard.ReadReply(), Parts('*', {"smessage", "c", "to-shard"}));
  EXPECT_EQ(plain.ReadReply(), Parts('*', {"message", "c", "to-plain"}));
  EXPECT_EQ(Run("PUBSUB SHARDCHANNELS"), WireArray({"c"}));
  EXPECT_EQ(Run("PUBSUB SHARDNUMSUB c d"), "*4\r\n$1\r\nc\r\n:1\r\n$1\r\nd\r\n:0\r\n");
}

TEST_F(PubSubTest, MessagesOfAPublisherArriveInOrder) {
  constexpr int kCount = 2000;
  TestClient here = Connect(), there = Connect();
  here.Run("SUBSCRIBE c");
  there.Run("SUBSCRIBE c");
  std::string lines;
  for (int i = 0; i < kCount; ++i) lines += "PUBLISH c " + std::to_string(i) + "\r\n";
  client_->SendRaw(lines);
  for (int i = 0; i < kCount; ++i) {
    ASSERT_EQ(client_->ReadReply(), ":2\r\n");
    ASSERT_EQ(here.ReadReply(), Parts('*', {"message", "c", std::to_string(i)}));
    ASSERT_EQ(there.ReadReply(), Parts('*', {"message", "c", std::to_string(i)}));
  }
}

// Whoever publishes, and wherever: subscribers of both workers see one order.
TEST_F(PubSubTest, AllSubscribersSeeMessagesInOneOrder) {
  constexpr int kPublishers = 4, kCount = 5000;
  auto [here, its_worker] = ConnectAndFind();
  const auto there = ConnectElsewhere(its_worker);
  here->Run("SUBSCRIBE c");
  there->Run("PSUBSCRIBE c*");
  std::vector<std::thread> publishers;
  for (int p = 0; p < kPublishers; ++p) {
    publishers.emplace_back([this, p] {
      TestClient client = Connect();
      std::string lines;
      for (int i = 0; i < kCount; ++i) lines += "PUBLISH c " + std::to_string(p) + "\r\n";
      client.SendRaw(lines);
      for (int i = 0; i < kCount; ++i) EXPECT_EQ(client.ReadReply(), ":2\r\n");
    });
  }
  std::string seen_here, seen_there;
  for (int i = 0; i < kPublishers * kCount; ++i) {
    seen_here += here->ReadReply().end()[-3];
    seen_there += there->ReadReply().end()[-3];
  }
  for (std::thread& each : publishers) each.join();
  EXPECT_EQ(seen_here, seen_there);
}

// A backlog is given out piece by piece, and what its reader's own worker publishes waits behind.
TEST_F(PubSubTest, OwnMessagesWaitBehindThoseThatCameBefore) {
  auto [subscriber, frozen] = ConnectAndFind();
  const auto publisher = ConnectElsewhere(frozen);
  subscriber->Run("HELLO 3");
  subscriber->Run("SUBSCRIBE c");
  std::latch thaw(1);
  frozen->Post([&] { thaw.wait(); });
  const std::string text(100'000, 'x');
  constexpr int kCount = 30;
  for (int i = 0; i < kCount; ++i) EXPECT_EQ(publisher->Run("PUBLISH c " + text), ":1\r\n");
  subscriber->SendRaw("PUBLISH c own\r\n");
  thaw.count_down();
  int count = 0;
  for (std::string reply; !reply.ends_with("own\r\n"); ++count) {
    if ((reply = subscriber->ReadReply()) == ":1\r\n") --count;
  }
  EXPECT_EQ(count, kCount + 1);
}

TEST_F(PubSubTest, ASubscribedRespTwoClientMayDoLittleElse) {
  TestClient client = Connect();
  client.Run("SUBSCRIBE a");
  EXPECT_EQ(client.Run("CLIENT ID"),
            "-ERR Can't execute 'client|id': only (P|S)SUBSCRIBE / (P|S)UNSUBSCRIBE / PING / QUIT "
            "/ RESET are allowed in this context\r\n");
  EXPECT_EQ(client.Run("PING"), WireArray({"pong", ""}));
  EXPECT_EQ(client.Run("PING x"), WireArray({"pong", "x"}));
  EXPECT_EQ(client.Run("RESET"), "+RESET\r\n");
  EXPECT_EQ(client.Run("GET x"), "$-1\r\n");
  EXPECT_EQ(Run("PUBSUB CHANNELS"), "*0\r\n");
}

// The reply first, then the push that the command caused.
TEST_F(PubSubTest, ASubscribedRespThreeClientRunsCommandsBesides) {
  TestClient client = Connect();
  client.Run("HELLO 3");
  client.Run("SUBSCRIBE a");
  EXPECT_EQ(client.Run("PING"), "+PONG\r\n");
  EXPECT_EQ(client.Run("PUBLISH a me"), ":1\r\n");
  EXPECT_EQ(client.ReadReply(), Parts('>', {"message", "a", "me"}));
}

TEST_F(PubSubTest, ABlockedClientGetsItsMessages) {
  TestClient client = Connect();
  client.Run("HELLO 3");
  client.Run("SUBSCRIBE a");
  client.Send("BLPOP list 0");
  while (server_->blocked_clients().client_count() != 1) std::this_thread::yield();
  EXPECT_EQ(Run("PUBLISH a x"), ":1\r\n");
  EXPECT_EQ(client.ReadReply(), Parts('>', {"message", "a", "x"}));
  Run("RPUSH list 1");
  EXPECT_EQ(client.ReadReply(), WireArray({"list", "1"}));
}

TEST_F(PubSubTest, ClientReplyOffSilencesRepliesNotMessages) {
  TestClient client = Connect();
  client.Run("HELLO 3");
  client.Send("CLIENT REPLY OFF");
  EXPECT_EQ(client.Run("SUBSCRIBE a"), Parts('>', {"subscribe", "a"}, 1));
  EXPECT_EQ(Run("PUBLISH a x"), ":1\r\n");
  EXPECT_EQ(client.ReadReply(), Parts('>', {"message", "a", "x"}));
  client.Send("PING");
  EXPECT_EQ(client.Run("CLIENT REPLY ON"), "+OK\r\n");
}

TEST_F(PubSubTest, TheDirectoryIsShown) {
  TestClient one = Connect(), two = Connect();
  one.Run("SUBSCRIBE ab");
  two.Run("SUBSCRIBE ab");
  one.Run("PSUBSCRIBE p*");
  two.Run("PSUBSCRIBE p*");
  two.Run("SSUBSCRIBE s");
  EXPECT_EQ(Run("PUBSUB CHANNELS"), WireArray({"ab"}));
  EXPECT_EQ(Run("PUBSUB CHANNELS a?"), WireArray({"ab"}));
  EXPECT_EQ(Run("PUBSUB CHANNELS b*"), "*0\r\n");
  EXPECT_EQ(Run("PUBSUB NUMSUB ab"), "*2\r\n$2\r\nab\r\n:2\r\n");
  EXPECT_EQ(Run("PUBSUB NUMPAT"), ":1\r\n");
  EXPECT_EQ(InfoField("stats", "pubsub_channels"), "1");
  EXPECT_EQ(InfoField("stats", "pubsub_patterns"), "1");
  EXPECT_EQ(InfoField("stats", "pubsubshard_channels"), "1");
  const std::string list = RunText("CLIENT LIST TYPE pubsub");
  EXPECT_NE(list.find(" flags=PU db=0 sub=1 psub=1 ssub=0 "), std::string::npos) << list;
  EXPECT_NE(list.find(" flags=PU db=0 sub=1 psub=1 ssub=1 "), std::string::npos) << list;
  EXPECT_EQ(list.find("flags=U "), std::string::npos) << list;
  EXPECT_EQ(Run("PUBSUB CHANNELS a b"),
            "-ERR unknown subcommand or wrong number of arguments for 'CHANNELS'. Try PUBSUB "
            "HELP.\r\n");
}

TEST_F(PubSubTest, AClientThatLeavesOrIsKilledIsForgotten) {
  {
    TestClient gone = Connect();
    gone.Run("SUBSCRIBE a");
    gone.Run("PSUBSCRIBE b");
  }
  TestClient killed = Connect();
  killed.Run("SUBSCRIBE c");
  WaitForSubscribers(0, "a");
  EXPECT_EQ(Run("CLIENT KILL TYPE normal"), ":0\r\n");
  EXPECT_EQ(Run("CLIENT KILL TYPE pubsub"), ":1\r\n");
  EXPECT_EQ(killed.ReadToEnd(), "");
  WaitForSubscribers(0, "c");
  EXPECT_FALSE(pubsub().has_subscribers());
}

TEST_F(PubSubTest, ASubscriberThatDoesNotReadIsClosedAndLogged) {
  const std::string log = folder_.path() + "/log";
  ASSERT_EQ(SetUpLog(LogLevel::kWarning, log), "");
  Run("CONFIG SET client-output-buffer-limit \"pubsub 1mb 0 0\"");
  TestClient idle = Connect();
  idle.Run("SUBSCRIBE a");
  const std::string payload(100'000, 'x');
  int sent = 0;
  while (pubsub().has_subscribers() && sent < 1000) {
    Run("PUBLISH a " + payload);
    ++sent;
  }
  EXPECT_GE(sent, 10);
  EXPECT_LT(sent, 1000);
  EXPECT_EQ(SetUpLog(LogLevel::kNothing, ""), "");
  std::ostringstream lines;
  lines << std::ifstream(log).rdbuf();
  EXPECT_NE(lines.str().find("scheduled to be closed ASAP for overcoming of output buffer limits."),
            std::string::npos)
      << lines.str();
}

// The first is closed, the second not.
TEST_F(PubSubTest, TimeoutClosesIdleClientsButNotSubscribers) {
  TestClient idle = Connect(), subscriber = Connect();
  subscriber.Run("SUBSCRIBE a");
  Run("CONFIG SET timeout 1");
  EXPECT_EQ(idle.ReadToEnd(), "");
  EXPECT_EQ(Connect().Run("PUBLISH a x"), ":1\r\n");
  EXPECT_EQ(subscriber.ReadReply(), Parts('*', {"message", "a", "x"}));
}

}  // namespace
}  // namespace hearth
