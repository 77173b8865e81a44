// The directives of Redis 7.2, and of its and Valkey's later versions, that are accepted and kept
// but mean nothing here. A directive that comes to mean something moves to config_table.cc. Tested
// by tests/src/config_commands_test.cc.
#include <cstdint>

#include "src/config.h"

namespace hearth {
namespace {

using std::string_view;

constexpr Directive Row(string_view name, DirectiveKind kind, string_view value, int64_t min,
                        int64_t max) {
  return {.name = name,
          .kind = kind,
          .default_text = value,
          .flags = kNoMeaning,
          .min = min,
          .max = max};
}
constexpr Directive Bool(string_view name, string_view value) {
  return Row(name, DirectiveKind::kBool, value, INT64_MIN, INT64_MAX);
}
constexpr Directive Int(string_view name, string_view value, int64_t min, int64_t max = INT64_MAX) {
  return Row(name, DirectiveKind::kInt, value, min, max);
}
constexpr Directive Memory(string_view name, string_view value, int64_t min = 0) {
  return Row(name, DirectiveKind::kMemory, value, min, INT64_MAX);
}
constexpr Directive Text(string_view name, string_view value) {
  return Row(name, DirectiveKind::kText, value, INT64_MIN, INT64_MAX);
}
constexpr Directive Enum(string_view name, string_view value, string_view choices) {
  Directive row = Row(name, DirectiveKind::kEnum, value, INT64_MIN, INT64_MAX);
  row.choices = choices;
  return row;
}
constexpr Directive With(uint8_t flag, Directive row) {
  row.flags |= flag;
  return row;
}
constexpr Directive Fixed(Directive row) {
  return With(kImmutable, row);
}
// Of a later version: what knows 7.2 alone is not shown it.
constexpr Directive Later(Directive row) {
  return With(kHidden, row);
}
constexpr Directive Also(string_view alias, Directive row) {
  row.alias = alias;
  return row;
}

constexpr Directive kIgnoredDirectives[] = {
    Int("active-defrag-cycle-max", "25", 1, 99),
    Int("active-defrag-cycle-min", "1", 1, 99),
    Memory("active-defrag-ignore-bytes", "104857600", 1),
    Int("active-defrag-max-scan-fields", "1000", 1),
    Int("active-defrag-threshold-lower", "10", 0, 1000),
    Int("active-defrag-threshold-upper", "100", 0, 1000),
    Bool("activedefrag", "no"),
    Bool("activerehashing", "yes"),
    Bool("aof-disable-auto-gc", "no"),
    Bool("aof-rewrite-incremental-fsync", "yes"),
    Bool("aof-timestamp-enabled", "no"),
    Bool("aof-use-rdb-preamble", "yes"),
    Fixed(Text("aof_rewrite_cpulist", "")),
    Memory("auto-aof-rewrite-min-size", "67108864"),
    Int("auto-aof-rewrite-percentage", "100", 0, INT32_MAX),
    Fixed(Text("bgsave_cpulist", "")),
    Fixed(Text("bio_cpulist", "")),
    Bool("cluster-allow-pubsubshard-when-down", "yes"),
    Bool("cluster-allow-reads-when-down", "no"),
    Bool("cluster-allow-replica-migration", "yes"),
    Int("cluster-announce-bus-port", "0", 0),
    Text("cluster-announce-hostname", ""),
    Text("cluster-announce-human-nodename", ""),
    Text("cluster-announce-ip", ""),
    Int("cluster-announce-port", "0", 0),
    Int("cluster-announce-tls-port", "0", 0),
    Fixed(Text("cluster-config-file", "nodes.conf")),
    Memory("cluster-link-sendbuf-limit", "0"),
    Int("cluster-migration-barrier", "1", 0),
    Int("cluster-node-timeout", "15000", 0),
    Fixed(Int("cluster-port", "0", 0)),
    Enum("cluster-preferred-endpoint-type", "ip", "ip hostname unknown-endpoint"),
    Also("cluster-slave-no-failover", Bool("cluster-replica-no-failover", "no")),
    Also("cluster-slave-validity-factor", Int("cluster-replica-validity-factor", "10", 0)),
    Bool("cluster-require-full-coverage", "yes"),
    Bool("crash-memcheck-enabled", "yes"),
    Fixed(Bool("disable-thp", "yes")),
    Bool("dynamic-hz", "yes"),
    Fixed(Enum("enable-module-command", "no", "no yes local")),
    Fixed(Text("ignore-warnings", "")),
    Fixed(Int("io-threads", "1", 1, 128)),
    Fixed(Bool("io-threads-do-reads", "no")),
    Int("key-load-delay", "0", INT32_MIN, INT32_MAX),
    Bool("lazyfree-lazy-eviction", "no"),
    Bool("lazyfree-lazy-expire", "no"),
    Bool("lazyfree-lazy-server-del", "no"),
    Bool("lazyfree-lazy-user-del", "no"),
    Bool("lazyfree-lazy-user-flush", "no"),
    Int("list-compress-depth", "0", 0, 2147483647),
    Memory("loading-process-events-interval-bytes", "2097152", 1024),
    Fixed(Text("locale-collate", "")),
    Bool("lua-enable-deprecated-api", "no"),
    Int("maxmemory-eviction-tenacity", "10", 0, 100),
    Bool("no-appendfsync-on-rewrite", "no"),
    Enum("propagation-error-behavior", "ignore", "ignore panic panic-on-replicas"),
    Bool("rdb-del-sync-files", "no"),
    Int("rdb-key-save-delay", "0", INT32_MIN, INT32_MAX),
    Bool("rdb-save-incremental-fsync", "yes"),
    Fixed(Bool("rdbchecksum", "yes")),
    Bool("rdbcompression", "yes"),
    Enum("repl-diskless-load", "disabled", "disabled on-empty-db swapdb"),
    Bool("repl-disable-tcp-nodelay", "no"),
    Bool("repl-diskless-sync", "yes"),
    Int("repl-diskless-sync-delay", "5", 0),
    Int("repl-diskless-sync-max-replicas", "0", 0),
    Bool("replica-ignore-disk-write-errors", "no"),
    Also("slave-ignore-maxmemory", Bool("replica-ignore-maxmemory", "yes")),
    Also("slave-lazy-flush", Bool("replica-lazy-flush", "no")),
    Enum("sanitize-dump-payload", "no", "no yes clients"),
    Fixed(Text("server_cpulist", "")),
    Fixed(Int("socket-mark-id", "0", 0)),
    Bool("tls-cluster", "no"),
    Bool("use-exit-on-panic", "no"),
    With(kHidden, Int("watchdog-period", "0", 0, INT32_MAX)),
    Later(Int("active-defrag-cycle-us", "500", 0, 100000)),
    Later(Text("availability-zone", "")),
    Later(Int("cluster-blacklist-ttl", "60", 0)),
    Later(Int("cluster-compatibility-sample-ratio", "0", 0, 100)),
    Later(Enum("cluster-config-save-behavior", "sync", "sync best-effort")),
    Later(Fixed(Int("cluster-databases", "1", 1))),
    Later(Int("cluster-manual-failover-timeout", "5000", 1, INT32_MAX)),
    Later(Int("cluster-ping-interval", "1000", 0)),
    Later(Text("cluster-slot-stats-enabled", "no")),
    Later(Int("commandlog-large-reply-max-len", "128", 0)),
    Later(Int("commandlog-large-request-max-len", "128", 0)),
    Later(Int("commandlog-reply-larger-than", "1048576", -1)),
    Later(Int("commandlog-request-larger-than", "1048576", -1)),
    Later(Bool("dual-channel-replication-enabled", "no")),
    Later(Int("events-per-io-thread", "2", 0)),
    Later(Bool("extended-redis-compatibility", "no")),
    Later(Fixed(Text("hash-seed", ""))),
    Later(Text("key-memory-histograms", "no")),
    Later(Bool("lazyexpire-nested-arbitrary-keys", "yes")),
    Later(Enum("log-format", "legacy", "legacy logfmt")),
    Later(Enum("log-timestamp-format", "legacy", "legacy iso8601 milliseconds")),
    Later(Int("lookahead", "16", 1)),
    Later(Int("max-new-connections-per-cycle", "10", 1, 1000)),
    Later(Int("max-new-tls-connections-per-cycle", "1", 1, 1000)),
    Later(Fixed(Bool("mptcp", "no"))),
    Later(Int("prefetch-batch-max-size", "16", 0, 128)),
    Later(Enum("rdb-version-check", "strict", "strict relaxed")),
    Later(Bool("repl-mptcp", "no")),
    Later(Bool("repl-rdb-channel", "no")),
    Later(Memory("replica-full-sync-buffer-limit", "0")),
    Later(Bool("vset-force-single-threaded-execution", "no")),
};

}  // namespace

std::span<const Directive> IgnoredDirectives() {
  return kIgnoredDirectives;
}

}  // namespace hearth
