// Keyspace events on replicas: what the primary tells of the changes that are applied here.
#include <latch>

#include "net/worker.h"
#include "src/replication/frame.h"
#include "src/replication/replication.h"
#include "tests/src/replication/node.h"

namespace hearth {
namespace {

std::string Message(const std::string& channel, const std::string& text) {
  return WireArray({"message", channel, text});
}

// A client that subscribes to a channel.
class EventsOf {
 public:
  EventsOf(Node& node, const std::string& channel) : client_(node.Connect()) {
    EXPECT_TRUE(client_.Run("SUBSCRIBE " + channel).starts_with("*3\r\n$9\r\nsubscribe"));
  }
  std::string Next() { return client_.ReadReply(); }
  bool HasNext() { return client_.HasReply(); }

 private:
  TestClient client_;
};

TEST(ReplicaEventsTest, SubscribersOfAReplicaGetWhatItApplies) {
  Node primary, replica({"--notify-keyspace-events", "KEA"});
  ASSERT_TRUE(replica.Joins(primary));
  ASSERT_TRUE(Eventually([&] { return primary.server().keyspace().event_classes() != 0; }));
  EventsOf by_key(replica, "__keyspace@0__:a"), by_name(replica, "__keyevent@0__:rpush");
  EventsOf on_primary(primary, "__keyspace@0__:a");
  primary.Run("SET a 1");
  primary.Run("INCR a");
  primary.Run("RPUSH list x");
  primary.Run("DEL a");
  EXPECT_EQ(by_key.Next(), Message("__keyspace@0__:a", "set"));
  EXPECT_EQ(by_key.Next(), Message("__keyspace@0__:a", "incrby"));
  EXPECT_EQ(by_key.Next(), Message("__keyspace@0__:a", "del"));
  EXPECT_EQ(by_name.Next(), Message("__keyevent@0__:rpush", "list"));
  EXPECT_FALSE(on_primary.HasNext());  // nobody has asked for them there
}

// What an event tells of can be read by the time it comes.
TEST(ReplicaEventsTest, AnEventComesBehindItsChange) {
  Node primary, replica({"--notify-keyspace-events", "Es"});
  ASSERT_TRUE(replica.Joins(primary));
  ASSERT_TRUE(Eventually([&] { return primary.server().keyspace().event_classes() != 0; }));
  EventsOf listener(replica, "__keyevent@0__:sadd");
  for (int i = 0; i < 200; ++i) {
    const std::string key = "key" + std::to_string(i);
    primary.Run("SADD " + key + " m");
    EXPECT_EQ(listener.Next(), Message("__keyevent@0__:sadd", key));
    EXPECT_EQ(replica.Run("SCARD " + key), ":1\r\n");
  }
}

TEST(ReplicaEventsTest, TheyPassThroughAMiddleReplicaThatWantsNone) {
  Node top, middle, leaf;
  ASSERT_TRUE(middle.Joins(top));
  ASSERT_TRUE(leaf.Joins(middle));
  EventsOf listener(leaf, "__keyevent@0__:expired");
  EventsOf in_the_middle(middle, "__keyevent@0__:expired");
  EXPECT_EQ(leaf.Run("CONFIG SET notify-keyspace-events Ex"), "+OK\r\n");
  ASSERT_TRUE(Eventually([&] { return top.server().keyspace().event_classes() != 0; }));
  top.Run("SET short 1 PX 20");
  EXPECT_EQ(listener.Next(), Message("__keyevent@0__:expired", "short"));
  EXPECT_FALSE(in_the_middle.HasNext());
  // Asked for no more, they cost nothing any more.
  EXPECT_EQ(leaf.Run("CONFIG SET notify-keyspace-events \"\""), "+OK\r\n");
  EXPECT_TRUE(Eventually([&] { return top.server().keyspace().event_classes() == 0; }));
}

TEST(ReplicaEventsTest, AReplicaThatGoesTakesItsWishesAlong) {
  Node primary({"--notify-keyspace-events", "Kg"});
  const uint32_t own = primary.server().keyspace().event_classes();
  {
    Node replica({"--notify-keyspace-events", "KEA"});
    replica.Follow(primary);
    ASSERT_TRUE(Eventually([&] { return primary.server().keyspace().event_classes() != own; }));
  }
  EXPECT_TRUE(Eventually([&] { return primary.server().keyspace().event_classes() == own; }));
}

// The worker that serves a replica stands while others publish and write: all waits for it.
TEST(ReplicaEventsTest, NothingOfALongPipelineIsLost) {
  Node primary, replica({"--notify-keyspace-events", "E$"});
  ASSERT_TRUE(replica.Joins(primary));
  ASSERT_TRUE(Eventually([&] { return primary.server().keyspace().event_classes() != 0; }));
  EventsOf messages(replica, "news"), events(replica, "__keyevent@0__:incrby");
  const auto peer = primary.server().replication().replicas().List().at(0);
  const auto publisher = primary.ConnectElsewhere(peer->worker);
  std::latch thaw(1);
  peer->worker->Post([&] { thaw.wait(); });
  constexpr int kCount = 20'000;
  std::string pipeline;
  for (int i = 0; i < kCount; ++i) {
    pipeline += "INCR key" + std::to_string(i) + "\r\nPUBLISH news " + std::to_string(i) + "\r\n";
  }
  publisher->SendRaw(pipeline);
  for (int i = 0; i < 2 * kCount; ++i) ASSERT_EQ(publisher->ReadReply()[0], ':');
  thaw.count_down();
  for (int i = 0; i < kCount; ++i) {
    const std::string n = std::to_string(i);
    ASSERT_EQ(messages.Next(), Message("news", n));
    ASSERT_EQ(events.Next(), Message("__keyevent@0__:incrby", "key" + n));
  }
  EXPECT_EQ(primary.Info("replication", "repl_dropped_messages"), "0");
  EXPECT_EQ(primary.Info("replication", "repl_dropped_events"), "0");
}

TEST(ReplicaEventsTest, WhatAReplicaDoesNotTakeIsBoundedAndCounted) {
  Node primary, replica;
  ASSERT_TRUE(replica.Joins(primary));
  EventsOf messages(replica, "news");
  const auto peer = primary.server().replication().replicas().List().at(0);
  const auto publisher = primary.ConnectElsewhere(peer->worker);
  std::latch thaw(1);
  peer->worker->Post([&] { thaw.wait(); });
  const std::string text(1'000'000, 'x');
  for (int i = 0; i < 40; ++i) {
    publisher->Send("PUBLISH news " + text);
    ASSERT_EQ(publisher->ReadReply(), ":0\r\n");
  }
  EXPECT_LE(peer->inbox.size_bytes(), kReplicaInboxBytesMax);
  thaw.count_down();
  for (int i = 0; i < 16; ++i) ASSERT_EQ(messages.Next(), Message("news", text));
  EXPECT_EQ(primary.Info("replication", "repl_dropped_messages"), "24");
}

// The replica reads no more than it can deliver.
TEST(ReplicaEventsTest, AReplicasSubscriberThatStandsStopsTheLink) {
  Node primary, replica({"--client-output-buffer-limit", "pubsub 0 0 0"});
  ASSERT_TRUE(replica.Joins(primary));
  Worker* const frozen = replica.server().workers()[0].get();
  const auto subscriber = replica.ConnectElsewhere(replica.server().workers()[1].get());
  subscriber->Run("SUBSCRIBE news");
  std::latch thaw(1);
  frozen->Post([&] { thaw.wait(); });
  const auto link = replica.server().replication().link();
  const auto peer = primary.server().replication().replicas().List().at(0);
  const auto publisher = primary.ConnectElsewhere(peer->worker);
  const std::string request = "PUBLISH news " + std::string(1'000'000, 'x');
  const auto publish = [&] {
    publisher->Send(request);
    EXPECT_EQ(publisher->ReadReply(), ":0\r\n");
  };
  int count = 0;
  for (; count < 100 && !replica.server().pubsub().MailIsFull(); ++count) {
    publish();
    ASSERT_TRUE(Eventually([&] { return peer->inbox.is_empty(); }));
  }
  for (; count < 200; ++count) publish();
  EXPECT_TRUE(Eventually([&] { return peer->inbox.dropped_count() > 0; }));
  EXPECT_LT(link->received_bytes(), uint64_t{100} << 20);
  thaw.count_down();
  for (int i = 0; i < 64; ++i) ASSERT_TRUE(subscriber->ReadReply().starts_with("*3\r\n"));
}

// What its publisher wrote before can be read there by the time a message comes.
TEST(ReplicaEventsTest, AMessageComesBehindWhatItsPublisherWrote) {
  Node primary({"--appendfsync", "always"}), replica;
  ASSERT_TRUE(replica.Joins(primary));
  EventsOf messages(replica, "news");
  TestClient publisher = primary.Connect();
  for (int i = 0; i < 100; ++i) {
    const std::string n = std::to_string(i);
    const std::string in_exec = i % 2 == 0 ? "" : "MULTI\r\n";
    publisher.SendRaw(in_exec + "SET a " + n + "\r\nPUBLISH news " + n + "\r\n" +
                      (in_exec.empty() ? "" : "EXEC\r\n"));
    ASSERT_EQ(messages.Next(), Message("news", n));
    ASSERT_EQ(replica.Run("GET a"), WireBulk(n));
    for (int left = in_exec.empty() ? 2 : 4; left > 0; --left) publisher.ReadReply();
  }
}

// A barrier of before the data were exchanged holds nothing up.
TEST(ReplicaEventsTest, AClientOfLongAgoStillPublishes) {
  Node other, server, replica;
  TestClient old_client = server.Connect();
  for (int i = 0; i < 50; ++i) old_client.Run("SET a " + std::to_string(i));
  other.Run("SET b 1");
  ASSERT_TRUE(server.Joins(other));
  ASSERT_EQ(server.Run("REPLICAOF NO ONE"), "+OK\r\n");
  ASSERT_TRUE(replica.Joins(server));
  EventsOf messages(replica, "news");
  old_client.Run("PUBLISH news hello");
  EXPECT_EQ(messages.Next(), Message("news", "hello"));
}

TEST(ReplicaEventsTest, AnEventIsReadBackAndNonsenseIsNot) {
  const WireEvent event{.db = 3, .type = 2, .name = "set", .key = std::string("k\0y", 3)};
  Frame frame{.type = FrameType::kEvent, .count = 3, .payload = EncodeEvent(event)};
  const auto read = DecodeEvent(frame);
  ASSERT_TRUE(read);
  EXPECT_EQ(read->db, 3u);
  EXPECT_EQ(read->type, 2u);
  EXPECT_EQ(read->name, "set");
  EXPECT_EQ(read->key, event.key);
  const std::string whole = frame.payload;
  for (size_t size = 0; size < whole.size() - event.key.size(); ++size) {
    frame.payload = whole.substr(0, size);
    EXPECT_FALSE(DecodeEvent(frame).has_value()) << size;
  }
}

}  // namespace
}  // namespace hearth
