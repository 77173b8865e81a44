// Keyspace events on replicas: what the primary tells of the changes that are applied here.
#include "src/replication/frame.h"
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
