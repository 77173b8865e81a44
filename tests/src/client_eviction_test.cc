// maxmemory-clients: which clients are closed when all together take too much memory.
#include "src/client_eviction.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>
#include <iterator>
#include <set>

#include "tests/src/replication/node.h"
#include "tests/src/server_fixture.h"

namespace hearth {
namespace {

using ClientPtr = std::unique_ptr<TestClient>;

// A request of which as much again is to come.
std::string HalfOfSet(size_t size) {
  return "*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$" + std::to_string(2 * size) + "\r\n" +
         std::string(size, 'x');
}
std::string OtherHalfOfSet(size_t size) {
  return std::string(size, 'x') + "\r\n";
}

class ClientEvictionTest : public ServerFixture {
 protected:
  void SetUp() override {
    ServerFixture::SetUp();
    SpareOwn();
  }
  void RestartWith(std::vector<std::string> directives) {
    Restart(std::move(directives));
    SpareOwn();
  }
  // The client that looks is never closed itself.
  void SpareOwn() { EXPECT_EQ(Run("CLIENT NO-EVICT on"), "+OK\r\n"); }

  void SetLimit(const std::string& limit) {
    EXPECT_EQ(Run("CONFIG SET maxmemory-clients " + limit), "+OK\r\n");
  }
  ClientPtr Named(const std::string& name) {
    auto client = std::make_unique<TestClient>(socket_path());
    EXPECT_EQ(client->Run("CLIENT SETNAME " + name), "+OK\r\n");
    return client;
  }
  // One whose buffer holds half of a request.
  ClientPtr Grown(const std::string& name, size_t size) {
    ClientPtr client = Named(name);
    const std::string half = HalfOfSet(size);
    client->SendRaw(half);
    EXPECT_TRUE(Eventually([&] { return FieldOf(name, "qbuf") == std::to_string(half.size()); }));
    return client;
  }
  // One that watches so many bytes of keys, which stays so while it runs commands.
  static void Watch(TestClient& client, size_t size) {
    constexpr size_t kKeySize = 100'000;
    for (size_t i = 0; i < size / kKeySize; ++i) {
      EXPECT_EQ(client.RunWords({"WATCH", std::string(kKeySize, static_cast<char>('a' + i))}),
                "+OK\r\n");
    }
  }

  uint64_t Evicted() { return std::stoull(InfoField("stats", "evicted_clients")); }
  bool EvictedBecome(uint64_t count) {
    return Eventually([&] { return Evicted() == count; });
  }
  ClientEviction& eviction() { return server_->client_eviction(); }

  // Of a line of CLIENT LIST; "" when there is none of that name.
  std::string FieldOf(const std::string& name, const std::string& field) {
    const std::string list = RunText("CLIENT LIST");
    const size_t at = list.find(" name=" + name + " ");
    if (at == std::string::npos) return "";
    const size_t start = list.find(" " + field + "=", at) + field.size() + 2;
    return list.substr(start, list.find(' ', start) - start);
  }
  uint64_t MemoryOf(const std::string& name) {
    const std::string text = FieldOf(name, "tot-mem");
    EXPECT_NE(text, "") << name;
    return text.empty() ? 0 : std::stoull(text);
  }
  // What all clients take, this one's reply included.
  uint64_t ListedMemory() {
    constexpr std::string_view kField = " tot-mem=";
    const std::string list = RunText("CLIENT LIST");
    uint64_t sum = 0;
    for (size_t at = list.find(kField); at != list.npos; at = list.find(kField, at + 1)) {
      sum += std::stoull(list.substr(at + kField.size()));
    }
    return sum;
  }
  std::set<std::string> Names() {
    constexpr std::string_view kField = " name=";
    const std::string list = RunText("CLIENT LIST");
    std::set<std::string> names;
    for (size_t at = list.find(kField); at != list.npos; at = list.find(kField, at + 1)) {
      const size_t start = at + kField.size();
      names.insert(list.substr(start, list.find(' ', start) - start));
    }
    names.erase("");
    return names;
  }
};

// -- What a client is closed for.

TEST_F(ClientEvictionTest, AnUnfinishedRequest) {
  SetLimit("500kb");
  const ClientPtr big = Named("big"), small = Named("small");
  big->SendRaw(HalfOfSet(1'000'000));
  EXPECT_TRUE(EvictedBecome(1));
  EXPECT_EQ(big->ReadToEnd(), "");
  EXPECT_EQ(small->Run("PING"), "+PONG\r\n");
  EXPECT_EQ(Run("EXISTS k"), ":0\r\n");
}

TEST_F(ClientEvictionTest, RepliesThatItDoesNotRead) {
  constexpr int kCount = 20;
  const std::string value(200'000, 'v');
  Run("SET k " + value);
  SetLimit("800kb");
  const ClientPtr reader = Named("reader"), small = Named("small");
  for (int i = 0; i < kCount; ++i) reader->Send("GET k");
  EXPECT_TRUE(EvictedBecome(1));
  EXPECT_LT(reader->ReadToEnd().size(), kCount * value.size());
  EXPECT_EQ(small->Run("PING"), "+PONG\r\n");
}

TEST_F(ClientEvictionTest, WhatItQueuesBehindMulti) {
  SetLimit("800kb");
  const std::string command = "SET k " + std::string(100'000, 'v');
  const ClientPtr writer = Named("writer"), small = Named("small");
  EXPECT_EQ(writer->Run("MULTI"), "+OK\r\n");
  int queued_count = 0;
  while (queued_count < 20 && writer->Run(command) == "+QUEUED\r\n") ++queued_count;
  EXPECT_GT(queued_count, 2);
  EXPECT_LT(queued_count, 20);
  EXPECT_TRUE(EvictedBecome(1));
  EXPECT_EQ(small->Run("PING"), "+PONG\r\n");
  EXPECT_EQ(Run("EXISTS k"), ":0\r\n");
}

TEST_F(ClientEvictionTest, MessagesAndLinesOfAMonitorThatItDoesNotRead) {
  const std::string text(100'000, 'm');
  SetLimit("1mb");
  const ClientPtr subscriber = Named("subscriber"), monitor = Named("monitor");
  subscriber->Send("SUBSCRIBE c");
  subscriber->ReadReply();
  for (int i = 0; i < 100 && Evicted() == 0; ++i) Run("PUBLISH c " + text);
  EXPECT_EQ(Names(), std::set<std::string>{"monitor"});
  EXPECT_EQ(monitor->Run("MONITOR"), "+OK\r\n");
  for (int i = 0; i < 100 && Evicted() == 1; ++i) Run("SET k " + text);
  EXPECT_EQ(Names(), std::set<std::string>{});
  EXPECT_EQ(Evicted(), 2u);
}

TEST_F(ClientEvictionTest, ManySmallOnesAreTooMuchTogether) {
  constexpr size_t kCount = 200;
  SetLimit("200kb");
  std::vector<ClientPtr> clients;
  for (size_t i = 0; i < kCount; ++i) {
    clients.push_back(std::make_unique<TestClient>(socket_path()));
    clients.back()->Run("PING");
  }
  // Ours, which looks, is one more.
  EXPECT_TRUE(Eventually([&] {
    const uint64_t left_count = std::stoull(InfoField("clients", "connected_clients"));
    return Evicted() > 0 && Evicted() + left_count == kCount + 1;
  }));
  EXPECT_TRUE(Eventually([&] { return eviction().counted_bytes() <= 200 * 1024; }));
  EXPECT_LT(Evicted(), kCount);
}

// -- Who is closed.

TEST_F(ClientEvictionTest, TheBiggestGoFirstOfWhateverWorker) {
  const ClientPtr b = Grown("b", 400'000), d = Grown("d", 1'800'000), a = Grown("a", 200'000),
                  c = Grown("c", 900'000);
  const std::vector<std::string> by_size = {"a", "b", "c", "d"};
  for (size_t i = 0; i + 1 < by_size.size(); ++i) {
    ASSERT_LT(MemoryOf(by_size[i]), MemoryOf(by_size[i + 1]));
  }
  const uint64_t all = ListedMemory(), of_d = MemoryOf("d"), of_c = MemoryOf("c");
  SetLimit(std::to_string(all - 100'000));
  EXPECT_TRUE(EvictedBecome(1));
  EXPECT_EQ(Names(), (std::set<std::string>{"a", "b", "c"}));
  SetLimit(std::to_string(all - of_d - of_c - 100'000));
  EXPECT_TRUE(EvictedBecome(3));
  EXPECT_EQ(Names(), std::set<std::string>{"a"});
}

TEST_F(ClientEvictionTest, OfEqualOnesTheOldestGoesFirst) {
  const ClientPtr older = Grown("older", 400'000), newer = Grown("newer", 400'000);
  ASSERT_EQ(MemoryOf("older"), MemoryOf("newer"));
  SetLimit(std::to_string(ListedMemory() - 100'000));
  EXPECT_TRUE(EvictedBecome(1));
  EXPECT_EQ(Names(), std::set<std::string>{"newer"});
}

TEST_F(ClientEvictionTest, OneUnderNoEvictCountsButStays) {
  constexpr size_t kSize = 1'000'000;
  SetLimit("500kb");
  const ClientPtr spared = Named("spared"), bystander = Named("bystander");
  EXPECT_EQ(spared->Run("CLIENT NO-EVICT on"), "+OK\r\n");
  spared->SendRaw(HalfOfSet(kSize));
  EXPECT_TRUE(EvictedBecome(1));
  EXPECT_EQ(bystander->ReadToEnd(), "");
  spared->SendRaw(OtherHalfOfSet(kSize));
  EXPECT_EQ(spared->ReadReply(), "+OK\r\n");
  EXPECT_TRUE(Eventually([&] { return eviction().counted_bytes() < 500 * 1024; }));
  const ClientPtr newcomer = Named("newcomer");
  EXPECT_EQ(newcomer->Run("STRLEN k"), ":2000000\r\n");
  EXPECT_EQ(Evicted(), 1u);
}

TEST_F(ClientEvictionTest, TheEndOfNoEvictIsTheEndOfAClientThatIsTooBig) {
  SetLimit("500kb");
  const ClientPtr client = Named("client");
  EXPECT_EQ(client->Run("CLIENT NO-EVICT on"), "+OK\r\n");
  Watch(*client, 1'000'000);
  EXPECT_GT(MemoryOf("client"), 1'000'000u);
  EXPECT_EQ(Evicted(), 0u);
  EXPECT_EQ(client->Run("CLIENT NO-EVICT off"), "+OK\r\n");
  EXPECT_EQ(client->ReadToEnd(), "");
  EXPECT_TRUE(EvictedBecome(1));
}

TEST_F(ClientEvictionTest, NobodyBelowTheLimit) {
  constexpr size_t kSize = 100'000;
  SetLimit("20mb");
  std::vector<ClientPtr> clients;
  for (int i = 0; i < 20; ++i) clients.push_back(Grown("client" + std::to_string(i), kSize));
  for (const ClientPtr& client : clients) {
    client->SendRaw(OtherHalfOfSet(kSize));
    EXPECT_EQ(client->ReadReply(), "+OK\r\n");
  }
  EXPECT_EQ(Evicted(), 0u);
}

TEST(ReplicaEvictionTest, MemClientsSlavesIsThatOfReplicas) {
  Node primary, replica;
  EXPECT_EQ(primary.Info("memory", "mem_clients_slaves"), "0");
  ASSERT_TRUE(replica.Joins(primary));
  EXPECT_TRUE(Eventually([&] { return primary.Info("memory", "mem_clients_slaves") != "0"; }));
  replica.Stop();
  EXPECT_TRUE(Eventually([&] { return primary.Info("memory", "mem_clients_slaves") == "0"; }));
}

// What waits for it in a primary's output may be more than all clients may take.
TEST(ReplicaEvictionTest, AReplicaNeitherCountsNorGoes) {
  Node primary({"--maxmemory-clients", "128kb"}), replica;
  ASSERT_TRUE(replica.Joins(primary));
  EXPECT_EQ(primary.Run("DEBUG POPULATE 20 k 1000000"), "+OK\r\n");
  EXPECT_TRUE(replica.CatchesUp(primary));
  EXPECT_EQ(replica.Run("DBSIZE"), ":20\r\n");
  EXPECT_EQ(primary.Info("stats", "evicted_clients"), "0");
}

// -- The limit.

TEST_F(ClientEvictionTest, ASmallerLimitClosesAtOnceAndBehindTheReply) {
  const ClientPtr asking = Named("asking");
  Watch(*asking, 1'000'000);
  EXPECT_EQ(asking->Run("CONFIG SET maxmemory-clients 500kb"), "+OK\r\n");
  EXPECT_EQ(asking->ReadToEnd(), "");
  EXPECT_TRUE(EvictedBecome(1));
}

TEST_F(ClientEvictionTest, WithoutLimitNothingIsCounted) {
  SetLimit("10mb");
  EXPECT_TRUE(Eventually([&] { return eviction().counted_bytes() > 0; }));
  SetLimit("0");
  EXPECT_EQ(eviction().counted_bytes(), 0u);
  const ClientPtr big = Grown("big", 11'000'000);
  EXPECT_EQ(eviction().counted_bytes(), 0u);
  SetLimit("10mb");
  EXPECT_EQ(big->ReadToEnd(), "");
  EXPECT_TRUE(EvictedBecome(1));
}

TEST_F(ClientEvictionTest, APercentageIsOfMaxmemory) {
  RestartWith({"--maxmemory", "400mb", "--maxmemory-clients", "1%"});
  EXPECT_EQ(Run("CONFIG GET maxmemory-clients"), WireArray({"maxmemory-clients", "1%"}));
  EXPECT_EQ(eviction().limit_bytes(), uint64_t{4} << 20);
  const ClientPtr first = Named("first");
  first->SendRaw(HalfOfSet(6'000'000));
  EXPECT_TRUE(EvictedBecome(1));

  EXPECT_EQ(Run("CONFIG SET maxmemory 0"), "+OK\r\n");
  EXPECT_FALSE(eviction().is_on());
  const ClientPtr second = Grown("second", 6'000'000);
  EXPECT_EQ(Run("CONFIG SET maxmemory 400mb"), "+OK\r\n");
  EXPECT_EQ(second->ReadToEnd(), "");
  EXPECT_TRUE(EvictedBecome(2));
}

TEST_F(ClientEvictionTest, ATinyLimitLeavesRoomToRaiseIt) {
  SetLimit("1");
  EXPECT_EQ(eviction().limit_bytes(), kClientsMemoryMin);
  std::vector<ClientPtr> clients;
  for (int i = 0; i < 10; ++i) clients.push_back(Named("client" + std::to_string(i)));
  for (const ClientPtr& client : clients) EXPECT_EQ(client->Run("PING"), "+PONG\r\n");
  EXPECT_EQ(Evicted(), 0u);
  clients[0]->SendRaw(HalfOfSet(300'000));
  EXPECT_TRUE(EvictedBecome(1));
  EXPECT_EQ(clients[1]->Run("CONFIG SET maxmemory-clients 10mb"), "+OK\r\n");
  EXPECT_EQ(clients[2]->Run("PING"), "+PONG\r\n");
}

TEST_F(ClientEvictionTest, ConfigTakesBytesAndPercentages) {
  const std::pair<std::string, std::string> given_and_shown[] = {
      {"5%", "5%"},       {"0%", "0"}, {"1mb", "1048576"}, {"100%", "100%"}, {"0", "0"},
      {"2mb", "2097152"}, {"''", "0"}, {"2mb", "2097152"}, {"kb", "0"}};
  for (const auto& [given, shown] : given_and_shown) {
    SetLimit(given);
    EXPECT_EQ(Run("CONFIG GET maxmemory-clients"), WireArray({"maxmemory-clients", shown}));
  }
  const std::string failed =
      "-ERR CONFIG SET failed (possibly related to argument 'maxmemory-clients') - ";
  for (const char* bad : {"x", "%", "-1", "-5%", "05%", "+5%", "-0%", "1.5%", "1.5mb", "5%%"}) {
    EXPECT_EQ(Run("CONFIG SET maxmemory-clients " + std::string(bad)),
              failed + "argument must be a memory or percent value\r\n")
        << bad;
  }
  EXPECT_EQ(Run("CONFIG SET maxmemory-clients 101%"),
            failed + "percentage argument must be less or equal to 100\r\n");
  EXPECT_EQ(Run("CONFIG GET maxmemory-clients"), WireArray({"maxmemory-clients", "0"}));
}

TEST_F(ClientEvictionTest, RewriteKeepsThePercentage) {
  const std::string path = folder_.path() + "/hearth.conf";
  std::ofstream(path) << "# mine\n";
  RestartWith({path});
  SetLimit("5%");
  EXPECT_EQ(Run("CONFIG REWRITE"), "+OK\r\n");
  std::ifstream in(path);
  const std::string text{std::istreambuf_iterator<char>(in), {}};
  EXPECT_NE(text.find("\nmaxmemory-clients 5%\n"), std::string::npos) << text;
  RestartWith({path});
  EXPECT_EQ(Run("CONFIG GET maxmemory-clients"), WireArray({"maxmemory-clients", "5%"}));
}

// -- What is told of it.

TEST_F(ClientEvictionTest, ResetStatForgetsTheCount) {
  SetLimit("500kb");
  const ClientPtr big = Named("big");
  big->SendRaw(HalfOfSet(1'000'000));
  EXPECT_TRUE(EvictedBecome(1));
  EXPECT_EQ(Run("CONFIG RESETSTAT"), "+OK\r\n");
  EXPECT_EQ(Evicted(), 0u);
}

TEST_F(ClientEvictionTest, MemClientsNormalIsWhatClientListShows) {
  const ClientPtr big = Grown("big", 5'000'000);
  const uint64_t of_big = MemoryOf("big");
  EXPECT_TRUE(Eventually([&] {
    const uint64_t told = std::stoull(InfoField("memory", "mem_clients_normal"));
    return told >= of_big && told < of_big + 100'000;
  }));
}

TEST_F(ClientEvictionTest, DebugShowsTheEvictableBySize) {
  EXPECT_EQ(Run("DEBUG CLIENT-EVICTION"), "-ERR maxmemory-clients is disabled.\r\n");
  const ClientPtr big = Grown("big", 900'000), small = Named("small"), other = Named("other");
  SetLimit("10mb");
  std::string text;
  EXPECT_TRUE(Eventually([&] {
    text = RunText("DEBUG CLIENT-EVICTION");
    return text.find("clients: 2\n") != text.npos && text.find("clients: 1\n") != text.npos;
  })) << text;
  EXPECT_EQ(std::count(text.begin(), text.end(), '\n'), 19);
  EXPECT_TRUE(text.starts_with("bucket          0 -      32767: tot-mem: "));
  EXPECT_NE(text.find("\nbucket      32768 -      65535: tot-mem:          0, clients: 0\n"),
            text.npos);
  EXPECT_TRUE(
      text.ends_with("\nbucket 4294967296+            : tot-mem:          0, clients: 0\n"));
}

}  // namespace
}  // namespace hearth
