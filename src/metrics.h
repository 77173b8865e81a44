#pragma once

// MetricsEndpoint: the server's figures for Prometheus, by HTTP at /metrics (`metrics-port`,
// `metrics-bind`).
//
// Thread:   has its own; it reads counters that workers write, and never makes a worker wait.
// Lifetime: begins behind Server::Start and ends before Server::Stop.
// Errors:   Start returns a text for people.

#include <memory>
#include <string>

namespace prometheus {
class Exposer;
class Collectable;
}  // namespace prometheus

namespace hearth {

class Server;

class MetricsEndpoint {
 public:
  explicit MetricsEndpoint(Server& server);
  ~MetricsEndpoint();
  MetricsEndpoint(const MetricsEndpoint&) = delete;
  MetricsEndpoint& operator=(const MetricsEndpoint&) = delete;

  // Serves when the configuration names a port. Empty when all went well.
  std::string Start();

 private:
  Server& server_;
  std::shared_ptr<prometheus::Collectable> figures_;
  std::unique_ptr<prometheus::Exposer> exposer_;
};

}  // namespace hearth
