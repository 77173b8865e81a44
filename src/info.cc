// Tested by tests/src/info_test.cc.
#include "src/info.h"

#include <sys/resource.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <algorithm>
#include <cinttypes>
#include <cstdarg>
#include <cstdio>
#include <filesystem>
#include <set>

#include "net/worker.h"
#include "src/client_eviction.h"
#include "src/info_writer.h"
#include "src/replication/replication.h"
#include "src/server.h"

namespace hearth {

void InfoLine(std::string* out, const char* format, ...) {
  char line[512];
  va_list args;
  va_start(args, format);
  std::vsnprintf(line, sizeof(line), format, args);
  va_end(args);
  *out += line;
  *out += "\r\n";
}

std::string HumanBytes(uint64_t bytes) {
  static constexpr const char* kUnits[] = {"B", "K", "M", "G", "T"};
  auto value = static_cast<double>(bytes);
  size_t unit = 0;
  for (; value >= 1024 && unit < 4; ++unit) value /= 1024;
  char text[32];
  std::snprintf(text, sizeof(text), unit == 0 ? "%.0f%s" : "%.2f%s", value, kUnits[unit]);
  return text;
}

namespace {

void ServerSection(Server& server, std::string* out) {
  utsname name;
  uname(&name);
  const int64_t uptime_s = (server.clock().WallMs() - server.started_ms()) / 1000;
  InfoLine(out, "redis_version:%s", kRedisVersion.data());
  InfoLine(out, "redis_git_sha1:00000000");
  InfoLine(out, "redis_git_dirty:0");
  InfoLine(out, "redis_build_id:0");
  InfoLine(out, "redis_mode:standalone");
  InfoLine(out, "server_name:hearth");
  InfoLine(out, "hearth_version:%s", HEARTH_VERSION);
  InfoLine(out, "os:%s %s %s", name.sysname, name.release, name.machine);
  InfoLine(out, "arch_bits:64");
  InfoLine(out, "monotonic_clock:POSIX clock_gettime");
  InfoLine(out, "multiplexing_api:epoll");
  InfoLine(out, "atomicvar_api:c11-builtin");
  InfoLine(out, "gcc_version:%d.%d.%d", __GNUC__, __GNUC_MINOR__, __GNUC_PATCHLEVEL__);
  InfoLine(out, "process_id:%d", static_cast<int>(getpid()));
  InfoLine(out, "process_supervised:no");
  InfoLine(out, "run_id:%s", server.run_id().c_str());
  InfoLine(out, "tcp_port:%d", server.port());
  InfoLine(out, "server_time_usec:%" PRId64, server.clock().WallMs() * 1000);
  InfoLine(out, "uptime_in_seconds:%" PRId64, uptime_s);
  InfoLine(out, "uptime_in_days:%" PRId64, uptime_s / 86400);
  InfoLine(out, "hz:%" PRId64, server.config().Int("hz"));
  InfoLine(out, "configured_hz:%" PRId64, server.config().Int("hz"));
  InfoLine(out, "lru_clock:%" PRId64, (server.clock().WallMs() / 1000) & 0xffffff);
  std::error_code ignored;
  InfoLine(out, "executable:%s", std::filesystem::read_symlink("/proc/self/exe", ignored).c_str());
  InfoLine(out, "config_file:%s", server.config().file().c_str());
  InfoLine(out, "io_threads_active:0");
  if (server.shutdown().is_waiting()) {
    InfoLine(out, "shutdown_in_milliseconds:%" PRId64, server.shutdown().left_ms());
  }
  InfoLine(out, "workers:%zu", server.workers().size());
}

void ClientsSection(Server& server, std::string* out) {
  InfoLine(out, "connected_clients:%zu",
           server.ConnectionCount() -
               std::min(server.ConnectionCount(), server.replication().replicas().count()));
  InfoLine(out, "cluster_connections:0");
  InfoLine(out, "maxclients:%" PRId64, server.config().Int("maxclients"));
  InfoLine(out, "client_recent_max_input_buffer:%" PRIu64,
           server.Max(&WorkerCounters::input_buffer_max));
  InfoLine(out, "client_recent_max_output_buffer:%" PRIu64,
           server.Max(&WorkerCounters::output_buffer_max));
  const BlockedClients& blocked = server.blocked_clients();
  InfoLine(out, "blocked_clients:%zu",
           blocked.client_count() + server.replication().waiting_clients().count() +
               server.shutdown().client_count() + server.pause_gate().held_count());
  InfoLine(out, "tracking_clients:%zu", server.tracking().keys().client_count());
  InfoLine(out, "clients_in_timeout_table:%zu", blocked.timed_count());
  InfoLine(out, "total_blocking_keys:%zu", blocked.key_count());
}

void TrafficLines(Server& server, std::string* out) {
  ServerStats& stats = server.stats();
  const auto kbps = [](const RateMeter& meter) {
    return static_cast<double>(meter.per_second()) / 1024;
  };
  InfoLine(out, "total_connections_received:%" PRIu64, stats.connections_received.load());
  InfoLine(out, "total_commands_processed:%" PRIu64, server.Sum(&WorkerCounters::commands));
  InfoLine(out, "instantaneous_ops_per_sec:%" PRIu64, stats.commands.per_second());
  InfoLine(out, "total_net_input_bytes:%" PRIu64, server.Sum(&WorkerCounters::net_in));
  InfoLine(out, "total_net_output_bytes:%" PRIu64, server.Sum(&WorkerCounters::net_out));
  const ReplicationStats& replication = server.replication().stats();
  const auto link = server.replication().link();
  InfoLine(out, "total_net_repl_input_bytes:%" PRIu64,
           replication.received_bytes + (link ? link->received_bytes().load() : 0));
  InfoLine(out, "total_net_repl_output_bytes:%" PRIu64, replication.sent_bytes.load());
  InfoLine(out, "instantaneous_input_kbps:%.2f", kbps(stats.net_in));
  InfoLine(out, "instantaneous_output_kbps:%.2f", kbps(stats.net_out));
  InfoLine(out, "instantaneous_input_repl_kbps:0.00");
  InfoLine(out, "instantaneous_output_repl_kbps:0.00");
  InfoLine(out, "rejected_connections:%" PRIu64, server.rejected_connections());
}

void StatsSection(Server& server, std::string* out) {
  const Keyspace& keyspace = server.keyspace();
  uint64_t errors = 0;
  for (const auto& [code, count] : server.ErrorCounts()) errors += count;
  TrafficLines(server, out);
  const ReplicationStats& replication = server.replication().stats();
  InfoLine(out, "sync_full:%" PRIu64, replication.sync_full.load());
  InfoLine(out, "sync_partial_ok:%" PRIu64, replication.sync_partial_ok.load());
  InfoLine(out, "sync_partial_err:%" PRIu64, replication.sync_partial_err.load());
  InfoLine(out, "expired_keys:%" PRIu64, keyspace.CounterSum(&ShardCounters::expired));
  InfoLine(out, "expired_stale_perc:0.00");
  InfoLine(out, "expired_time_cap_reached_count:0");
  InfoLine(out, "expire_cycle_cpu_milliseconds:0");
  InfoLine(out, "evicted_keys:%" PRIu64, keyspace.CounterSum(&ShardCounters::evicted));
  InfoLine(out, "evicted_clients:%" PRIu64, server.client_eviction().evicted_count());
  InfoLine(out, "total_eviction_exceeded_time:0");
  InfoLine(out, "current_eviction_exceeded_time:0");
  InfoLine(out, "keyspace_hits:%" PRIu64, keyspace.CounterSum(&ShardCounters::hits));
  InfoLine(out, "keyspace_misses:%" PRIu64, keyspace.CounterSum(&ShardCounters::absent_reads));
  const PubSub& pubsub = server.pubsub();
  InfoLine(out, "pubsub_channels:%zu", pubsub.NameCount(NameKind::kChannel));
  InfoLine(out, "pubsub_patterns:%zu", pubsub.NameCount(NameKind::kPattern));
  InfoLine(out, "pubsubshard_channels:%zu", pubsub.NameCount(NameKind::kShardChannel));
  // What other features of Redis count: they are not here, or have nothing to count.
  for (const char* name :
       {"latest_fork_usec", "total_forks", "migrate_cached_sockets", "slave_expires_tracked_keys",
        "active_defrag_hits", "active_defrag_misses", "active_defrag_key_hits",
        "active_defrag_key_misses", "total_active_defrag_time", "current_active_defrag_time"}) {
    InfoLine(out, "%s:0", name);
  }
  const TrackedKeys& tracked = server.tracking().keys();
  uint64_t reads = 0, writes = 0;
  for (const auto& worker : server.workers()) {
    reads += worker->socket_counters().reads.count();
    writes += worker->socket_counters().writes.count();
  }
  InfoLine(out, "tracking_total_keys:%zu", tracked.key_count());
  InfoLine(out, "tracking_total_items:%zu", tracked.item_count());
  InfoLine(out, "tracking_total_prefixes:%zu", tracked.prefix_count());
  InfoLine(out, "unexpected_error_replies:0");
  InfoLine(out, "total_error_replies:%" PRIu64, errors);
  InfoLine(out, "dump_payload_sanitizations:0");
  InfoLine(out, "total_reads_processed:%" PRIu64, reads);
  InfoLine(out, "total_writes_processed:%" PRIu64, writes);
  for (const char* name : {"io_threaded_reads_processed", "io_threaded_writes_processed",
                           "reply_buffer_shrinks", "reply_buffer_expands"}) {
    InfoLine(out, "%s:0", name);
  }
  const AclLog& denied = server.acl_log();
  InfoLine(out, "acl_access_denied_auth:%" PRIu64, denied.denied(AclDenial::kAuth));
  InfoLine(out, "acl_access_denied_cmd:%" PRIu64, denied.denied(AclDenial::kCommand));
  InfoLine(out, "acl_access_denied_key:%" PRIu64, denied.denied(AclDenial::kKey));
  InfoLine(out, "acl_access_denied_channel:%" PRIu64, denied.denied(AclDenial::kChannel));
}

void ReplicationSection(Server& server, std::string* out) {
  server.replication().WriteInfo(out);
}

void CpuSection(Server&, std::string* out) {
  rusage self, children;
  getrusage(RUSAGE_SELF, &self);
  getrusage(RUSAGE_CHILDREN, &children);
  const auto seconds = [](const timeval& time) {
    return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) / 1e6;
  };
  InfoLine(out, "used_cpu_sys:%.6f", seconds(self.ru_stime));
  InfoLine(out, "used_cpu_user:%.6f", seconds(self.ru_utime));
  InfoLine(out, "used_cpu_sys_children:%.6f", seconds(children.ru_stime));
  InfoLine(out, "used_cpu_user_children:%.6f", seconds(children.ru_utime));
  rusage thread;  // of the worker that answers
  getrusage(RUSAGE_THREAD, &thread);
  InfoLine(out, "used_cpu_sys_main_thread:%.6f", seconds(thread.ru_stime));
  InfoLine(out, "used_cpu_user_main_thread:%.6f", seconds(thread.ru_utime));
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
       [](Server&, std::string* out) { InfoLine(out, "cluster_enabled:0"); }},
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
