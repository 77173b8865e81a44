#pragma once

// Transaction: what one client has queued behind MULTI, what it watches, and how far its EXEC is.
//
// Thread:   its session's worker; the watcher is told of changes by any.
// Lifetime: its session's.
// Limits:   the owner closes a client whose memory_bytes exceed client-query-buffer-limit.

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "engine/watched_keys.h"
#include "net/output_buffer.h"
#include "src/command_table.h"

namespace hearth {

class Transaction {
 public:
  struct Queued {
    CommandTable::Found found;
    std::string bytes;  // of all arguments
    std::vector<std::string_view> args;
  };

  explicit Transaction(WatchedKeys& watched_keys) : watched_keys_(watched_keys) {}
  ~Transaction() { Unwatch(); }
  Transaction(const Transaction&) = delete;
  Transaction& operator=(const Transaction&) = delete;

  void Open() { is_open_ = true; }
  // Between MULTI and the end of EXEC.
  bool is_open() const { return is_open_; }
  // flags: of this call, which may be others than its command's.
  void Queue(const Args& args, const CommandTable::Found& found, uint32_t flags);
  // A command was refused: EXEC will refuse all.
  void Spoil() { is_spoiled_ = true; }
  bool is_spoiled() const { return is_spoiled_; }
  const std::vector<Queued>& queue() const { return queue_; }
  // The flags of all queued calls together.
  uint32_t flags() const { return flags_; }
  // kCmdLoading and kCmdStale, as far as some queued command runs only otherwise.
  uint32_t missing_flags() const { return missing_flags_; }
  // Drops the queue and the watches.
  void Discard();

  Watcher& watcher() { return watcher_; }
  void Unwatch() { watched_keys_.Clear(watcher_); }

  size_t memory_bytes() const { return queued_bytes_ + watcher_.memory_bytes(); }

  // -- While EXEC runs: it may wait for other workers between two commands.
  struct Run {
    bool is_active = false;
    size_t next = 0;  // of the queue
    uint64_t started_us = 0;
    OutputBuffer replies;
    OutputBuffer* output = nullptr;  // the connection's: replies go there as a whole
    bool muted = false;              // as EXEC began
  };
  Run run;

 private:
  WatchedKeys& watched_keys_;
  Watcher watcher_;
  std::vector<Queued> queue_;
  size_t queued_bytes_ = 0;
  uint32_t flags_ = 0, missing_flags_ = 0;
  bool is_open_ = false;
  bool is_spoiled_ = false;
};

}  // namespace hearth
