// Tested by tests/src/client_commands_test.cc.
#include "src/pause_gate.h"

#include <algorithm>

#include "src/server.h"
#include "src/session.h"

namespace hearth {
namespace {

constexpr int64_t kLookAgainMs = 50;

}  // namespace

void PauseGate::Pause(int64_t until_ms, bool only_writes) {
  std::lock_guard lock(mutex_);
  // Of two pauses the longer end and the stricter kind hold.
  const bool paused = until_ms_ > server_.clock().WallMs();
  only_writes_ = only_writes && (!paused || only_writes_);
  until_ms_ = paused ? std::max(until_ms_.load(), until_ms) : until_ms;
  server_.engine().SetPaused(true);
}

void PauseGate::Unpause() {
  std::lock_guard lock(mutex_);
  until_ms_ = 0;
  server_.engine().SetPaused(holders_ != 0);
}

void PauseGate::HoldWrites(WriteHolder holder, bool hold) {
  std::lock_guard lock(mutex_);
  const auto bit = static_cast<uint8_t>(holder);
  holders_ = static_cast<uint8_t>(hold ? holders_ | bit : holders_ & ~bit);
  server_.engine().SetPaused(holders_ != 0 || until_ms_ != 0);
}

// Ends a client's pause, unless another was given meanwhile.
void PauseGate::End(int64_t until_ms) {
  std::lock_guard lock(mutex_);
  if (until_ms_ != until_ms) return;
  until_ms_ = 0;
  server_.engine().SetPaused(holders_ != 0);
}

bool PauseGate::Waits(Session& session, uint32_t command_flags) {
  const int64_t until_ms = until_ms_.load(std::memory_order_relaxed);
  const bool holds_writes = holders_.load(std::memory_order_relaxed) != 0;
  if (until_ms == 0 && !holds_writes) [[likely]]
    return false;
  const int64_t left_ms = until_ms == 0 ? 0 : until_ms - server_.clock().WallMs();
  if (until_ms != 0 && left_ms <= 0) End(until_ms);
  const bool is_write = (command_flags & (kCmdWrite | kCmdMayReplicate)) != 0;
  if (is_write && holds_writes) {
    Hold(session, kLookAgainMs);
    return true;
  }
  if (left_ms <= 0 || (only_writes_ && !is_write)) return false;
  Hold(session, std::min(left_ms, kLookAgainMs));
  return true;
}

void PauseGate::Hold(Session& session, int64_t wait_ms) {
  if (!session.is_held()) held_count_.fetch_add(1, std::memory_order_relaxed);
  session.set_held(true);
  Server::ResumeLater(session, wait_ms);
}

void PauseGate::LetGo(Session& session) {
  if (!session.is_held()) return;
  session.set_held(false);
  held_count_.fetch_sub(1, std::memory_order_relaxed);
}

}  // namespace hearth
