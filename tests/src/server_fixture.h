#pragma once

// ServerFixture: a server of this process on a temporary folder and a unix socket there; stopped
// and started again at will.

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "src/config.h"
#include "src/server.h"
#include "tests/engine/engine_fixture.h"
#include "tests/src/test_client.h"

namespace hearth {

class ServerFixture : public testing::Test {
 protected:
  void SetUp() override { Start(); }

  // Further directives as on the command line: {"--maxmemory", "100mb"}.
  void Start(std::vector<std::string> directives = {});
  void Stop();
  void Restart(std::vector<std::string> directives = {});
  // What Start says when it fails.
  std::string TryStart(std::vector<std::string> directives);

  TestClient Connect() { return TestClient(socket_path()); }
  std::string socket_path() const { return folder_.path() + "/socket"; }
  // The reply to a line on the connection that is always there.
  std::string Run(std::string_view line) { return client_->Run(line); }
  std::string RunText(std::string_view line) { return client_->RunText(line); }
  // The value of a field of INFO; "(none)" when it is not there.
  std::string InfoField(const std::string& section, const std::string& name);

  TemporaryFolder folder_;
  std::function<void(EngineOptions&)> adjust_engine_;
  std::unique_ptr<Config> config_;
  std::unique_ptr<Server> server_;
  std::unique_ptr<TestClient> client_;
};

}  // namespace hearth
