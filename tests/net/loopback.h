#pragma once

// A server with a toy handler on a loopback port, and a blocking client for it.
//
// The toy's requests: PING, ECHO x, BIG bytes, PARK (pauses until Resume), HOLD barrier text
// (the reply waits for the barrier), QUIT; anything else is an error.

#include <gtest/gtest.h>

#include <atomic>
#include <condition_variable>
#include <future>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "net/connection.h"
#include "net/listener.h"
#include "net/worker.h"

namespace hearth {

// What all toy handlers of a test share.
struct ToyState {
  std::mutex mutex;
  std::condition_variable changed;
  std::vector<std::string> close_reasons;
  size_t parked_count = 0;       // how often PARK paused a connection
  std::atomic<bool> park{true};  // PARK pauses; false: PARK answers
  size_t hard_bytes = 0;
  size_t soft_bytes = 0;
  uint32_t soft_seconds = 0;
  size_t output_bytes_peak = 0;

  void WaitForCloses(size_t count);
  std::string FirstCloseReason();  // "" while none
  void WaitForParks(size_t count);
};

class ToyHandler : public ConnectionHandler {
 public:
  ToyHandler(Connection& connection, ToyState& state);
  size_t OnRequests(const RequestBatch& batch) override;
  void OnClose() override;

 private:
  bool RunOne(std::span<const std::string_view> args);

  Connection& connection_;
  ToyState& state_;
};

// Releases nothing by itself unless told.
class ToyHook : public TurnHook {
 public:
  CommitResult CommitTurn(uint64_t barrier) override;

  // Waits until a turn's end was told a barrier of at least this.
  void WaitForBarrier(uint64_t barrier);

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  uint64_t barrier_max_ = 0;
};

class Client {
 public:
  explicit Client(int port);
  explicit Client(const std::string& unix_path);
  ~Client();
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;

  int fd() const { return fd_; }
  void Send(std::string_view bytes);
  // Exactly `size` bytes, or fewer when the server closed or nothing came for ten seconds.
  std::string Read(size_t size);
  // Sends, then reads as many bytes as `expected` has.
  std::string Ask(std::string_view bytes, std::string_view expected);
  std::string ReadUntilClosed();
  // Nothing arrived so far.
  bool IsQuiet();
  void ShutdownWrite();

 private:
  int fd_;
};

class Loopback : public testing::Test {
 protected:
  void SetUp() override { Start({.bind = {"127.0.0.1"}}); }
  void TearDown() override { StopAll(); }

  void Start(ListenerOptions options, int worker_count = 1);
  void StopAll();
  int port() const { return listener_->port(); }

  // Runs on the worker and waits until it ran.
  void OnWorker(const std::function<void(Worker&)>& function, size_t worker = 0);
  // Runs on the worker for the only connection.
  void OnConnection(const std::function<void(Connection&)>& function);

  ToyState state_;
  ToyHook hook_;
  bool use_hook_ = false;
  std::vector<std::unique_ptr<Worker>> workers_;
  std::unique_ptr<Listener> listener_;
};

}  // namespace hearth
