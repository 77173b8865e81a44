#pragma once

// PauseGate: what makes commands of clients wait: CLIENT PAUSE, and a FAILOVER or a shutdown that
// holds writes until replicas have them.
//
// Thread:   any; the calls with a session its worker's.
// Lifetime: its server's.

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <mutex>

namespace hearth {

class Server;
class Session;

// Who holds writes: bits, for both may at once.
enum class WriteHolder : uint8_t { kFailover = 1, kShutdown = 2 };

class PauseGate {
 public:
  explicit PauseGate(Server& server) : server_(server) {}

  // CLIENT PAUSE until a wall clock time, of all commands or of writes.
  void Pause(int64_t until_ms, bool only_writes);
  void Unpause();
  // No client ends this.
  void HoldWrites(WriteHolder holder, bool hold);

  // Parks the session when its command has to wait for the pause's end.
  bool Waits(Session& session, uint32_t command_flags);
  // The session's command waits for this no more, or the client has left.
  void LetGo(Session& session);
  // Clients whose command waits now.
  size_t held_count() const { return held_count_.load(std::memory_order_relaxed); }

 private:
  void End(int64_t until_ms);
  void Hold(Session& session, int64_t wait_ms);

  Server& server_;
  std::mutex mutex_;  // of changes
  std::atomic<int64_t> until_ms_{0};
  std::atomic<bool> only_writes_{false};
  std::atomic<uint8_t> holders_{0};  // bits of WriteHolder
  std::atomic<size_t> held_count_{0};
};

}  // namespace hearth
