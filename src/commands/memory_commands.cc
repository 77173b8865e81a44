// MEMORY. Tested by tests/src/server_commands_test.cc.
#include "engine/process_memory.h"
#include "src/commands/groups.h"
#include "src/commands/introspection.h"
#include "src/errors.h"
#include "src/numbers.h"
#include "src/server.h"
#include "src/session.h"

#ifdef HEARTH_JEMALLOC
#include <jemalloc/jemalloc.h>
#endif

namespace hearth {

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
  reply.Integer(static_cast<int64_t>(object->allocated_size()) + kCellBytes);
}

void MemoryStats(const Args&, Session& session, Reply& reply) {
  const ProcessMemory memory = ReadProcessMemory();
  Store& store = session.server().engine().store();
  Keyspace& keyspace = session.server().keyspace();
  const std::pair<const char*, uint64_t> rows[] = {
      {"total.allocated", memory.allocated_bytes},
      {"rss.bytes", memory.rss_bytes},
      {"allocator.active", memory.active_bytes},
      {"keys.count", keyspace.ResidentCount()},
      {"dataset.bytes", keyspace.ResidentBytes()},
      {"overhead.total", keyspace.TableOverheadBytes()},
      {"memtables.bytes", store.IntProperty("rocksdb.cur-size-all-mem-tables")},
      {"block.cache.bytes", store.IntProperty("rocksdb.block-cache-usage")}};
  reply.Map(std::size(rows));
  for (const auto& [name, value] : rows) {
    reply.Bulk(name);
    reply.Integer(static_cast<int64_t>(value));
  }
}

void MemoryPurge(const Args&, Session&, Reply& reply) {
  PurgeProcessMemory();
  reply.Ok();
}

void MemoryDoctor(const Args&, Session&, Reply& reply) {
  reply.Verbatim("txt", "Sam, I can't find any memory issue in your instance.\n");
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
