#pragma once

// CommandStream: what followers that speak Redis' replication protocol are sent: the commands that
// changed the data, as RESP, in the order of the log.
//
// Nothing is kept, and a command pays one look at a flag, while nobody follows. Then each Tx hands
// over, while it holds its place in the log, the commands that stand for what it did
// (src/effects.h), as one unit: several commands stand between MULTI and EXEC. A unit has the
// sequence of the log that holds its rows, and may be read once that is committed.
//
// The stream has an id and byte offsets of its own, as a Redis' has: a follower that was cut off
// goes on where it was while the stream is kept.
//
// Thread:   any; a leaf lock. Append in the order of sequences: within a turn at the log.
// Lifetime: the server's.
// Limits:   SetLimits: what is kept for those that were cut off, and what is held for those that
//           follow; a follower that needs more can't read on.

#include <atomic>
#include <cstdint>
#include <deque>
#include <initializer_list>
#include <map>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace hearth {

// What deletes a key when no client says DEL or UNLINK: lazyfree-lazy-eviction, -expire,
// -server-del, -user-del. There is no difference here, but followers are told as Redis tells them.
enum class LazyDeletion : uint8_t { kEviction, kExpiry, kServer, kUser };

// One command of a unit.
struct StreamCommand {
  std::optional<uint32_t> db;  // none: it means the same in any (PING)
  std::string resp;
};

// A command's words as RESP.
std::string StreamWords(std::span<const std::string_view> words);
inline std::string StreamWords(std::initializer_list<std::string_view> words) {
  return StreamWords(std::span(words.begin(), words.size()));
}

class CommandStream {
 public:
  // Where a follower begins that has all data of a view.
  struct Start {
    std::string id;
    uint64_t offset = 0;
    std::string preamble;  // comes before the stream, and is counted: its end is where it begins
  };

  void SetLimits(uint64_t backlog_bytes, uint64_t held_bytes_max);
  void SetLazy(LazyDeletion kind, bool is_lazy);
  std::string_view DeletionVerb(LazyDeletion kind) const {
    return lazy_kinds_.load(std::memory_order_relaxed) >> static_cast<int>(kind) & 1 ? "UNLINK"
                                                                                     : "DEL";
  }

  bool active() const { return active_.load(std::memory_order_relaxed); }
  // Begins a stream unless one is kept. Requires: every shard is locked.
  void Begin();
  // Nothing is kept any more; the next is another stream.
  void End();

  // seq: of the last row that the unit stands for. Not active: nothing happens.
  void Append(uint64_t seq, std::span<const StreamCommand> unit);
  // The same for what changes no data.
  void AppendLoose(const StreamCommand& command);
  // What is above the sequence was not committed, and never will be.
  void DropAbove(uint64_t seq);

  // Begins behind a view that holds everything up to seq, and holds what follows for the follower.
  // An empty id: what follows is no longer kept.
  Start Attach(uint64_t follower, uint64_t seq);
  // Goes on at an offset of this stream. False: it is another one, or does not reach so far back.
  bool Attach(uint64_t follower, std::string_view id, uint64_t offset);
  void Detach(uint64_t follower);
  // Reads on at offset, of what is committed, about bytes_max; nothing = up to date. What is before
  // it is not held any longer. False: it is no longer kept.
  bool Read(uint64_t follower, uint64_t offset, uint64_t committed_seq, size_t bytes_max,
            std::string* bytes);
  // The sequence up to which somebody has everything who has the stream up to the offset.
  // committed_seq: read before.
  uint64_t SeqAt(uint64_t offset, uint64_t committed_seq) const;

  std::string id() const;
  uint64_t end_offset() const;
  // Bytes that are kept, and since when nobody follows (steady clock, us; 0: somebody does).
  uint64_t kept_bytes() const;
  int64_t alone_since_us() const;

 private:
  struct Unit {
    uint64_t seq = 0;
    uint64_t end_offset = 0;
    std::optional<uint32_t> db;  // that its first command runs in
    bool selects = false;        // it begins with a SELECT for that
    std::string bytes;
    uint64_t begin_offset() const { return end_offset - bytes.size(); }
  };
  void AppendTransaction(std::span<const StreamCommand> commands, Unit* unit_to);
  void AppendLocked(uint64_t seq, std::span<const StreamCommand> unit);
  void Trim();
  size_t IndexAt(uint64_t offset) const;

  std::atomic<bool> active_{false};
  std::atomic<uint32_t> lazy_kinds_{0};  // bits
  mutable std::mutex mutex_;
  std::string id_;
  std::deque<Unit> units_;
  uint64_t end_offset_ = 0;
  uint64_t kept_bytes_ = 0;
  uint64_t dropped_seq_ = 0;            // everything up to here was dropped from the front
  std::optional<uint32_t> selected_;    // by the stream's last SELECT
  std::map<uint64_t, uint64_t> holds_;  // follower -> the offset that it needs next
  int64_t alone_since_us_ = 0;
  uint64_t backlog_bytes_ = 1 << 20;
  uint64_t held_bytes_max_ = 256 << 20;
};

}  // namespace hearth
