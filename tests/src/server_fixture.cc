#include "tests/src/server_fixture.h"

namespace hearth {

std::string ServerFixture::TryStart(std::vector<std::string> directives) {
  std::vector<std::string> args = {"--dir",
                                   folder_.path() + "/data",
                                   "--port",
                                   "0",
                                   "--workers",
                                   "2",
                                   "--shards",
                                   "16",
                                   "--save",
                                   "",
                                   "--unixsocket",
                                   socket_path(),
                                   "--enable-debug-command",
                                   "yes"};
  if (!directives.empty() && !directives[0].starts_with("--")) {  // a configuration file
    args.insert(args.begin(), directives[0]);
    directives.erase(directives.begin());
  }
  args.insert(args.end(), directives.begin(), directives.end());
  std::filesystem::create_directories(folder_.path() + "/data");
  config_ = std::make_unique<Config>();
  if (std::string error = config_->Load(args); !error.empty()) return error;
  server_ = std::make_unique<Server>(*config_, adjust_engine_);
  return server_->Start();
}

void ServerFixture::Start(std::vector<std::string> directives) {
  ASSERT_EQ(TryStart(std::move(directives)), "");
  client_ = std::make_unique<TestClient>(socket_path());
}

void ServerFixture::Stop() {
  client_.reset();
  EXPECT_TRUE(server_->Stop().ok());
  server_.reset();
}

void ServerFixture::Restart(std::vector<std::string> directives) {
  Stop();
  Start(std::move(directives));
}

std::string ServerFixture::InfoField(const std::string& section, const std::string& name) {
  const std::string text = "\n" + RunText("INFO " + section);
  const size_t at = text.find("\n" + name + ":");
  if (at == std::string::npos) return "(none)";
  const size_t start = at + name.size() + 2;
  return text.substr(start, text.find('\r', start) - start);
}

}  // namespace hearth
