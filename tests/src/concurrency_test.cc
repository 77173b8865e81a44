// Many clients on several workers, everything at once: for the thread sanitizer, and for what must
// hold between commands of different connections. HEARTH_STRESS_COMMANDS makes it longer.
#include <atomic>
#include <cstdlib>
#include <random>
#include <thread>

#include "tests/src/server_fixture.h"

namespace hearth {
namespace {

constexpr int kClientCount = 6;

class ConcurrencyTest : public ServerFixture {
 protected:
  // So small a limit that everything flushed is demoted at once and loaded again.
  void SetUp() override {
    Start({"--workers", "4", "--maxmemory", "1mb", "--write-buffer-size", "256kb", "--hz", "100"});
  }
};

std::string KeyOf(std::mt19937_64& random) {
  return "k" + std::to_string(random() % 40);
}

std::string CommandOf(std::mt19937_64& random) {
  const std::string a = KeyOf(random), b = KeyOf(random), c = KeyOf(random);
  const std::string value(random() % 2000, 'v');
  switch (random() % 40) {
    case 0:
      return "FLUSHDB";
    case 1:
      return "SWAPDB 0 1";
    case 2:
      return random() % 8 == 0 ? "BGSAVE" : "LASTSAVE";
    case 3:
      return "CONFIG SET maxmemory-samples " + std::to_string(1 + random() % 10);
    case 4:
      return std::string("CONFIG SET appendfsync ") + (random() % 2 ? "everysec" : "no");
    case 5:
      return "CLIENT KILL ID " + std::to_string(random() % 40);
    case 6:
      return "INFO everything";
    case 7:
      return "CLIENT LIST";
    case 8:
      return "DBSIZE";
    case 9:
      return "SELECT " + std::to_string(random() % 2);
    case 10:
      return "DEBUG DEMOTE-ALL";
    case 11:
      return "KEYS *";
    case 12:
      return "RANDOMKEY";
    case 13:
      return random() % 4 == 0 ? "CONFIG RESETSTAT" : "SLOWLOG GET";
    case 14:
    case 15:
      return "SCAN 0 COUNT 20";
    case 16:
    case 17:
      return "RENAME " + a + " " + b;
    case 18:
    case 19:
      return "COPY " + a + " " + b + " DB " + std::to_string(random() % 2) + " REPLACE";
    case 20:
      return "MOVE " + a + " 1";
    case 21:
      return "PEXPIRE " + a + " " + std::to_string(random() % 50);
    case 22:
      return "DEL " + a + " " + b + " " + c;
    case 23:
      return "OBJECT FREQ " + a;
    case 24:
      return "CONFIG SET maxmemory-policy demote";
    case 25:
    case 26:
    case 27:
      return "MGET " + a + " " + b + " " + c;
    case 28:
    case 29:
    case 30:
      return "MSET " + a + " 1 " + b + " 'x" + value + "' " + c + " 3";
    case 31:
      return "APPEND " + a + " more";
    case 32:
      return "GETDEL " + a;
    default:
      return random() % 2 ? "GET " + a : "SET " + a + " '" + value + "' PX 2000";
  }
}

TEST_F(ConcurrencyTest, MixedTrafficOnSeveralWorkersStaysWhole) {
  const char* text = std::getenv("HEARTH_STRESS_COMMANDS");
  const int command_count = text != nullptr ? std::atoi(text) : 1500;
  std::atomic<int> torn_pairs{0}, silent{0};
  std::vector<std::thread> clients;
  for (int index = 0; index < kClientCount; ++index) {
    clients.emplace_back([&, index] {
      std::mt19937_64 random(static_cast<uint64_t>(index) + 1);
      auto client = std::make_unique<TestClient>(socket_path());
      for (int i = 0; i < command_count; ++i) {
        if (client->Run(CommandOf(random)).empty()) {  // killed by another client
          ++silent;
          client = std::make_unique<TestClient>(socket_path());
        }
        if (i % 5 != 0) continue;
        // Both keys of a pair are written by one command, so they are always read as equal.
        const std::string pair = std::to_string(random() % 5), number = std::to_string(random());
        client->Send("SELECT 2");
        client->Send("MSET x" + pair + " " + number + " y" + pair + " " + number);
        client->Send("MGET x" + pair + " y" + pair);
        client->Send("SELECT 0");
        (void)client->ReadReply();
        (void)client->ReadReply();
        const std::string reply = client->ReadReply();
        if (client->ReadReply().empty()) {
          client = std::make_unique<TestClient>(socket_path());
          continue;
        }
        const size_t half = (reply.size() - 4) / 2;
        torn_pairs += reply.substr(4, half) != reply.substr(4 + half);
      }
    });
  }
  for (std::thread& client : clients) client.join();
  EXPECT_EQ(torn_pairs, 0);
  EXPECT_LT(silent, kClientCount * command_count / 4);
  client_ = std::make_unique<TestClient>(socket_path());
  Run("DEBUG SET-ACTIVE-EXPIRE 0");
  EXPECT_EQ(Run("DEBUG VERIFY-STORE"), "+OK\r\n");
  Restart();
  EXPECT_EQ(Run("DEBUG VERIFY-STORE"), "+OK\r\n");
}

TEST_F(ConcurrencyTest, KeysThatExpireMeanwhileAreNoDifferences) {
  Run("DEBUG POPULATE 3000");
  std::mt19937_64 random(7);
  for (int i = 0; i < 3000; ++i) {
    client_->Send("PEXPIRE key:" + std::to_string(i) + " " + std::to_string(1 + random() % 200));
  }
  for (int i = 0; i < 3000; ++i) (void)client_->ReadReply();
  while (Run("DBSIZE") != ":0\r\n") ASSERT_EQ(Run("DEBUG VERIFY-STORE"), "+OK\r\n");
}

}  // namespace
}  // namespace hearth
