// Tested by tests/src/server_commands_test.cc.
#include "src/info.h"

#include <sys/resource.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <algorithm>
#include <cinttypes>
#include <cstdarg>
#include <functional>
#include <set>

#include "src/server.h"

namespace hearth {
namespace {

// Appends a line with "\r\n".
[[gnu::format(printf, 2, 3)]] void Line(std::string* out, const char* format, ...) {
  char line[512];
  va_list args;
  va_start(args, format);
  std::vsnprintf(line, sizeof(line), format, args);
  va_end(args);
  *out += line;
  *out += "\r\n";
}

std::string Human(uint64_t bytes) {
  static constexpr const char* kUnits[] = {"B", "K", "M", "G", "T"};
  auto value = static_cast<double>(bytes);
  size_t unit = 0;
  for (; value >= 1024 && unit < 4; ++unit) value /= 1024;
  char text[32];
  std::snprintf(text, sizeof(text), unit == 0 ? "%.0f%s" : "%.2f%s", value, kUnits[unit]);
  return text;
}

void ServerSection(Server& server, std::string* out) {
  utsname name;
  uname(&name);
  const int64_t uptime_s = (server.clock().WallMs() - server.started_ms()) / 1000;
  Line(out, "redis_version:%s", kRedisVersion.data());
  Line(out, "redis_git_sha1:00000000");
  Line(out, "redis_git_dirty:0");
  Line(out, "redis_build_id:0");
  Line(out, "redis_mode:standalone");
  Line(out, "server_name:hearth");
  Line(out, "hearth_version:%s", HEARTH_VERSION);
  Line(out, "os:%s %s %s", name.sysname, name.release, name.machine);
  Line(out, "arch_bits:64");
  Line(out, "monotonic_clock:POSIX clock_gettime");
  Line(out, "multiplexing_api:epoll");
  Line(out, "atomicvar_api:c11-builtin");
  Line(out, "gcc_version:%d.%d.%d", __GNUC__, __GNUC_MINOR__, __GNUC_PATCHLEVEL__);
  Line(out, "process_id:%d", static_cast<int>(getpid()));
  Line(out, "process_supervised:no");
  Line(out, "run_id:%s", server.run_id().c_str());
  Line(out, "tcp_port:%d", server.port());
  Line(out, "server_time_usec:%" PRId64, server.clock().WallMs() * 1000);
  Line(out, "uptime_in_seconds:%" PRId64, uptime_s);
  Line(out, "uptime_in_days:%" PRId64, uptime_s / 86400);
  Line(out, "hz:%" PRId64, server.config().Int("hz"));
  Line(out, "configured_hz:%" PRId64, server.config().Int("hz"));
  Line(out, "lru_clock:%" PRId64, (server.clock().WallMs() / 1000) & 0xffffff);
  Line(out, "executable:/proc/self/exe");
  Line(out, "config_file:%s", server.config().file().c_str());
  Line(out, "io_threads_active:0");
  Line(out, "workers:%zu", server.workers().size());
}

void ClientsSection(Server& server, std::string* out) {
  Line(out, "connected_clients:%zu", server.ConnectionCount());
  Line(out, "cluster_connections:0");
  Line(out, "maxclients:%" PRId64, server.config().Int("maxclients"));
  Line(out, "client_recent_max_input_buffer:0");
  Line(out, "client_recent_max_output_buffer:0");
  Line(out, "blocked_clients:0");
  Line(out, "tracking_clients:0");
  Line(out, "clients_in_timeout_table:0");
  Line(out, "total_blocking_keys:0");
}

void MemorySection(Server& server, std::string* out) {
  const ProcessMemory memory = ReadProcessMemory();
  const uint64_t used = memory.allocated_bytes != 0 ? memory.allocated_bytes : memory.rss_bytes;
  static std::atomic<uint64_t> peak{0};
  uint64_t seen = peak.load();
  while (seen < used && !peak.compare_exchange_weak(seen, used)) {
  }
  Store& store = server.engine().store();
  Line(out, "used_memory:%" PRIu64, used);
  Line(out, "used_memory_human:%s", Human(used).c_str());
  Line(out, "used_memory_rss:%zu", memory.rss_bytes);
  Line(out, "used_memory_rss_human:%s", Human(memory.rss_bytes).c_str());
  Line(out, "used_memory_peak:%" PRIu64, peak.load());
  Line(out, "used_memory_peak_human:%s", Human(peak).c_str());
  Line(out, "used_memory_overhead:%zu", server.keyspace().TableOverheadBytes());
  Line(out, "used_memory_startup:0");
  Line(out, "used_memory_dataset:%zu", server.keyspace().ResidentBytes());
  Line(out, "used_memory_lua:0");
  Line(out, "used_memory_scripts:0");
  Line(out, "number_of_cached_scripts:0");
  Line(out, "number_of_functions:0");
  Line(out, "number_of_libraries:0");
  Line(out, "allocator_allocated:%zu", memory.allocated_bytes);
  Line(out, "allocator_active:%zu", memory.active_bytes);
  Line(out, "allocator_resident:%zu", memory.rss_bytes);
  Line(out, "total_system_memory:%" PRIu64,
       static_cast<uint64_t>(sysconf(_SC_PHYS_PAGES)) *
           static_cast<uint64_t>(sysconf(_SC_PAGESIZE)));
  Line(out, "maxmemory:%" PRId64, server.config().Int("maxmemory"));
  Line(out, "maxmemory_human:%s",
       Human(static_cast<uint64_t>(server.config().Int("maxmemory"))).c_str());
  Line(out, "maxmemory_policy:%s", server.config().Text("maxmemory-policy").c_str());
  Line(out, "mem_fragmentation_ratio:%.2f",
       static_cast<double>(memory.rss_bytes) / static_cast<double>(std::max<uint64_t>(used, 1)));
  Line(out, "mem_not_counted_for_evict:0");
  Line(out, "mem_replication_backlog:0");
  Line(out, "mem_total_replication_buffers:0");
  Line(out, "mem_clients_slaves:0");
  Line(out, "mem_clients_normal:0");
  Line(out, "mem_memtables:%" PRIu64, store.IntProperty("rocksdb.cur-size-all-mem-tables"));
  Line(out, "mem_block_cache:%" PRIu64, store.IntProperty("rocksdb.block-cache-usage"));
  Line(out, "mem_table_readers:%" PRIu64, store.IntProperty("rocksdb.estimate-table-readers-mem"));
  Line(out, "mem_allocator:%s", memory.allocated_bytes != 0 ? "hearth-jemalloc" : "libc");
  Line(out, "active_defrag_running:0");
  Line(out, "lazyfree_pending_objects:0");
  Line(out, "lazyfreed_objects:0");
}

void PersistenceSection(Server& server, std::string* out) {
  CommitLog& log = server.engine().log();
  const auto& gauges = server.engine().gauges();
  std::string reason;
  const bool writable = server.engine().WritesAllowed(&reason);
  Line(out, "loading:0");
  Line(out, "async_loading:0");
  Line(out, "current_cow_peak:0");
  Line(out, "current_cow_size:0");
  Line(out, "current_cow_size_age:0");
  Line(out, "current_fork_perc:0.00");
  Line(out, "current_save_keys_processed:0");
  Line(out, "current_save_keys_total:0");
  Line(out, "rdb_changes_since_last_save:%" PRIu64,
       server.stats().changes - server.stats().changes_at_snapshot);
  Line(out, "rdb_bgsave_in_progress:%d", server.snapshot_running() ? 1 : 0);
  Line(out, "rdb_last_save_time:%" PRId64, server.last_snapshot_s());
  Line(out, "rdb_last_bgsave_status:%s", server.snapshot_ok() ? "ok" : "err");
  Line(out, "rdb_last_bgsave_time_sec:%" PRId64, server.last_snapshot_took_s());
  Line(out, "rdb_current_bgsave_time_sec:-1");
  Line(out, "rdb_saves:0");
  Line(out, "rdb_last_cow_size:0");
  Line(out, "rdb_last_load_keys_expired:0");
  Line(out, "rdb_last_load_keys_loaded:0");
  Line(out, "aof_enabled:%d", log.policy() != SyncPolicy::kOff ? 1 : 0);
  Line(out, "aof_rewrite_in_progress:0");
  Line(out, "aof_rewrite_scheduled:0");
  Line(out, "aof_last_rewrite_time_sec:-1");
  Line(out, "aof_current_rewrite_time_sec:-1");
  Line(out, "aof_last_bgrewrite_status:ok");
  Line(out, "aof_last_write_status:%s", writable ? "ok" : "err");
  Line(out, "aof_last_cow_size:0");
  Line(out, "writes_refused_reason:%s", reason.c_str());
  Line(out, "committed_seq:%" PRIu64, log.committed_seq());
  Line(out, "synced_seq:%" PRIu64, log.synced_seq());
  Line(out, "flushed_seq:%" PRIu64, server.engine().store().flushed_seq());
  Line(out, "commit_groups:%" PRIu64, log.counters().groups.load());
  Line(out, "commit_rows:%" PRIu64, log.counters().rows.load());
  Line(out, "commit_bytes:%" PRIu64, log.counters().bytes.load());
  Line(out, "commit_longest_write_usec:%" PRId64, log.counters().write_us_max.load());
  Line(out, "commit_delays:%" PRIu64, log.counters().delayed.load());
  Line(out, "last_sync_usec:%" PRId64, log.counters().sync_us_last.load());
  Line(out, "store_failures:%" PRIu64, gauges.failure_count.load());
  Line(out, "store_reopened:%" PRIu64, gauges.reopen_count.load());
  Line(out, "disk_free_bytes:%" PRIu64, gauges.disk_free_bytes.load());
}

uint64_t CommandCount(Server& server) {
  uint64_t sum = 0;
  for (const auto& worker : server.workers()) sum += server.DispatcherOf(*worker).command_count();
  return sum;
}

void StatsSection(Server& server, std::string* out) {
  const Keyspace& keyspace = server.keyspace();
  uint64_t errors = 0;
  for (const auto& [code, count] : server.ErrorCounts()) errors += count;
  Line(out, "total_connections_received:%" PRIu64, server.stats().connections_received.load());
  Line(out, "total_commands_processed:%" PRIu64, CommandCount(server));
  Line(out, "instantaneous_ops_per_sec:%" PRIu64, server.stats().ops_per_sec.load());
  Line(out, "total_net_input_bytes:0");
  Line(out, "total_net_output_bytes:0");
  Line(out, "rejected_connections:%" PRIu64, server.rejected_connections());
  Line(out, "sync_full:0");
  Line(out, "sync_partial_ok:0");
  Line(out, "sync_partial_err:0");
  Line(out, "expired_keys:%" PRIu64, keyspace.CounterSum(&ShardCounters::expired));
  Line(out, "expired_stale_perc:0.00");
  Line(out, "expired_time_cap_reached_count:0");
  Line(out, "evicted_keys:%" PRIu64, keyspace.CounterSum(&ShardCounters::evicted));
  Line(out, "evicted_clients:0");
  Line(out, "keyspace_hits:%" PRIu64, keyspace.CounterSum(&ShardCounters::hits));
  Line(out, "keyspace_misses:%" PRIu64, keyspace.CounterSum(&ShardCounters::absent_reads));
  Line(out, "pubsub_channels:0");
  Line(out, "pubsub_patterns:0");
  Line(out, "latest_fork_usec:0");
  Line(out, "total_forks:0");
  Line(out, "migrate_cached_sockets:0");
  Line(out, "tracking_total_keys:0");
  Line(out, "total_error_replies:%" PRIu64, errors);
}

void ReplicationSection(Server& server, std::string* out) {
  CommitLog& log = server.engine().log();
  Line(out, "role:master");
  Line(out, "connected_slaves:0");
  Line(out, "master_failover_state:no-failover");
  Line(out, "master_replid:%s", log.replication_id().c_str());
  Line(out, "master_replid2:0000000000000000000000000000000000000000");
  Line(out, "master_repl_offset:%" PRIu64, log.committed_seq());
  Line(out, "second_repl_offset:-1");
  Line(out, "repl_backlog_active:0");
  Line(out, "repl_backlog_size:%" PRId64, server.config().Int("repl-backlog-size"));
  Line(out, "repl_backlog_first_byte_offset:0");
  Line(out, "repl_backlog_histlen:0");
}

void CpuSection(Server&, std::string* out) {
  rusage self, children;
  getrusage(RUSAGE_SELF, &self);
  getrusage(RUSAGE_CHILDREN, &children);
  const auto seconds = [](const timeval& time) {
    return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) / 1e6;
  };
  Line(out, "used_cpu_sys:%.6f", seconds(self.ru_stime));
  Line(out, "used_cpu_user:%.6f", seconds(self.ru_utime));
  Line(out, "used_cpu_sys_children:%.6f", seconds(children.ru_stime));
  Line(out, "used_cpu_user_children:%.6f", seconds(children.ru_utime));
}

// A command's counters of all workers together.
struct SummedStats {
  uint64_t calls = 0, usec = 0, rejected = 0, failed = 0;
  std::array<uint64_t, CommandStats::kBuckets> durations{};
};

SummedStats Sum(Server& server, uint32_t index) {
  SummedStats sum;
  for (const auto& worker : server.workers()) {
    const CommandStats& stats = server.DispatcherOf(*worker).stats(index);
    sum.calls += stats.calls;
    sum.usec += stats.usec;
    sum.rejected += stats.rejected;
    sum.failed += stats.failed;
    for (size_t i = 0; i < sum.durations.size(); ++i) sum.durations[i] += stats.durations[i];
  }
  return sum;
}

void CommandStatsSection(Server& server, std::string* out) {
  const auto commands = server.commands().all();
  for (uint32_t i = 0; i < commands.size(); ++i) {
    const SummedStats sum = Sum(server, i);
    if (sum.calls == 0 && sum.rejected == 0 && sum.failed == 0) continue;
    Line(out,
         "cmdstat_%s:calls=%" PRIu64 ",usec=%" PRIu64 ",usec_per_call=%.2f,rejected_calls=%" PRIu64
         ",failed_calls=%" PRIu64,
         commands[i]->name.data(), sum.calls, sum.usec,
         sum.calls == 0 ? 0.0 : static_cast<double>(sum.usec) / static_cast<double>(sum.calls),
         sum.rejected, sum.failed);
  }
}

uint64_t Percentile(const SummedStats& sum, double percent) {
  const auto wanted = static_cast<uint64_t>(static_cast<double>(sum.calls) * percent / 100);
  uint64_t count = 0;
  for (size_t i = 0; i < sum.durations.size(); ++i) {
    count += sum.durations[i];
    if (count > wanted || count == sum.calls) return CommandStats::BucketEnd(i);
  }
  return 0;
}

void LatencyStatsSection(Server& server, std::string* out) {
  const auto commands = server.commands().all();
  for (uint32_t i = 0; i < commands.size(); ++i) {
    const SummedStats sum = Sum(server, i);
    if (sum.calls == 0) continue;
    Line(out, "latency_percentiles_usec_%s:p50=%.3f,p99=%.3f,p99.9=%.3f", commands[i]->name.data(),
         static_cast<double>(Percentile(sum, 50)), static_cast<double>(Percentile(sum, 99)),
         static_cast<double>(Percentile(sum, 99.9)));
  }
}

void ErrorStatsSection(Server& server, std::string* out) {
  for (const auto& [code, count] : server.ErrorCounts()) {
    Line(out, "errorstat_%s:count=%" PRIu64, code.c_str(), count);
  }
}

void KeyspaceSection(Server& server, std::string* out) {
  for (uint32_t db = 0; db < server.keyspace().db_count(); ++db) {
    const uint64_t keys = server.keyspace().KeyCount(db);
    if (keys == 0) continue;
    Line(out, "db%u:keys=%" PRIu64 ",expires=%" PRIu64 ",avg_ttl=0", db, keys,
         server.keyspace().ExpiryCount(db));
  }
}

void TieringSection(Server& server, std::string* out) {
  Keyspace& keyspace = server.keyspace();
  uint64_t keys = 0;
  for (uint32_t db = 0; db < keyspace.db_count(); ++db) keys += keyspace.KeyCount(db);
  const auto& gauges = server.engine().gauges();
  Line(out, "tiering_keys:%" PRIu64, keys);
  Line(out, "tiering_resident_keys:%zu", keyspace.ResidentCount());
  Line(out, "tiering_resident_bytes:%zu", keyspace.ResidentBytes());
  Line(out, "tiering_hits:%" PRIu64, keyspace.CounterSum(&ShardCounters::hits));
  Line(out, "tiering_store_lookups:%" PRIu64, keyspace.CounterSum(&ShardCounters::misses));
  Line(out, "tiering_absent_lookups:%" PRIu64, keyspace.CounterSum(&ShardCounters::absent_lookups));
  Line(out, "tiering_loads:%" PRIu64, keyspace.CounterSum(&ShardCounters::loads));
  Line(out, "tiering_demotions:%" PRIu64, keyspace.CounterSum(&ShardCounters::demoted));
  Line(out, "tiering_reads_queued:%zu", server.engine().readers().queued());
  Line(out, "tiering_load_usec_total:%" PRIu64, gauges.load_us.load());
  Line(out, "tiering_load_usec_max:%" PRIu64, gauges.load_us_max.load());
  Line(out, "tiering_warming:%d", gauges.warming ? 1 : 0);
  Line(out, "tiering_warmed_keys:%" PRIu64, gauges.warm_loaded.load());
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
    Line(out, "rocksdb_%s:%" PRIu64, name.c_str(),
         server.engine().store().IntProperty("rocksdb." + std::string(property)));
  }
  for (int level = 0; level < 7; ++level) {
    Line(out, "rocksdb_files_at_level%d:%s", level,
         server.engine()
             .store()
             .StringProperty("rocksdb.num-files-at-level" + std::to_string(level))
             .c_str());
  }
}

struct Section {
  const char* name;
  const char* title;
  bool by_default;
  std::function<void(Server&, std::string*)> write;
};

const std::vector<Section>& Sections() {
  static const std::vector<Section> sections = {
      {"server", "Server", true, ServerSection},
      {"clients", "Clients", true, ClientsSection},
      {"memory", "Memory", true, MemorySection},
      {"persistence", "Persistence", true, PersistenceSection},
      {"stats", "Stats", true, StatsSection},
      {"replication", "Replication", true, ReplicationSection},
      {"cpu", "CPU", true, CpuSection},
      {"modules", "Modules", true, [](Server&, std::string*) {}},
      {"commandstats", "Commandstats", false, CommandStatsSection},
      {"errorstats", "Errorstats", true, ErrorStatsSection},
      {"latencystats", "Latencystats", false, LatencyStatsSection},
      {"cluster", "Cluster", true,
       [](Server&, std::string* out) { Line(out, "cluster_enabled:0"); }},
      {"tiering", "Tiering", true, TieringSection},
      {"rocksdb", "RocksDB", false, RocksDbSection},
      {"keyspace", "Keyspace", true, KeyspaceSection}};
  return sections;
}

}  // namespace

std::string InfoText(Server& server, const std::vector<std::string>& wanted) {
  std::set<std::string> names(wanted.begin(), wanted.end());
  const bool all = names.count("all") || names.count("everything");
  const bool defaults = names.empty() || names.count("default");
  std::string out;
  for (const Section& section : Sections()) {
    if (!all && !names.count(section.name) && !(defaults && section.by_default)) continue;
    if (!out.empty()) out += "\r\n";
    out += "# " + std::string(section.title) + "\r\n";
    section.write(server, &out);
  }
  return out;
}

}  // namespace hearth
