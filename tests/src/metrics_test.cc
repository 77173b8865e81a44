#include "src/metrics.h"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/src/server_fixture.h"

namespace hearth {
namespace {

// A port that nobody listens at.
int FreePort() {
  const int fd = socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof(address);
  bind(fd, reinterpret_cast<sockaddr*>(&address), size);
  getsockname(fd, reinterpret_cast<sockaddr*>(&address), &size);
  close(fd);
  return ntohs(address.sin_port);
}

std::string Scrape(int port) {
  TestClient http(port);
  http.SendRaw("GET /metrics HTTP/1.0\r\n\r\n");
  return http.ReadToEnd();
}

class MetricsTest : public ServerFixture {};

TEST_F(MetricsTest, FiguresAreServedByHttp) {
  const int port = FreePort();
  Restart({"--metrics-port", std::to_string(port)});
  MetricsEndpoint metrics(*server_);
  ASSERT_EQ(metrics.Start(), "");
  for (const char* line : {"SET k 1", "SET k2 1 EX 100", "GET k", "GET nothing", "LPUSH k a",
                           "DEBUG DEMOTE-ALL", "GET k"}) {
    Run(line);
  }
  const std::string text = Scrape(port);
  for (const char* line :
       {"hearth_connected_clients 1", "hearth_commands_total{command=\"get\"} 3",
        "hearth_commands_failed_total{command=\"lpush\"} 1",
        "hearth_errors_total{code=\"WRONGTYPE\"} 1", "hearth_keys{db=\"0\"} 2",
        "hearth_keys_with_expiry{db=\"0\"} 1", "hearth_keys_hot 1", "hearth_keys_cold 1",
        "hearth_loads_total 1", "hearth_demotions_total 2", "hearth_writes_allowed 1",
        "hearth_command_duration_seconds_bucket{le=\"+Inf\"}", "hearth_wal_bytes_total ",
        "hearth_rocksdb_level_files{level=\"0\"} ", "hearth_rocksdb_block_cache_bytes ",
        "hearth_rocksdb_memtable_bytes ", "hearth_snapshot_last_ok 1"}) {
    EXPECT_NE(text.find(std::string("\n") + line), std::string::npos) << line << "\n" << text;
  }
}

TEST_F(MetricsTest, APortThatIsTakenIsReported) {
  const int port = FreePort();
  Restart({"--metrics-port", std::to_string(port)});
  MetricsEndpoint metrics(*server_), second(*server_);
  ASSERT_EQ(metrics.Start(), "");
  EXPECT_TRUE(second.Start().starts_with("Can't serve metrics at 127.0.0.1:"));
}

TEST_F(MetricsTest, NothingIsServedByDefault) {
  EXPECT_EQ(Run("CONFIG GET metrics-port"), WireArray({"metrics-port", "0"}));
  MetricsEndpoint metrics(*server_);
  EXPECT_EQ(metrics.Start(), "");
}

}  // namespace
}  // namespace hearth
