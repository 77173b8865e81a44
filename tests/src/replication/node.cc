#include "tests/src/replication/node.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <chrono>
#include <filesystem>

namespace hearth {
namespace {

// A port that was free a moment ago.
int FreePort() {
  const int fd = socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof(address);
  EXPECT_EQ(bind(fd, reinterpret_cast<sockaddr*>(&address), size), 0);
  EXPECT_EQ(getsockname(fd, reinterpret_cast<sockaddr*>(&address), &size), 0);
  close(fd);
  return ntohs(address.sin_port);
}

}  // namespace

bool Eventually(const std::function<bool()>& what) {
  const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(20);
  while (!what()) {
    if (std::chrono::steady_clock::now() > end) return false;
    usleep(2000);  // between two looks: what happens elsewhere tells nobody here
  }
  return true;
}

Node::Node(std::vector<std::string> directives) : port_(FreePort()) {
  Start(std::move(directives));
}

Node::~Node() {
  if (server_) Stop();
}

void Node::Start(std::vector<std::string> directives) {
  std::vector<std::string> args = {"--dir",
                                   data(),
                                   "--port",
                                   port_text(),
                                   "--workers",
                                   "2",
                                   "--shards",
                                   "16",
                                   "--save",
                                   "",
                                   "--repl-ping-replica-period",
                                   "1",
                                   "--enable-debug-command",
                                   "yes"};
  if (!directives.empty() && !directives[0].starts_with("--")) {  // a configuration file
    args.insert(args.begin(), directives[0]);
    directives.erase(directives.begin());
  }
  args.insert(args.end(), directives.begin(), directives.end());
  std::filesystem::create_directories(data());
  config_ = std::make_unique<Config>();
  ASSERT_EQ(config_->Load(args), "");
  server_ = std::make_unique<Server>(*config_);
  ASSERT_EQ(server_->Start(), "");
  client_ = std::make_unique<TestClient>(port_);
}

void Node::Stop() {
  client_.reset();
  idle_clients_.clear();
  EXPECT_TRUE(server_->Stop().ok());
  server_.reset();
}

void Node::Wipe() {
  std::filesystem::remove_all(data());
}

// Anew when the server has closed the connection, as a change of roles may.
std::string Node::Run(std::string_view line) {
  std::string reply = client_->Run(line);
  if (!reply.empty()) return reply;
  client_ = std::make_unique<TestClient>(port_);
  return client_->Run(line);
}

std::string Node::RunText(std::string_view line) {
  return client_->RunText(line);
}

std::string Node::Info(const std::string& section, const std::string& name) {
  const std::string text = "\n" + RunText("INFO " + section);
  const size_t at = text.find("\n" + name + ":");
  if (at == std::string::npos) return "(none)";
  const size_t start = at + name.size() + 2;
  return text.substr(start, text.find('\r', start) - start);
}

std::unique_ptr<TestClient> Node::ConnectElsewhere(const Worker* worker) {
  for (;;) {
    std::vector<size_t> before;
    for (const auto& each : server_->workers()) before.push_back(each->connection_count());
    auto client = std::make_unique<TestClient>(port_);
    EXPECT_EQ(before.size(), 2u);
    const auto has_grown = [&](size_t i) {
      return server_->workers()[i]->connection_count() > before[i];
    };
    EXPECT_TRUE(Eventually([&] { return has_grown(0) || has_grown(1); }));
    if (server_->workers()[has_grown(0) ? 0 : 1].get() != worker) return client;
    idle_clients_.push_back(std::move(client));
  }
}

void Node::HoldReaders(std::latch& release) {
  for (size_t i = 0; i < server_->engine().options().reader_count; ++i) {
    server_->engine().RunOnReaders([&release] { release.wait(); });
  }
}

void Node::Follow(int port) {
  ASSERT_EQ(Run("REPLICAOF 127.0.0.1 " + std::to_string(port)), "+OK\r\n");
}

bool Node::IsLevelWith(Node& primary) {
  return Info("replication", "master_link_status") == "up" && seq() == primary.seq() &&
         server_->engine().log().history() == primary.server().engine().log().history();
}

}  // namespace hearth
