#pragma once

// Node: one of several servers of this process, on a folder and a TCP port of its own; and waiting
// for what comes about between them.

#include <gtest/gtest.h>

#include <functional>
#include <latch>
#include <memory>
#include <string>
#include <vector>

#include "src/config.h"
#include "src/server.h"
#include "tests/engine/engine_fixture.h"
#include "tests/src/test_client.h"

namespace hearth {

// Whether it becomes true within 20 s.
bool Eventually(const std::function<bool()>& what);

class Node {
 public:
  explicit Node(std::vector<std::string> directives = {});
  ~Node();

  // On the same folder and port.
  void Start(std::vector<std::string> directives = {});
  void Stop();
  // Without data.
  void Wipe();

  int port() const { return port_; }
  std::string port_text() const { return std::to_string(port_); }
  Server& server() { return *server_; }
  std::string folder() const { return folder_.path(); }
  std::string data() const { return folder_.path() + "/data"; }
  TestClient Connect() { return TestClient(port_); }
  std::string Run(std::string_view line);
  std::string RunText(std::string_view line);
  std::string Info(const std::string& section, const std::string& name);
  uint64_t seq() { return server_->engine().log().committed_seq(); }
  std::string Digest() { return Run("DEBUG DIGEST"); }

  void Follow(Node& primary) { Follow(primary.port()); }
  void Follow(int port);
  // Whether it is linked and has everything of the primary.
  bool IsLevelWith(Node& primary);
  // Waits for that.
  bool CatchesUp(Node& primary) {
    return Eventually([&] { return IsLevelWith(primary); });
  }
  // Follows, and waits for that.
  bool Joins(Node& primary) {
    Follow(primary);
    return CatchesUp(primary);
  }
  // A client whose connection another worker serves than this one.
  std::unique_ptr<TestClient> ConnectElsewhere(const Worker* worker);
  // Until `release` comes down no reader thread does anything.
  void HoldReaders(std::latch& release);

 private:
  TemporaryFolder folder_;
  int port_ = 0;
  std::unique_ptr<Config> config_;
  std::unique_ptr<Server> server_;
  std::unique_ptr<TestClient> client_;
  std::vector<std::unique_ptr<TestClient>> idle_clients_;
};

}  // namespace hearth
