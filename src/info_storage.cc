// Tested by tests/src/info_test.cc.
#include <unistd.h>

#include <algorithm>
#include <cinttypes>

#include "engine/process_memory.h"
#include "engine/ttl_sample.h"
#include "src/import/redis_import.h"
#include "src/info_writer.h"
#include "src/replication/redis_feed.h"
#include "src/replication/replication.h"
#include "src/server.h"

namespace hearth {
namespace {

double Ratio(uint64_t a, uint64_t b) {
  return b == 0 ? 0.0 : static_cast<double>(a) / static_cast<double>(b);
}

void SizeLines(std::string* out, const char* name, uint64_t bytes) {
  InfoLine(out, "%s:%" PRIu64, name, bytes);
  InfoLine(out, "%s_human:%s", name, HumanBytes(bytes).c_str());
}

uint64_t PeakOf(uint64_t used) {
  static std::atomic<uint64_t> peak{0};
  uint64_t seen = peak.load();
  while (seen < used && !peak.compare_exchange_weak(seen, used)) {
  }
  return std::max(seen, used);
}

// Of the interpreters, as of their last scripts, and of what they run.
void ScriptLines(Server& server, std::string* out) {
  const uint64_t vm_eval = server.Sum(&WorkerCounters::script_memory);
  const uint64_t vm_functions = server.functions().memory_bytes();
  const uint64_t bodies = server.scripting().memory_bytes();
  const uint64_t libraries = server.functions().code_bytes();
  SizeLines(out, "used_memory_lua", vm_eval);
  InfoLine(out, "used_memory_vm_eval:%" PRIu64, vm_eval);
  InfoLine(out, "used_memory_scripts_eval:%" PRIu64, bodies);
  InfoLine(out, "number_of_cached_scripts:%zu", server.scripting().count());
  InfoLine(out, "number_of_functions:%zu", server.functions().function_count());
  InfoLine(out, "number_of_libraries:%zu", server.functions().library_count());
  InfoLine(out, "used_memory_vm_functions:%" PRIu64, vm_functions);
  SizeLines(out, "used_memory_vm_total", vm_eval + vm_functions);
  InfoLine(out, "used_memory_functions:%" PRIu64, libraries);
  SizeLines(out, "used_memory_scripts", bodies + libraries);
}

void AllocatorLines(const ProcessMemory& memory, uint64_t used, std::string* out) {
  InfoLine(out, "allocator_allocated:%zu", memory.allocated_bytes);
  InfoLine(out, "allocator_active:%zu", memory.active_bytes);
  InfoLine(out, "allocator_resident:%zu", memory.rss_bytes);
  InfoLine(out, "allocator_frag_ratio:%.2f", Ratio(memory.active_bytes, memory.allocated_bytes));
  InfoLine(out, "allocator_frag_bytes:%zu", memory.active_bytes - memory.allocated_bytes);
  InfoLine(out, "allocator_rss_ratio:%.2f", Ratio(memory.rss_bytes, memory.active_bytes));
  InfoLine(out, "allocator_rss_bytes:%" PRId64,
           static_cast<int64_t>(memory.rss_bytes - memory.active_bytes));
  InfoLine(out, "rss_overhead_ratio:1.00");
  InfoLine(out, "rss_overhead_bytes:0");
  InfoLine(out, "mem_fragmentation_ratio:%.2f", Ratio(memory.rss_bytes, used));
  InfoLine(out, "mem_fragmentation_bytes:%" PRId64, static_cast<int64_t>(memory.rss_bytes - used));
}

}  // namespace

void MemorySection(Server& server, std::string* out) {
  const ProcessMemory memory = ReadProcessMemory();
  const bool counted = memory.allocated_bytes != 0;
  const uint64_t used = counted ? memory.allocated_bytes : memory.rss_bytes;
  const uint64_t peak = PeakOf(used), dataset = server.keyspace().ResidentBytes();
  const auto system_bytes =
      static_cast<uint64_t>(sysconf(_SC_PHYS_PAGES)) * static_cast<uint64_t>(sysconf(_SC_PAGESIZE));
  Store& store = server.engine().store();
  SizeLines(out, "used_memory", used);
  SizeLines(out, "used_memory_rss", memory.rss_bytes);
  SizeLines(out, "used_memory_peak", peak);
  InfoLine(out, "used_memory_peak_perc:%.2f%%", 100 * Ratio(used, peak));
  InfoLine(out, "used_memory_overhead:%" PRIu64, used - std::min(used, dataset));
  InfoLine(out, "used_memory_startup:0");
  InfoLine(out, "used_memory_dataset:%" PRIu64, dataset);
  InfoLine(out, "used_memory_dataset_perc:%.2f%%", 100 * Ratio(dataset, used));
  AllocatorLines(memory, used, out);
  SizeLines(out, "total_system_memory", system_bytes);
  ScriptLines(server, out);
  SizeLines(out, "maxmemory", static_cast<uint64_t>(server.config().Int("maxmemory")));
  InfoLine(out, "maxmemory_policy:%s", server.config().Text("maxmemory-policy").c_str());
  InfoLine(out, "mem_not_counted_for_evict:0");
  const uint64_t backlog = server.engine().feed().ring_bytes();
  InfoLine(out, "mem_replication_backlog:%" PRIu64, backlog);
  InfoLine(out, "mem_total_replication_buffers:%" PRIu64,
           backlog + server.replication().redis_feed().stream().kept_bytes());
  InfoLine(out, "mem_clients_slaves:%" PRIu64, server.Sum(&WorkerCounters::replica_memory));
  InfoLine(out, "mem_clients_normal:%" PRIu64, server.Sum(&WorkerCounters::client_memory));
  InfoLine(out, "mem_cluster_links:0");
  InfoLine(out, "mem_aof_buffer:0");
  InfoLine(out, "mem_key_tables:%zu", server.keyspace().TableOverheadBytes());
  InfoLine(out, "mem_memtables:%" PRIu64, store.IntProperty("rocksdb.cur-size-all-mem-tables"));
  InfoLine(out, "mem_block_cache:%" PRIu64, store.IntProperty("rocksdb.block-cache-usage"));
  InfoLine(out, "mem_table_readers:%" PRIu64,
           store.IntProperty("rocksdb.estimate-table-readers-mem"));
  // Not by the allocator's full name: that would promise Redis' sizes to those who read it.
  InfoLine(out, "mem_allocator:%s", counted ? "je" : "libc");
  InfoLine(out, "active_defrag_running:0");
  InfoLine(out, "lazyfree_pending_objects:0");
  InfoLine(out, "lazyfreed_objects:0");
}

namespace {

// The fields of Redis' forks and files that have no part here.
void ForkLines(Server& server, std::string* out) {
  InfoLine(out, "loading:%d", server.replication().is_loading() ? 1 : 0);
  InfoLine(out, "async_loading:0");
  for (const char* name : {"current_cow_peak", "current_cow_size", "current_cow_size_age"}) {
    InfoLine(out, "%s:0", name);
  }
  InfoLine(out, "current_fork_perc:0.00");
  InfoLine(out, "current_save_keys_processed:0");
  InfoLine(out, "current_save_keys_total:0");
}

void SnapshotLines(Server& server, std::string* out) {
  InfoLine(out, "rdb_changes_since_last_save:%" PRIu64, server.snapshots().ChangesSince());
  InfoLine(out, "rdb_bgsave_in_progress:%d", server.snapshots().running() ? 1 : 0);
  InfoLine(out, "rdb_last_save_time:%" PRId64, server.snapshots().last_s());
  InfoLine(out, "rdb_last_bgsave_status:%s", server.snapshots().ok() ? "ok" : "err");
  InfoLine(out, "rdb_last_bgsave_time_sec:%" PRId64, server.snapshots().last_took_s());
  InfoLine(out, "rdb_current_bgsave_time_sec:%" PRId64, server.snapshots().RunsForS());
  InfoLine(out, "rdb_saves:%" PRIu64, server.snapshots().count());
  InfoLine(out, "rdb_last_cow_size:0");
  const RedisImport::Progress& import = server.redis_import().progress();
  InfoLine(out, "rdb_last_load_keys_expired:%" PRIu64, import.expired_count.load());
  InfoLine(out, "rdb_last_load_keys_loaded:%" PRIu64, import.key_count.load());
}

void LogLines(Server& server, std::string* out) {
  CommitLog& log = server.engine().log();
  std::string reason;
  const bool writable = server.engine().WritesAllowed(&reason);
  InfoLine(out, "aof_enabled:%d", log.policy() != SyncPolicy::kOff ? 1 : 0);
  InfoLine(out, "aof_rewrite_in_progress:0");
  InfoLine(out, "aof_rewrite_scheduled:0");
  InfoLine(out, "aof_last_rewrite_time_sec:-1");
  InfoLine(out, "aof_current_rewrite_time_sec:-1");
  InfoLine(out, "aof_last_bgrewrite_status:ok");
  InfoLine(out, "aof_rewrites:0");
  InfoLine(out, "aof_rewrites_consecutive_failures:0");
  InfoLine(out, "aof_last_write_status:%s", writable ? "ok" : "err");
  InfoLine(out, "aof_last_cow_size:0");
  if (log.policy() != SyncPolicy::kOff) {
    InfoLine(out, "aof_current_size:%" PRIu64, server.engine().gauges().log_file_bytes.load());
    InfoLine(out, "aof_base_size:0");
    InfoLine(out, "aof_pending_rewrite:0");
  }
  InfoLine(out, "aof_buffer_length:%zu", log.waiting_bytes());
  InfoLine(out, "aof_pending_bio_fsync:%d", log.sync_runs() ? 1 : 0);
  InfoLine(out, "aof_delayed_fsync:%" PRIu64, log.counters().stalls.load());
  InfoLine(out, "module_fork_in_progress:0");
  InfoLine(out, "module_fork_last_cow_size:0");
  InfoLine(out, "writes_refused_reason:%s", reason.c_str());
}

// While the files of a Redis are imported: what clients wait by.
void ImportLines(Server& server, std::string* out) {
  const RedisImport::Progress& import = server.redis_import().progress();
  const int64_t began_ms = import.began_ms;
  const uint64_t total = import.total_bytes, loaded = import.loaded_bytes;
  const int64_t took_s = (server.clock().WallMs() - began_ms) / 1000;
  const double share = total == 0 ? 1 : static_cast<double>(loaded) / static_cast<double>(total);
  const double left_s = share == 0 ? 1 : static_cast<double>(took_s) * (1 / share - 1);
  InfoLine(out, "loading_start_time:%" PRId64, began_ms / 1000);
  InfoLine(out, "loading_total_bytes:%" PRIu64, total);
  InfoLine(out, "loading_rdb_used_mem:0");
  InfoLine(out, "loading_loaded_bytes:%" PRIu64, loaded);
  InfoLine(out, "loading_loaded_perc:%.2f", share * 100);
  InfoLine(out, "loading_eta_seconds:%.0f", left_s);
}

}  // namespace

void PersistenceSection(Server& server, std::string* out) {
  CommitLog& log = server.engine().log();
  const auto& gauges = server.engine().gauges();
  ForkLines(server, out);
  SnapshotLines(server, out);
  LogLines(server, out);
  InfoLine(out, "committed_seq:%" PRIu64, log.committed_seq());
  InfoLine(out, "synced_seq:%" PRIu64, log.synced_seq());
  InfoLine(out, "flushed_seq:%" PRIu64, server.engine().store().flushed_seq());
  InfoLine(out, "commit_groups:%" PRIu64, log.counters().groups.load());
  InfoLine(out, "commit_rows:%" PRIu64, log.counters().rows.load());
  InfoLine(out, "commit_bytes:%" PRIu64, log.counters().bytes.load());
  InfoLine(out, "commit_longest_write_usec:%" PRId64, log.counters().write_us_max.load());
  InfoLine(out, "commit_delays:%" PRIu64, log.counters().delayed.load());
  InfoLine(out, "last_sync_usec:%" PRId64, log.counters().sync_us_last.load());
  InfoLine(out, "store_failures:%" PRIu64, gauges.failure_count.load());
  InfoLine(out, "store_reopened:%" PRIu64, gauges.reopen_count.load());
  InfoLine(out, "disk_free_bytes:%" PRIu64, gauges.disk_free_bytes.load());
  if (server.redis_import().is_due()) ImportLines(server, out);
}

void KeyspaceSection(Server& server, std::string* out) {
  for (uint32_t db = 0; db < server.keyspace().db_count(); ++db) {
    const uint64_t keys = server.keyspace().KeyCount(db);
    if (keys == 0) continue;
    InfoLine(out, "db%u:keys=%" PRIu64 ",expires=%" PRIu64 ",avg_ttl=%" PRId64, db, keys,
             server.keyspace().ExpiryCount(db),
             SampleTtl(server.keyspace(), db, server.clock().WallMs()));
  }
}

void TieringSection(Server& server, std::string* out) {
  Keyspace& keyspace = server.keyspace();
  uint64_t keys = 0;
  for (uint32_t db = 0; db < keyspace.db_count(); ++db) keys += keyspace.KeyCount(db);
  const auto& gauges = server.engine().gauges();
  InfoLine(out, "tiering_keys:%" PRIu64, keys);
  InfoLine(out, "tiering_resident_keys:%zu", keyspace.ResidentCount());
  InfoLine(out, "tiering_resident_bytes:%zu", keyspace.ResidentBytes());
  InfoLine(out, "tiering_hits:%" PRIu64, keyspace.CounterSum(&ShardCounters::hits));
  InfoLine(out, "tiering_store_lookups:%" PRIu64, keyspace.CounterSum(&ShardCounters::misses));
  InfoLine(out, "tiering_absent_lookups:%" PRIu64,
           keyspace.CounterSum(&ShardCounters::absent_lookups));
  InfoLine(out, "tiering_loads:%" PRIu64, keyspace.CounterSum(&ShardCounters::loads));
  InfoLine(out, "tiering_demotions:%" PRIu64, keyspace.CounterSum(&ShardCounters::demoted));
  InfoLine(out, "tiering_reads_queued:%zu", server.engine().readers().queued());
  InfoLine(out, "tiering_load_usec_total:%" PRIu64, gauges.load_us.load());
  InfoLine(out, "tiering_load_usec_max:%" PRIu64, gauges.load_us_max.load());
  InfoLine(out, "tiering_warming:%d", gauges.warming ? 1 : 0);
  InfoLine(out, "tiering_warmed_keys:%" PRIu64, gauges.warm_loaded.load());
  InfoLine(out, "tiering_remembered_keys:%" PRIu64, gauges.remembered_keys.load());
  InfoLine(out, "tiering_remembered_loaded:%" PRIu64, gauges.remembered_loaded.load());
}

void RocksDbSection(Server& server, std::string* out) {
  static constexpr const char* kProperties[] = {"num-immutable-mem-table",
                                                "mem-table-flush-pending",
                                                "num-running-flushes",
                                                "compaction-pending",
                                                "num-running-compactions",
                                                "background-errors",
                                                "estimate-num-keys",
                                                "estimate-live-data-size",
                                                "total-sst-files-size",
                                                "num-live-versions",
                                                "is-write-stopped",
                                                "actual-delayed-write-rate",
                                                "estimate-pending-compaction-bytes"};
  for (const char* property : kProperties) {
    std::string name = property;
    std::replace(name.begin(), name.end(), '-', '_');
    InfoLine(out, "rocksdb_%s:%" PRIu64, name.c_str(),
             server.engine().store().IntProperty("rocksdb." + std::string(property)));
  }
  InfoLine(out, "rocksdb_reclaimed_bytes:%" PRIu64, server.engine().reclaimer().reclaimed_bytes());
  for (int level = 0; level < 7; ++level) {
    InfoLine(out, "rocksdb_files_at_level%d:%s", level,
             server.engine()
                 .store()
                 .StringProperty("rocksdb.num-files-at-level" + std::to_string(level))
                 .c_str());
  }
}

}  // namespace hearth
