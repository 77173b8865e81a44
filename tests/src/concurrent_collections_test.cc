// Many clients on several workers, commands over several keys of all collection types at once: for
// the thread sanitizer, and for what must hold between commands of different connections.
// HEARTH_STRESS_COMMANDS makes it longer.
#include <atomic>
#include <cstdlib>
#include <random>
#include <thread>

#include "tests/src/server_fixture.h"

namespace hearth {
namespace {

constexpr int kClientCount = 6;
constexpr int kTokenCount = 40;

// %l %s %z %h %x: a key of that type; %k: of any; %n: a number; %e: an end; %w: a short wait in
// seconds; %v: a value, now and then a long one.
constexpr const char* kCommands[] = {
    "RPUSH %l %n %v",
    "LPUSH %l %n %n %v",
    "LPOP %l 2",
    "RPOP %l",
    "LMOVE %l %l %e %e",
    "LINSERT %l BEFORE %n %v",
    "LREM %l 1 %n",
    "LTRIM %l 1 40",
    "LSET %l 3 %v",
    "BLPOP %l %l %w",
    "BLMOVE %l %l %e %e %w",
    "BLMPOP %w 2 %l %l %e COUNT 3",
    "SORT %l ALPHA LIMIT 0 10 STORE %l",
    "SADD %s %n %n %v",
    "SADD %s %n %n %n",
    "SMOVE %s %s %n",
    "SPOP %s 3",
    "SREM %s %n",
    "SINTERSTORE %s %s %s",
    "SUNIONSTORE %s %s %s",
    "SDIFFSTORE %s %s %s",
    "SMEMBERS %s",
    "ZADD %z %n m%n %n %v",
    "ZADD %z %n m%n %n m%n %n m%n",
    "ZINCRBY %z 1 m%n",
    "ZUNIONSTORE %z 2 %z %s AGGREGATE MAX",
    "ZINTERSTORE %z 2 %z %z",
    "ZRANGESTORE %z %z 0 20",
    "ZREMRANGEBYRANK %z 0 3",
    "BZPOPMIN %z %z %w",
    "BZMPOP %w 2 %z %z MAX COUNT 3",
    "HSET %h %n %v %n 1",
    "HSET %h %n 1 %n 2 %n 3",
    "HINCRBY %h %n 1",
    "HDEL %h %n %n",
    "HEXPIRE %h 1 FIELDS 2 %n %n",
    "HPEXPIRE %h %n FIELDS 2 %n %n",
    "HPERSIST %h FIELDS 1 %n",
    "HSETEX %h PX %n FIELDS 2 %n %v %n 1",
    "HSETEX %h KEEPTTL FNX FIELDS 1 %n %v",
    "HGETEX %h PX %n FIELDS 2 %n %n",
    "HGETDEL %h FIELDS 2 %n %n",
    "HGETALL %h",
    "XADD %x MAXLEN ~ 60 * f %v",
    "XADD %x * f 1 g 2",
    "XGROUP CREATE %x g 0 MKSTREAM",
    "XREADGROUP GROUP g c%n COUNT 3 BLOCK 4 STREAMS %x %x > >",
    "XREADGROUP GROUP g c1 COUNT 3 STREAMS %x >",
    "XREAD BLOCK 5 STREAMS %x $",
    "XAUTOCLAIM %x g c1 0 0 COUNT 5",
    "XTRIM %x MAXLEN 20",
    "XINFO STREAM %x FULL",
    "RENAME %l %l",
    "RENAME %s %s",
    "RENAME %z %z",
    "RENAME %h %h",
    "RENAME %x %x",
    "RENAME %k %k",
    "COPY %k %k REPLACE",
    "DUMP %k",
    "DEL %k %k",
    "UNLINK %k",
    "PEXPIRE %k %n",
    "SCAN 0 COUNT 50",
    "DEBUG DEMOTE-ALL",
};

std::string KeyOf(std::mt19937_64& random, char type) {
  static constexpr char kTypes[] = {'l', 's', 'z', 'h', 'x'};
  if (type == 'k') type = kTypes[random() % std::size(kTypes)];
  return type + std::to_string(random() % 5);
}

std::string CommandOf(std::mt19937_64& random) {
  if (random() % 1000 == 0) return random() % 2 == 0 ? "FLUSHDB" : "FLUSHDB ASYNC";
  std::string line;
  for (const char* at = kCommands[random() % std::size(kCommands)]; *at != '\0'; ++at) {
    if (*at != '%') {
      line += *at;
      continue;
    }
    switch (*++at) {
      case 'n':
        line += std::to_string(random() % 90);
        break;
      case 'e':
        line += random() % 2 == 0 ? "LEFT" : "RIGHT";
        break;
      case 'w':
        line += "0.00" + std::to_string(1 + random() % 5);
        break;
      case 'v':
        line += std::string(1 + (random() % 4 == 0 ? random() % 1500 : random() % 4), 'v');
        break;
      default:
        line += KeyOf(random, *at);
    }
  }
  return line;
}

class ConcurrentCollectionsTest : public ServerFixture {
 protected:
  // So small a limit that everything flushed is demoted at once and loaded again.
  void SetUp() override {
    Start({"--workers", "4", "--maxmemory", "1mb", "--write-buffer-size", "256kb", "--hz", "100"});
  }

  // The sum of integer replies to a command on the keys name0..name2.
  int SumOf(const std::string& command, const std::string& name) {
    int sum = 0;
    for (int i = 0; i < 3; ++i) {
      sum += std::atoi(Run(command + " " + name + std::to_string(i)).c_str() + 1);
    }
    return sum;
  }
};

// Moves tokens between keys of database 2: what is moved is always in one place or the other.
class Mover {
 public:
  Mover(const std::string& socket_path, int index)
      : random_(static_cast<uint64_t>(index)), consumer_("c" + std::to_string(index)) {
    client_ = std::make_unique<TestClient>(socket_path);
    client_->Run("SELECT 2");
  }

  void Move() {
    const std::string from = Place(), to = Place();
    const std::string token = "token" + std::to_string(random_() % kTokenCount);
    client_->Run("SMOVE bag" + from + " bag" + to + " " + token);
    const char* move = random_() % 2 == 0 ? "LMOVE" : "BLMOVE";
    client_->Run(std::string(move) + " ring" + from + " ring" + to + " LEFT RIGHT" +
                 (move[0] == 'B' ? " 0.005" : ""));
    const std::string popped = client_->Run("BZPOPMIN line" + from + " line" + to + " 0.005");
    if (const size_t at = popped.find("token"); at != std::string::npos) {
      client_->Run("ZADD line" + to + " 1 " + popped.substr(at, popped.find("\r\n", at) - at));
    }
    client_->Run("XADD log * n 1");
    const std::string read =
        client_->Run("XREADGROUP GROUP all " + consumer_ + " COUNT 1 BLOCK 5 STREAMS log >");
    if (const size_t at = read.find('-'); at != std::string::npos) {
      const size_t begin = read.rfind('\n', at) + 1;
      const std::string id = read.substr(begin, read.find("\r\n", at) - begin);
      acked += client_->Run("XACK log all " + id) == ":1\r\n";
    }
  }

  int acked = 0;

 private:
  std::string Place() { return std::to_string(random_() % 3); }

  std::mt19937_64 random_;
  const std::string consumer_;
  std::unique_ptr<TestClient> client_;
};

TEST_F(ConcurrentCollectionsTest, NothingIsLostOrDoubledAndTheStoreAgrees) {
  const char* text = std::getenv("HEARTH_STRESS_COMMANDS");
  const int command_count = text != nullptr ? std::atoi(text) : 1500;
  Run("SELECT 2");
  Run("XGROUP CREATE log all 0 MKSTREAM");
  for (int i = 0; i < kTokenCount; ++i) {
    const std::string token = "token" + std::to_string(i);
    Run("RPUSH ring0 " + token);
    Run("SADD bag0 " + token);
    Run("ZADD line0 1 " + token);
  }
  std::atomic<int> silent{0}, acked{0};
  std::vector<std::thread> clients;
  for (int index = 0; index < kClientCount; ++index) {
    clients.emplace_back([&, index] {
      std::mt19937_64 random(static_cast<uint64_t>(index) + 1);
      TestClient client(socket_path());
      Mover mover(socket_path(), index);
      for (int i = 0; i < command_count; ++i) {
        silent += client.Run(CommandOf(random)).empty();
        if (i % 5 == 0) mover.Move();
      }
      acked += mover.acked;
    });
  }
  for (std::thread& client : clients) client.join();
  EXPECT_EQ(silent, 0);
  for (int round = 0; round < 2; ++round) {
    Run("SELECT 2");
    EXPECT_EQ(SumOf("LLEN", "ring"), kTokenCount);
    EXPECT_EQ(SumOf("SCARD", "bag"), kTokenCount);
    EXPECT_EQ(SumOf("ZCARD", "line"), kTokenCount);
    EXPECT_EQ(Run("XLEN log"), ":" + std::to_string(acked) + "\r\n");
    EXPECT_EQ(Run("XPENDING log all").substr(0, 8), "*4\r\n:0\r\n");
    Run("DEBUG SET-ACTIVE-EXPIRE 0");
    EXPECT_EQ(Run("DEBUG VERIFY-STORE"), "+OK\r\n");
    if (round == 0) Restart();
  }
}

}  // namespace
}  // namespace hearth
