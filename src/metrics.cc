// Tested by tests/src/metrics_test.cc.
#include "src/metrics.h"

#include <prometheus/collectable.h>
#include <prometheus/exposer.h>
#include <prometheus/metric_family.h>

#include <algorithm>
#include <exception>
#include <vector>

#include "engine/process_memory.h"
#include "src/server.h"

namespace hearth {
namespace {

using prometheus::ClientMetric;
using prometheus::MetricFamily;
using prometheus::MetricType;

constexpr uint32_t kDurationExponents = 32;  // buckets of 2^0 to 2^31 us

// Gathers families by name.
class Families {
 public:
  void Counter(const char* name, const char* help, double value) {
    Add(name, help, MetricType::Counter).metric.push_back({.counter = {value}});
  }
  void Gauge(const char* name, const char* help, double value) {
    Add(name, help, MetricType::Gauge).metric.push_back({.gauge = {value}});
  }
  MetricFamily& Add(const char* name, const char* help, MetricType type) {
    MetricFamily& family = families_.emplace_back();
    family.name = name;
    family.help = help;
    family.type = type;
    return family;
  }
  std::vector<MetricFamily> Take() { return std::move(families_); }

 private:
  std::vector<MetricFamily> families_;
};

ClientMetric Labelled(const char* label, std::string value) {
  ClientMetric metric;
  metric.label.push_back({label, std::move(value)});
  return metric;
}

class Figures final : public prometheus::Collectable {
 public:
  explicit Figures(Server& server) : server_(server) {}

  std::vector<MetricFamily> Collect() const override {
    Families families;
    AddServer(families);
    AddCommands(families);
    AddMemory(families);
    AddKeyspace(families);
    AddStore(families);
    AddPersistence(families);
    return families.Take();
  }

 private:
  void AddServer(Families& out) const;
  void AddCommands(Families& out) const;
  void AddMemory(Families& out) const;
  void AddKeyspace(Families& out) const;
  void AddStore(Families& out) const;
  void AddPersistence(Families& out) const;
  double Sum(std::atomic<uint64_t> ShardCounters::*counter) const {
    return static_cast<double>(server_.keyspace().CounterSum(counter));
  }
  double Property(const std::string& name) const {
    return static_cast<double>(server_.engine().store().IntProperty("rocksdb." + name));
  }

  Server& server_;
};

void Figures::AddServer(Families& out) const {
  const auto sum = [this](std::atomic<uint64_t> WorkerCounters::*counter) {
    return static_cast<double>(server_.Sum(counter));
  };
  out.Gauge("hearth_uptime_seconds", "Seconds since the start.",
            static_cast<double>(server_.clock().WallMs() - server_.started_ms()) / 1000);
  out.Gauge("hearth_connected_clients", "Open connections.",
            static_cast<double>(server_.ConnectionCount()));
  out.Gauge("hearth_blocked_clients", "Clients that wait for a key.",
            static_cast<double>(server_.blocked_clients().client_count()));
  out.Gauge("hearth_tracking_clients", "Clients with CLIENT TRACKING.",
            static_cast<double>(server_.tracking().keys().client_count()));
  out.Counter("hearth_connections_received_total", "Accepted connections.",
              static_cast<double>(server_.stats().connections_received.load()));
  out.Counter("hearth_connections_rejected_total", "Connections refused by maxclients.",
              static_cast<double>(server_.rejected_connections()));
  out.Counter("hearth_net_input_bytes_total", "Bytes read from clients.",
              sum(&WorkerCounters::net_in));
  out.Counter("hearth_net_output_bytes_total", "Bytes sent to clients.",
              sum(&WorkerCounters::net_out));
  MetricFamily& errors =
      out.Add("hearth_errors_total", "Error replies by their code.", MetricType::Counter);
  for (const auto& [code, count] : server_.ErrorCounts()) {
    ClientMetric metric = Labelled("code", code);
    metric.counter.value = static_cast<double>(count);
    errors.metric.push_back(std::move(metric));
  }
}

void Figures::AddCommands(Families& out) const {
  std::vector<ClientMetric> calls, seconds, failed;
  std::vector<double> within(kDurationExponents);
  double tracked = 0, all_seconds = 0;
  const auto& commands = server_.commands().all();
  for (uint32_t i = 0; i < commands.size(); ++i) {
    const CommandTotals totals = server_.TotalsOf(i);
    if (totals.calls == 0 && totals.rejected == 0) continue;
    const std::string name(commands[i]->name);
    const double took = static_cast<double>(totals.usec) / 1e6;
    for (auto [list, value] : {std::pair{&calls, static_cast<double>(totals.calls)},
                               {&seconds, took},
                               {&failed, static_cast<double>(totals.failed + totals.rejected)}}) {
      list->push_back(Labelled("command", name));
      list->back().counter.value = value;
    }
    for (uint32_t e = 0; e < kDurationExponents; ++e) {
      within[e] += static_cast<double>(totals.CallsWithin(e));
    }
    tracked += static_cast<double>(totals.tracked);
    all_seconds += took;
  }
  out.Add("hearth_commands_total", "Calls by command.", MetricType::Counter).metric = calls;
  out.Add("hearth_command_seconds_total", "Time in commands.", MetricType::Counter).metric =
      seconds;
  out.Add("hearth_commands_failed_total", "Calls that were refused or answered an error.",
          MetricType::Counter)
      .metric = failed;
  ClientMetric histogram;
  histogram.histogram.sample_count = static_cast<uint64_t>(tracked);
  histogram.histogram.sample_sum = all_seconds;
  double bound = 1e-6;
  for (const double count : within) {
    histogram.histogram.bucket.push_back({static_cast<uint64_t>(count), bound});
    bound *= 2;
  }
  out.Add("hearth_command_duration_seconds", "Durations of all commands (latency-tracking).",
          MetricType::Histogram)
      .metric.push_back(std::move(histogram));
}

void Figures::AddMemory(Families& out) const {
  const ProcessMemory memory = ReadProcessMemory();
  const auto gauge = [&out](const char* name, const char* help, auto value) {
    out.Gauge(name, help, static_cast<double>(value));
  };
  gauge("hearth_memory_rss_bytes", "Resident memory of the process.", memory.rss_bytes);
  gauge("hearth_memory_allocated_bytes", "What the allocator has handed out.",
        memory.allocated_bytes);
  gauge("hearth_memory_max_bytes", "maxmemory; 0 = no limit.", server_.config().Int("maxmemory"));
  gauge("hearth_memory_clients_bytes", "Connections and their buffers.",
        server_.Sum(&WorkerCounters::client_memory));
  gauge("hearth_memory_hot_keys_bytes", "Keys held in memory.", server_.keyspace().ResidentBytes());
}

void Figures::AddKeyspace(Families& out) const {
  Keyspace& keyspace = server_.keyspace();
  MetricFamily& keys = out.Add("hearth_keys", "Keys by database.", MetricType::Gauge);
  MetricFamily expires;
  double count = 0;
  for (uint32_t db = 0; db < keyspace.db_count(); ++db) {
    if (keyspace.KeyCount(db) == 0) continue;
    keys.metric.push_back(Labelled("db", std::to_string(db)));
    keys.metric.back().gauge.value = static_cast<double>(keyspace.KeyCount(db));
    count += keys.metric.back().gauge.value;
    expires.metric.push_back(Labelled("db", std::to_string(db)));
    expires.metric.back().gauge.value = static_cast<double>(keyspace.ExpiryCount(db));
  }
  out.Add("hearth_keys_with_expiry", "Keys with a time to live, by database.", MetricType::Gauge)
      .metric = expires.metric;
  const auto hot = static_cast<double>(keyspace.ResidentCount());
  out.Gauge("hearth_keys_hot", "Keys held in memory.", hot);
  out.Gauge("hearth_keys_cold", "Keys held by the store alone.", std::max(0.0, count - hot));
  out.Counter("hearth_keyspace_hits_total",
              "Reads that found their key, in memory or after a load.", Sum(&ShardCounters::hits));
  out.Counter("hearth_keyspace_misses_total", "Reads of keys that are not there.",
              Sum(&ShardCounters::absent_reads));
  out.Counter("hearth_store_lookups_total", "Keys that the store was asked for.",
              Sum(&ShardCounters::misses));
  out.Counter("hearth_loads_total", "Keys read from the store.", Sum(&ShardCounters::loads));
  out.Counter("hearth_demotions_total", "Keys that memory forgot.", Sum(&ShardCounters::demoted));
  out.Counter("hearth_evictions_total", "Keys deleted by maxmemory-policy.",
              Sum(&ShardCounters::evicted));
  out.Counter("hearth_expirations_total", "Keys whose time had come.",
              Sum(&ShardCounters::expired));
  out.Counter("hearth_load_seconds_total", "Time in reading keys from the store.",
              static_cast<double>(server_.engine().gauges().load_us.load()) / 1e6);
}

void Figures::AddStore(Families& out) const {
  static constexpr struct {
    const char *name, *property, *help;
  } kGauges[] = {
      {"hearth_rocksdb_memtable_bytes", "cur-size-all-mem-tables", "Memtables."},
      {"hearth_rocksdb_immutable_memtables", "num-immutable-mem-table", "Waiting for a flush."},
      {"hearth_rocksdb_block_cache_bytes", "block-cache-usage", "The block cache."},
      {"hearth_rocksdb_table_readers_bytes", "estimate-table-readers-mem", "Indexes and filters."},
      {"hearth_rocksdb_live_bytes", "estimate-live-data-size", "Live data, estimated."},
      {"hearth_rocksdb_sst_bytes", "total-sst-files-size", "Table files."},
      {"hearth_rocksdb_compaction_pending_bytes", "estimate-pending-compaction-bytes",
       "What compactions have yet to rewrite."},
      {"hearth_rocksdb_running_compactions", "num-running-compactions", "Compactions under way."},
      {"hearth_rocksdb_running_flushes", "num-running-flushes", "Flushes under way."},
      {"hearth_rocksdb_write_stopped", "is-write-stopped", "1 while writes stand."},
  };
  for (const auto& gauge : kGauges) out.Gauge(gauge.name, gauge.help, Property(gauge.property));
  out.Counter("hearth_rocksdb_background_errors_total", "Failed flushes and compactions.",
              Property("background-errors"));
  MetricFamily& levels =
      out.Add("hearth_rocksdb_level_files", "Table files by level.", MetricType::Gauge);
  for (int level = 0; level < 7; ++level) {
    const std::string count = server_.engine().store().StringProperty("rocksdb.num-files-at-level" +
                                                                      std::to_string(level));
    levels.metric.push_back(Labelled("level", std::to_string(level)));
    levels.metric.back().gauge.value = std::atof(count.c_str());
  }
}

void Figures::AddPersistence(Families& out) const {
  Engine& engine = server_.engine();
  const CommitLog::Counters& log = engine.log().counters();
  const auto counter = [&out](const char* name, const char* help, uint64_t value) {
    out.Counter(name, help, static_cast<double>(value));
  };
  counter("hearth_commit_groups_total", "Groups written to the log.", log.groups);
  counter("hearth_commit_rows_total", "Rows written to the log.", log.rows);
  counter("hearth_wal_bytes_total", "Bytes written to the log.", log.bytes);
  counter("hearth_wal_syncs_total", "fsyncs of the log.", log.syncs);
  counter("hearth_commit_delays_total", "Groups slowed down for the disk's sake.", log.delayed);
  counter("hearth_store_failures_total", "Failed writes of the store.",
          engine.gauges().failure_count);
  counter("hearth_snapshots_total", "Snapshots that were begun.", server_.snapshots().count());
  out.Gauge("hearth_writes_allowed", "0 while writes are refused.", engine.writes_allowed());
  out.Gauge("hearth_disk_free_bytes", "Free space of the store's disk.",
            static_cast<double>(engine.gauges().disk_free_bytes.load()));
  out.Gauge("hearth_snapshot_running", "1 while a snapshot is made.",
            server_.snapshots().running());
  out.Gauge("hearth_snapshot_last_ok", "Whether the last snapshot succeeded.",
            server_.snapshots().ok());
  out.Gauge("hearth_snapshot_last_timestamp_seconds", "When the last snapshot was made.",
            static_cast<double>(server_.snapshots().last_s()));
  out.Gauge("hearth_changes_since_snapshot", "Changes since the last snapshot.",
            static_cast<double>(server_.snapshots().ChangesSince()));
}

}  // namespace

MetricsEndpoint::MetricsEndpoint(Server& server) : server_(server) {}

MetricsEndpoint::~MetricsEndpoint() = default;

std::string MetricsEndpoint::Start() {
  const int64_t port = server_.config().Int("metrics-port");
  if (port == 0) return {};
  const std::string address = server_.config().Text("metrics-bind") + ":" + std::to_string(port);
  try {  // the library's own way to say that it can't bind
    exposer_ = std::make_unique<prometheus::Exposer>(address);
  } catch (const std::exception& error) {
    return "Can't serve metrics at " + address + ": " + error.what();
  }
  figures_ = std::make_shared<Figures>(server_);
  exposer_->RegisterCollectable(figures_);
  return {};
}

}  // namespace hearth
