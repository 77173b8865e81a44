#pragma once

// ClientEviction: holds the memory of all clients together to `maxmemory-clients`, by closing those
// that take the most.
//
// What a client takes is Session::memory_bytes (tot-mem of CLIENT LIST). Each worker has a table of
// its clients, which the end of each of its turns brings up to date for the connections of that
// turn: others have not changed. Where this brings the sum of all tables above the limit, that
// worker chooses, in all tables, the biggest first and of equals the oldest, until what stays is
// within the limit. What is chosen leaves the sum at once, so that nobody is chosen twice or in
// vain. Each worker closes those of its own at the end of a turn, behind the turn's replies: the
// one that chooses in that same turn, others in one that they are woken for.
//
// A client that is under CLIENT NO-EVICT counts and is never chosen. Replicas and the stream of a
// primary do not count. When the limit changes, and once a second, a worker counts all its clients;
// nobody chooses until this is done. With no limit the tables are empty, and a turn costs one test
// of a flag.
//
// Thread:   Configure, the figures and Histogram any; the rest the worker's of the clients.
// Lifetime: outlives its workers' threads.
// Limits:   memory exceeds the limit by what one turn reads and writes. A choice looks once at each
//           client. What is served within a long script is counted once that is over, and what is
//           chosen of its worker is closed then.

#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <unordered_map>
#include <vector>

#include "net/worker.h"

namespace hearth {

class Config;

// A lower limit works as this one: some client must be able to raise it.
inline constexpr uint64_t kClientsMemoryMin = 128 * 1024;

class ClientEviction {
 public:
  explicit ClientEviction(const std::vector<std::unique_ptr<Worker>>& workers);
  ClientEviction(const ClientEviction&) = delete;
  ClientEviction& operator=(const ClientEviction&) = delete;

  // Takes the limit from `maxmemory-clients` and `maxmemory`; evicts soon what is too much for it.
  // Requires: no other call of it meanwhile.
  void Configure(const Config& config);
  bool is_on() const { return limit_bytes_.load(std::memory_order_relaxed) != 0; }
  // 0 = none.
  uint64_t limit_bytes() const { return limit_bytes_.load(std::memory_order_relaxed); }

  // A turn of the worker is over in which these took part: counts and closes.
  void FollowTurn(Worker& worker, std::span<Connection* const> turn);
  // The end of this turn counts every client of the worker, whether it took part or not.
  void CountAll(Worker& worker) { TableOf(worker).is_stale = true; }
  // The client is gone.
  void Forget(Connection& connection) {
    if (is_on()) ForgetCounted(connection);
  }

  // What counts, as of the workers' last turns; 0 while there is no limit.
  uint64_t counted_bytes() const;
  uint64_t evicted_count() const { return evicted_count_.load(std::memory_order_relaxed); }
  void ResetCount() { evicted_count_ = 0; }
  // The clients that may be evicted by powers of two of their memory, a line each, as DEBUG
  // CLIENT-EVICTION prints them.
  std::string Histogram();

 private:
  struct Entry {
    uint64_t bytes = 0;
    bool may_go = false;
    bool is_going = false;  // chosen, not closed yet: counts no more

    uint64_t counted_bytes() const { return is_going ? 0 : bytes; }
    bool is_candidate() const { return may_go && !is_going; }
  };
  // The clients of one worker. Its thread writes entries, a choice marks them.
  struct alignas(64) Table {
    explicit Table(Worker& worker) : worker(worker) {}

    Worker& worker;
    std::atomic<bool> is_stale{false};  // all clients are to be counted
    std::atomic<uint64_t> bytes{0};     // the sum of counted_bytes
    std::atomic<uint64_t> candidate_count{0};
    std::mutex mutex;                             // of what follows, and of writing the sums
    std::unordered_map<uint64_t, Entry> entries;  // by the connection's id
    std::vector<uint64_t> chosen;                 // ids to close
  };
  struct Candidate {
    uint64_t bytes;
    uint64_t id;
    size_t worker_index;
  };

  Table& TableOf(const Worker& worker) { return *tables_[static_cast<size_t>(worker.index())]; }
  // Requires: the table's lock.
  static void Replace(Table& table, Entry* entry, const Entry& now);
  static void Erase(Table& table, uint64_t id);
  static void Count(Table& table, Connection& connection);

  void ForgetCounted(Connection& connection);
  void Clear();
  bool IsAbove() const;
  bool IsAnyStale() const;
  bool HasCandidates() const;
  void ChooseExcess();
  void Choose();
  std::vector<Candidate> Candidates();
  void Mark(const Candidate& candidate);
  void CloseChosen(Table& table);
  void Spare(Table& table, Connection& connection);

  std::vector<std::unique_ptr<Table>> tables_;  // by worker
  std::atomic<uint64_t> limit_bytes_{0};
  std::mutex choose_mutex_;              // one chooses at a time; taken before a table's
  std::atomic<bool> short_told_{false};  // in the log: all that may go are gone
  std::atomic<uint64_t> evicted_count_{0};
};

}  // namespace hearth
