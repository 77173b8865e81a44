#pragma once

// Scripting: what the scripts of all workers share: the bodies of EVAL and SCRIPT LOAD by their
// SHA1, the script that runs, and what is asked of it.
//
// Thread:   any.
// Lifetime: the server's.
// Limits:   of the bodies that only EVAL brought, kEvalBodiesMax are kept, the newest; those of
//           SCRIPT LOAD stay until SCRIPT FLUSH.

#include <atomic>
#include <cstdint>
#include <deque>
#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace hearth {

inline constexpr size_t kEvalBodiesMax = 500;
inline constexpr size_t kShaSize = 40;
inline constexpr int64_t kLongMs = 10;

// The words of a call as others are shown them: long ones are cut, and so are many, as in SLOWLOG.
std::vector<std::string> ShownWords(std::span<const std::string_view> words);

// 40 hexadecimal digits.
std::string Sha1Hex(std::string_view text);

class Scripting {
 public:
  using Body = std::shared_ptr<const std::string>;

  // Null: nobody has brought it. sha: in lower case.
  Body Find(std::string_view sha);
  bool Has(std::string_view sha) { return Find(sha) != nullptr; }
  // Keeps a body that compiles. loaded: by SCRIPT LOAD.
  void Add(const std::string& sha, std::string_view body, bool loaded);
  void Flush();
  // Changes with each Flush: what interpreters have compiled before is void.
  uint64_t generation() const { return generation_.load(std::memory_order_acquire); }

  size_t count();
  // What bodies occupy, roughly.
  size_t memory_bytes();

  // -- The script that runs, once it has run for kLongMs: told by its thread, seen by all.
  struct Running {
    bool is_function = false;
    std::string name;
    std::vector<std::string> command;  // of a function: as much as is shown
    int64_t started_us = 0;
  };
  // wrote: it may have, and is not killed.
  void BeginLong(Running running, bool wrote);
  // False: it was killed.
  bool EndLong();
  // Before the first write of a long script, which is not killed from then on. False: it was.
  bool TryBeginWrite();
  bool is_long() const { return is_long_.load(std::memory_order_acquire); }
  // It has run for busy-reply-threshold: others are told.
  void SetBusy() { is_busy_.store(true, std::memory_order_release); }
  bool is_busy() const { return is_busy_.load(std::memory_order_acquire); }
  Running running();

  // SCRIPT KILL or FUNCTION KILL: empty when the script will end, else the error.
  std::string Kill(bool function);
  // "BUSY ...", by the kind of what runs.
  std::string_view BusyError() const;
  bool kill_requested() const { return kill_requested_.load(std::memory_order_acquire); }
  // The server stops: the script ends, and what it wrote is never committed.
  void RequestStop() { stop_requested_.store(true, std::memory_order_release); }
  bool stop_requested() const { return stop_requested_.load(std::memory_order_acquire); }

  // `busy-reply-threshold`; 0 or less: never.
  void SetBusyAfterMs(int64_t ms) { busy_after_ms_.store(ms, std::memory_order_relaxed); }
  int64_t busy_after_ms() const { return busy_after_ms_.load(std::memory_order_relaxed); }
  // DEBUG SET-DISABLE-DENY-SCRIPTS: scripts may call some of what is not for scripts.
  void SetLiftsDenial(bool lifts) { lifts_denial_.store(lifts, std::memory_order_relaxed); }
  bool lifts_denial() const { return lifts_denial_.load(std::memory_order_relaxed); }
  // `script-memory-limit`: of each interpreter, in bytes.
  void SetMemoryMax(size_t bytes) { memory_max_.store(bytes, std::memory_order_relaxed); }
  size_t memory_max() const { return memory_max_.load(std::memory_order_relaxed); }

 private:
  struct Hash {
    using is_transparent = void;
    size_t operator()(std::string_view text) const { return std::hash<std::string_view>()(text); }
  };
  struct Entry {
    Body body;
    bool loaded;
  };

  std::mutex mutex_;
  std::unordered_map<std::string, Entry, Hash, std::equal_to<>> bodies_;
  std::deque<std::string> eval_order_;  // of those that only EVAL brought, oldest first
  size_t body_bytes_ = 0;
  std::atomic<uint64_t> generation_{0};

  std::mutex running_mutex_;
  Running running_;
  bool wrote_ = false;
  std::atomic<bool> is_long_{false}, is_busy_{false}, is_function_{false};
  std::atomic<bool> kill_requested_{false}, stop_requested_{false};
  std::atomic<bool> lifts_denial_{false};
  std::atomic<int64_t> busy_after_ms_{5000};
  std::atomic<size_t> memory_max_{size_t{1} << 30};
};

}  // namespace hearth
