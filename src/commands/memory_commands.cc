// MEMORY. Tested by tests/src/server_test.cc.
#include "engine/process_memory.h"
#include "src/commands/groups.h"
#include "src/commands/introspection.h"
#include "src/commands/memory_doctor.h"
#include "src/errors.h"
#include "src/numbers.h"
#include "src/server.h"
#include "src/session.h"

#ifdef HEARTH_JEMALLOC
#include <jemalloc/jemalloc.h>
#endif

namespace hearth {
namespace {

double Ratio(uint64_t a, uint64_t b) {
  return b == 0 ? 0.0 : static_cast<double>(a) / static_cast<double>(b);
}

}  // namespace

// MEMORY USAGE key [SAMPLES count]
void MemoryUsage(const Args& args, Tx& tx, Reply& reply) {
  for (size_t i = 3; i < args.size(); i += 2) {
    if (!IsWord(args[i], "SAMPLES") || i + 1 >= args.size()) return reply.Error(kErrSyntax);
    const auto samples = ParseInt64(args[i + 1]);
    if (!samples) return reply.Error(kErrNotInteger);
    if (*samples < 0) return reply.Error(kErrSyntax);
  }
  const Object* object = tx.Peek(args[2]);
  if (object == nullptr) return reply.Null();
  constexpr int64_t kCellBytes = 8;
  reply.Integer(static_cast<int64_t>(object->memory_size()) + kCellBytes);
}

// MEMORY STATS: Redis' names where they have a meaning, then ours.
void MemoryStats(const Args&, Session& session, Reply& reply) {
  const ProcessMemory memory = ReadProcessMemory();
  Server& server = session.server();
  Store& store = server.engine().store();
  Keyspace& keyspace = server.keyspace();
  const uint64_t allocated =
      memory.allocated_bytes != 0 ? memory.allocated_bytes : memory.rss_bytes;
  const uint64_t dataset = keyspace.ResidentBytes(), keys = keyspace.ResidentCount();
  const std::pair<const char*, uint64_t> counts[] = {
      {"total.allocated", allocated},
      {"startup.allocated", 0},
      {"replication.backlog", server.engine().feed().ring_bytes()},
      {"clients.slaves", server.Sum(&WorkerCounters::replica_memory)},
      {"clients.normal", server.Sum(&WorkerCounters::client_memory)},
      {"cluster.links", 0},
      {"aof.buffer", 0},
      {"lua.caches", server.scripting().memory_bytes()},
      {"functions.caches", server.functions().code_bytes()},
      {"overhead.total", allocated - std::min(allocated, dataset)},
      {"keys.count", keys},
      {"keys.bytes-per-key", keys == 0 ? 0 : dataset / keys},
      {"dataset.bytes", dataset},
      {"allocator.allocated", memory.allocated_bytes},
      {"allocator.active", memory.active_bytes},
      {"allocator.resident", memory.rss_bytes},
      {"rss.bytes", memory.rss_bytes},
      {"key-tables.bytes", keyspace.TableOverheadBytes()},
      {"memtables.bytes", store.IntProperty("rocksdb.cur-size-all-mem-tables")},
      {"block-cache.bytes", store.IntProperty("rocksdb.block-cache-usage")}};
  const std::pair<const char*, double> ratios[] = {
      {"dataset.percentage", 100 * Ratio(dataset, allocated)},
      {"fragmentation", Ratio(memory.rss_bytes, allocated)}};
  reply.Map(std::size(counts) + std::size(ratios));
  for (const auto& [name, value] : counts) {
    reply.Bulk(name);
    reply.Integer(static_cast<int64_t>(value));
  }
  for (const auto& [name, value] : ratios) {
    reply.Bulk(name);
    reply.Double(value);
  }
}

void MemoryPurge(const Args&, Session&, Reply& reply) {
  PurgeProcessMemory();
  reply.Ok();
}

void MemoryDoctor(const Args&, Session& session, Reply& reply) {
  Server& server = session.server();
  Engine& engine = server.engine();
  const ProcessMemory memory = ReadProcessMemory();
  MemoryFindings found{
      .allocated = memory.allocated_bytes != 0 ? memory.allocated_bytes : memory.rss_bytes,
      .rss = memory.rss_bytes,
      .limit = engine.residency().limit_bytes(),
      .demotes = engine.residency().policy() == MemoryPolicy::kDemote,
      .resident = server.keyspace().ResidentBytes(),
      .memtables = engine.store().IntProperty("rocksdb.cur-size-all-mem-tables"),
      .clients = server.Sum(&WorkerCounters::client_memory),
      .client_count = server.ConnectionCount(),
      .scripts = server.scripting().memory_bytes() + server.functions().code_bytes() +
                 server.functions().memory_bytes() + server.Sum(&WorkerCounters::script_memory)};
  (void)engine.WritesAllowed(&found.write_refusal);
  reply.Verbatim("txt", MemoryReport(found));
}

// The allocator's own report.
void MemoryMallocStats(const Args&, Session&, Reply& reply) {
  std::string text;
#ifdef HEARTH_JEMALLOC
  malloc_stats_print([](void* to, const char* part) { *static_cast<std::string*>(to) += part; },
                     &text, nullptr);
#else
  text = "Stats not supported for the current allocator";
#endif
  reply.Verbatim("txt", text);
}

void MemoryHelp(const Args&, Session&, Reply& reply) {
  ReplyHelp("MEMORY",
            {"DOCTOR", "    Return memory problems reports.", "MALLOC-STATS",
             "    Return internal statistics report from the memory allocator.", "PURGE",
             "    Attempt to purge dirty pages for reclamation by the allocator.", "STATS",
             "    Return information about the memory usage of the server.",
             "USAGE <key> [SAMPLES <count>]",
             "    Return memory in bytes used by <key> and its value. Nested values are",
             "    sampled up to <count> times (default: 5, 0 means sample all)."},
            reply);
}

}  // namespace hearth
