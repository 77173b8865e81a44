// Tested by tests/src/process_title_test.cc.
#include "src/process_title.h"

#include <bsd/unistd.h>

#include "src/config.h"

namespace hearth {
namespace {

std::string ListenAddress(const Config& config, int port) {
  if (port == 0) port = static_cast<int>(config.Int("tls-port"));
  if (port == 0) return config.Text("unixsocket");
  const std::string addresses = config.Text("bind");
  std::string address = addresses.substr(0, addresses.find(' '));
  if (address.starts_with('-')) address.erase(0, 1);
  if (address.empty()) address = "*";
  if (address.find(':') != std::string::npos) address = "[" + address + "]";
  return address + ":" + std::to_string(port);
}

std::optional<std::string> ValueOf(const Config& config, std::string_view name,
                                   std::string_view program, int port) {
  if (name == "title") return std::string(program);
  if (name == "listen-addr") return ListenAddress(config, port);
  if (name == "server-mode") return "";  // Redis': of Sentinels and of clusters
  if (name == "port") return std::to_string(port);
  if (name == "tls-port") return std::to_string(config.Int("tls-port"));
  if (name == "unixsocket") return config.Text("unixsocket");
  if (name == "config-file") return config.file();
  return std::nullopt;
}

}  // namespace

std::optional<std::string> FormatProcessTitle(const Config& config, std::string_view program,
                                              int port) {
  const std::string text = config.Text("proc-title-template");
  std::string title;
  for (size_t at = 0; at < text.size(); ++at) {
    const char c = text[at];
    if (c != '{' && c != '}') {
      title += c;
    } else if (at + 1 < text.size() && text[at + 1] == c) {
      title += c;
      ++at;
    } else {
      const size_t end = c == '{' ? text.find('}', at) : std::string::npos;
      if (end == std::string::npos) return std::nullopt;
      const auto value = ValueOf(config, text.substr(at + 1, end - at - 1), program, port);
      if (!value) return std::nullopt;
      title += *value;
      at = end;
    }
  }
  title.erase(title.find_last_not_of(' ') + 1);
  return title;
}

void BeginProcessTitles(int argc, char** argv) {
  setproctitle_init(argc, argv, environ);
}

void SetProcessTitle(const std::string& title) {
  setproctitle("-%s", title.c_str());
}

}  // namespace hearth
