// Tested by tests/src/client_eviction_test.cc.
#include "src/client_eviction.h"

#include <algorithm>
#include <bit>
#include <cinttypes>
#include <cstdio>

#include "src/config.h"
#include "src/log.h"
#include "src/numbers.h"
#include "src/session.h"

namespace hearth {
namespace {

// Sizes below 2^15 are one class of the histogram, those from 2^32 on another.
constexpr int kFirstClassBits = 15;
constexpr int kLastClassBits = 32;
constexpr size_t kClassCount = kLastClassBits - kFirstClassBits + 2;

Session& SessionOf(Connection& connection) {
  return static_cast<Session&>(*connection.handler());
}

bool Counts(Session& session) {
  return !session.is_replica() && !session.applies_stream();
}

// A percentage of no `maxmemory` is no limit.
uint64_t LimitOf(const Config& config) {
  const std::string text = config.Text("maxmemory-clients");
  if (!text.ends_with('%')) {
    const auto bytes = static_cast<uint64_t>(*ParseInt64(text));
    return bytes == 0 ? 0 : std::max(bytes, kClientsMemoryMin);
  }
  const int64_t maxmemory = config.Int("maxmemory");
  const auto percent = static_cast<double>(*ParseInt64(text.substr(0, text.size() - 1)));
  const auto bytes = static_cast<uint64_t>(static_cast<double>(maxmemory) * percent / 100);
  return maxmemory == 0 ? 0 : std::max(bytes, kClientsMemoryMin);
}

size_t ClassOf(uint64_t bytes) {
  const int bits = std::clamp<int>(std::bit_width(bytes), kFirstClassBits, kLastClassBits + 1);
  return static_cast<size_t>(bits - kFirstClassBits);
}

// "bucket      32768 -      65535: tot-mem:          0, clients: 0"
std::string ClassLine(size_t index, uint64_t bytes, uint64_t client_count) {
  const uint64_t first = index == 0 ? 0 : uint64_t{1} << (index + kFirstClassBits - 1);
  const uint64_t last = (uint64_t{1} << (index + kFirstClassBits)) - 1;
  char line[128];
  int size = index + 1 == kClassCount
                 ? std::snprintf(line, sizeof(line), "bucket %10" PRIu64 "+            : ", first)
                 : std::snprintf(line, sizeof(line), "bucket %10" PRIu64 " - %10" PRIu64 ": ",
                                 first, last);
  size += std::snprintf(line + size, sizeof(line) - static_cast<size_t>(size),
                        "tot-mem: %10" PRIu64 ", clients: %" PRIu64 "\n", bytes, client_count);
  return std::string(line, static_cast<size_t>(size));
}

}  // namespace

ClientEviction::ClientEviction(const std::vector<std::unique_ptr<Worker>>& workers) {
  for (const auto& worker : workers) tables_.push_back(std::make_unique<Table>(*worker));
}

void ClientEviction::Configure(const Config& config) {
  const uint64_t limit = LimitOf(config);
  if (limit == limit_bytes_) return;
  // Before the limit: nobody is to choose by tables that are not complete.
  for (const auto& table : tables_) table->is_stale = true;
  limit_bytes_ = limit;
  if (limit == 0) return Clear();
  for (const auto& table : tables_) table->worker.Post([] {});  // a turn's end will count
}

// Whoever adds entries asks under the same lock whether there is a limit: none come afterwards.
void ClientEviction::Clear() {
  for (const auto& table : tables_) {
    std::lock_guard lock(table->mutex);
    table->entries.clear();
    table->chosen.clear();
    table->bytes = table->candidate_count = 0;
  }
}

void ClientEviction::Replace(Table& table, Entry* entry, const Entry& now) {
  table.bytes += now.counted_bytes() - entry->counted_bytes();
  table.candidate_count += uint64_t{now.is_candidate()} - uint64_t{entry->is_candidate()};
  *entry = now;
}

void ClientEviction::Erase(Table& table, uint64_t id) {
  const auto found = table.entries.find(id);
  if (found == table.entries.end()) return;
  Replace(table, &found->second, {});
  table.entries.erase(found);
}

void ClientEviction::Count(Table& table, Connection& connection) {
  if (connection.handler() == nullptr) return;
  Session& session = SessionOf(connection);
  if (connection.is_closed() || !Counts(session)) return Erase(table, connection.id());
  Entry& entry = table.entries[connection.id()];
  if (entry.is_going) return;
  Replace(table, &entry, {.bytes = session.memory_bytes(), .may_go = !session.no_evict});
}

void ClientEviction::FollowTurn(Worker& worker, std::span<Connection* const> turn) {
  Table& table = TableOf(worker);
  {
    std::lock_guard lock(table.mutex);
    if (!is_on()) return;
    for (Connection* connection : turn) Count(table, *connection);
    if (table.is_stale) {
      worker.ForEachConnection([&table](Connection& connection) { Count(table, connection); });
      table.is_stale = false;
    }
  }
  ChooseExcess();
  CloseChosen(table);
}

void ClientEviction::ForgetCounted(Connection& connection) {
  Table& table = TableOf(connection.worker());
  std::lock_guard lock(table.mutex);
  Erase(table, connection.id());
}

uint64_t ClientEviction::counted_bytes() const {
  uint64_t sum = 0;
  for (const auto& table : tables_) sum += table->bytes;
  return sum;
}

bool ClientEviction::IsAbove() const {
  const uint64_t limit = limit_bytes();
  return limit != 0 && counted_bytes() > limit;
}

bool ClientEviction::IsAnyStale() const {
  return std::ranges::any_of(tables_, [](const auto& table) { return table->is_stale.load(); });
}

bool ClientEviction::HasCandidates() const {
  return std::ranges::any_of(tables_,
                             [](const auto& table) { return table->candidate_count.load() != 0; });
}

void ClientEviction::ChooseExcess() {
  if (!IsAbove()) {
    if (short_told_.load(std::memory_order_relaxed)) short_told_ = false;
    return;
  }
  if (IsAnyStale()) return;  // whoever counts last comes here again
  if (HasCandidates()) Choose();
  if (IsAbove() && !HasCandidates() && !short_told_.exchange(true)) {
    Log(LogLevel::kWarning, "Over client maxmemory after evicting all evictable clients");
  }
}

std::vector<ClientEviction::Candidate> ClientEviction::Candidates() {
  std::vector<Candidate> candidates;
  for (size_t i = 0; i < tables_.size(); ++i) {
    std::lock_guard lock(tables_[i]->mutex);
    for (const auto& [id, entry] : tables_[i]->entries) {
      if (entry.is_candidate()) candidates.push_back({entry.bytes, id, i});
    }
  }
  return candidates;
}

void ClientEviction::Choose() {
  const auto goes_later = [](const Candidate& a, const Candidate& b) {
    return a.bytes != b.bytes ? a.bytes < b.bytes : a.id > b.id;
  };
  std::lock_guard choosing(choose_mutex_);
  std::vector<Candidate> heap = Candidates();
  std::ranges::make_heap(heap, goes_later);
  while (!heap.empty() && IsAbove()) {
    Mark(heap.front());
    std::ranges::pop_heap(heap, goes_later);
    heap.pop_back();
  }
}

// Unless it has gone by itself meanwhile, or may not go any more.
void ClientEviction::Mark(const Candidate& candidate) {
  Table& table = *tables_[candidate.worker_index];
  std::lock_guard lock(table.mutex);
  const auto found = table.entries.find(candidate.id);
  if (found == table.entries.end() || !found->second.is_candidate()) return;
  Entry going = found->second;
  going.is_going = true;
  Replace(table, &found->second, going);
  table.chosen.push_back(candidate.id);
  if (table.chosen.size() == 1 && Worker::Current() != &table.worker) table.worker.Post([] {});
}

void ClientEviction::CloseChosen(Table& table) {
  std::vector<uint64_t> chosen;
  {
    std::lock_guard lock(table.mutex);
    chosen.swap(table.chosen);
  }
  for (const uint64_t id : chosen) {
    const std::shared_ptr<Connection> connection = table.worker.FindConnection(id);
    if (!connection || connection->is_closed()) continue;
    Session& session = SessionOf(*connection);
    if (session.no_evict || !Counts(session)) {
      Spare(table, *connection);
      continue;
    }
    Log(LogLevel::kNotice, "Evicting client: " + session.Describe());
    ++evicted_count_;
    connection->Close("evicted: the clients take more than maxmemory-clients");
  }
}

// It may not go any more since it was chosen.
void ClientEviction::Spare(Table& table, Connection& connection) {
  std::lock_guard lock(table.mutex);
  Erase(table, connection.id());
  Count(table, connection);
}

std::string ClientEviction::Histogram() {
  std::vector<uint64_t> bytes(kClassCount), client_counts(kClassCount);
  for (const Candidate& candidate : Candidates()) {
    bytes[ClassOf(candidate.bytes)] += candidate.bytes;
    client_counts[ClassOf(candidate.bytes)]++;
  }
  std::string text;
  for (size_t i = 0; i < kClassCount; ++i) text += ClassLine(i, bytes[i], client_counts[i]);
  return text;
}

}  // namespace hearth
