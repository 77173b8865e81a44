// INFO: the sections, and the fields that tools and suites read.
#include <sstream>

#include "tests/src/server_fixture.h"

namespace hearth {
namespace {

using InfoTest = ServerFixture;

std::string Sections(const std::string& text) {
  std::istringstream lines(text);
  std::string sections;
  for (std::string line; std::getline(lines, line);) {
    if (line.starts_with("# ")) sections += line.substr(2, line.find('\r') - 2) + " ";
  }
  return sections;
}

TEST_F(InfoTest, WhatScriptsCallCounts) {
  const auto count = [&] { return std::stoi(InfoField("stats", "total_commands_processed")); };
  const int before = count();
  Run("EVAL \"for i = 1, 10 do redis.call('GET', 'k') end\" 0");
  EXPECT_EQ(count() - before, 12);  // EVAL, and INFO itself
}

TEST_F(InfoTest, SectionsAreChosenAsRedisDoes) {
  EXPECT_EQ(Sections(RunText("INFO")),
            "Server Clients Memory Persistence Stats Replication CPU Modules Errorstats Cluster "
            "Tiering Keyspace ");
  EXPECT_EQ(Sections(RunText("INFO default")), Sections(RunText("INFO")));
  EXPECT_EQ(Sections(RunText("INFO all")), Sections(RunText("INFO everything")));
  EXPECT_EQ(Sections(RunText("INFO cpu MEMORY")), "Memory CPU ");
  EXPECT_EQ(RunText("INFO nosuch"), "");
  EXPECT_NE(Sections(RunText("INFO all")).find("RocksDB "), std::string::npos);
}

TEST_F(InfoTest, IsAVerbatimStringInResp3) {
  Run("HELLO 3");
  EXPECT_TRUE(Run("INFO cluster").starts_with("=34\r\ntxt:# Cluster\r\ncluster_enabled:0\r\n"));
}

TEST_F(InfoTest, HasTheFieldsThatToolsRead) {
  Run("SET k v");
  Run("NOPE");
  for (const char* name : {"redis_version",
                           "redis_mode",
                           "arch_bits",
                           "process_id",
                           "run_id",
                           "tcp_port",
                           "uptime_in_seconds",
                           "hz",
                           "connected_clients",
                           "maxclients",
                           "blocked_clients",
                           "tracking_clients",
                           "used_memory",
                           "used_memory_human",
                           "used_memory_rss",
                           "used_memory_peak",
                           "used_memory_lua",
                           "number_of_cached_scripts",
                           "maxmemory",
                           "maxmemory_policy",
                           "mem_fragmentation_ratio",
                           "mem_allocator",
                           "mem_clients_normal",
                           "mem_clients_slaves",
                           "mem_not_counted_for_evict",
                           "mem_total_replication_buffers",
                           "lazyfree_pending_objects",
                           "lazyfreed_objects",
                           "active_defrag_running",
                           "loading",
                           "async_loading",
                           "rdb_changes_since_last_save",
                           "rdb_bgsave_in_progress",
                           "rdb_last_save_time",
                           "rdb_last_bgsave_status",
                           "rdb_last_cow_size",
                           "rdb_last_load_keys_loaded",
                           "rdb_last_load_keys_expired",
                           "aof_enabled",
                           "aof_rewrite_in_progress",
                           "aof_rewrite_scheduled",
                           "aof_last_write_status",
                           "aof_current_size",
                           "aof_base_size",
                           "aof_pending_rewrite",
                           "current_cow_size",
                           "current_fork_perc",
                           "current_save_keys_processed",
                           "current_save_keys_total",
                           "total_connections_received",
                           "total_commands_processed",
                           "instantaneous_ops_per_sec",
                           "instantaneous_input_kbps",
                           "total_net_input_bytes",
                           "total_net_output_bytes",
                           "rejected_connections",
                           "sync_full",
                           "sync_partial_ok",
                           "sync_partial_err",
                           "expired_keys",
                           "evicted_keys",
                           "evicted_clients",
                           "keyspace_hits",
                           "keyspace_misses",
                           "pubsub_channels",
                           "latest_fork_usec",
                           "total_forks",
                           "tracking_total_keys",
                           "total_error_replies",
                           "role",
                           "connected_slaves",
                           "master_failover_state",
                           "master_replid",
                           "master_replid2",
                           "master_repl_offset",
                           "second_repl_offset",
                           "repl_backlog_active",
                           "repl_backlog_size",
                           "repl_backlog_first_byte_offset",
                           "repl_backlog_histlen",
                           "used_cpu_sys",
                           "used_cpu_user",
                           "cluster_enabled",
                           "errorstat_ERR",
                           "db0",
                           "cmdstat_set",
                           "latency_percentiles_usec_set",
                           "tiering_resident_keys"}) {
    EXPECT_NE(InfoField("everything", name), "(none)") << name;
  }
}

// Of commands that may write, those that answer what is there look for it as readers do.
TEST_F(InfoTest, WhoWritesMayLookForAKeyToo) {
  for (const char* line : {"SET s 1", "SADD e a", "ZADD z 1 a", "RPUSH l 1", "XADD x 1-1 a b",
                           "XGROUP CREATE x g 0", "SET bits a", "PFADD p a"}) {
    Run(line);
  }
  for (const char* line : {"GETSET % 1", "SET % 1 GET", "GETEX %", "COPY % copy REPLACE"}) {
    for (const char* key : {"s", "none"}) {
      std::string text = line;
      text.replace(text.find('%'), 1, key);
      const std::string hits = InfoField("stats", "keyspace_hits");
      const std::string misses = InfoField("stats", "keyspace_misses");
      const bool is_there = std::string_view(key) == "s";
      Run(text);
      EXPECT_EQ(InfoField("stats", "keyspace_hits") != hits, is_there) << text;
      EXPECT_EQ(InfoField("stats", "keyspace_misses") != misses, !is_there) << text;
      Run("DEL none");
    }
  }
  Run("CONFIG RESETSTAT");
  for (const char* line :
       {"SORT l STORE d", "SINTERSTORE d e no", "ZUNIONSTORE d 2 z no", "ZRANGESTORE d no 0 -1",
        "XREADGROUP GROUP g c STREAMS x >", "XACK x g 1-1", "XAUTOCLAIM no g c 0 0", "PFMERGE d2 p",
        "BITOP NOT d bits", "BITFIELD bits GET u8 0", "GETDEL s", "OBJECT ENCODING l"}) {
    Run(line);
  }
  EXPECT_EQ(InfoField("stats", "keyspace_hits"), "11");
  EXPECT_EQ(InfoField("stats", "keyspace_misses"), "5");
}

TEST_F(InfoTest, CountsWhatWasDone) {
  Run("SET a 1");
  Run("SET b 2 EX 100");
  Run("GET a");
  Run("GET none");
  Run("EXISTS a none");
  Run("INCR none2");  // who writes asks nothing
  Run("DEL none2");
  Run("INCR");
  Run("SELECT 3");
  Run("SET c 3");
  constexpr std::string_view kDb0 = "keys=2,expires=1,avg_ttl=";
  const std::string db0 = InfoField("keyspace", "db0");
  ASSERT_TRUE(db0.starts_with(kDb0)) << db0;
  const int64_t mean_ms = std::stoll(db0.substr(kDb0.size()));
  EXPECT_GT(mean_ms, 0);
  EXPECT_LE(mean_ms, 100'000);
  EXPECT_EQ(InfoField("keyspace", "db3"), "keys=1,expires=0,avg_ttl=0");
  EXPECT_EQ(InfoField("stats", "keyspace_hits"), "2");
  EXPECT_EQ(InfoField("stats", "keyspace_misses"), "2");
  EXPECT_EQ(InfoField("stats", "total_error_replies"), "1");
  EXPECT_EQ(InfoField("persistence", "rdb_changes_since_last_save"), "5");
  EXPECT_TRUE(InfoField("commandstats", "cmdstat_set").starts_with("calls=3,usec="));
  EXPECT_NE(InfoField("commandstats", "cmdstat_incr").find("rejected_calls=1,failed_calls=0"),
            std::string::npos);
  EXPECT_TRUE(InfoField("latencystats", "latency_percentiles_usec_get").starts_with("p50="));
  EXPECT_NE(InfoField("stats", "total_net_input_bytes"), "0");
}

// As if it saved what is left: nothing. The numbers are Redis'.
TEST_F(InfoTest, FlushAllLeavesNothingToSaveWhereThereAreSavePoints) {
  Restart({"--save", "3600 1000"});
  const auto changes_after = [&](std::initializer_list<const char*> lines) {
    for (const char* line : lines) Run(line);
    return InfoField("persistence", "rdb_changes_since_last_save");
  };
  EXPECT_EQ(changes_after({"MSET a 1 b 2", "FLUSHDB"}), "4");
  EXPECT_EQ(changes_after({"SET a 1", "FLUSHALL NOPE"}), "5");
  EXPECT_EQ(changes_after({"FLUSHALL"}), "0");
  EXPECT_EQ(changes_after({"SET a 1", "SELECT 1", "SET a 1", "FLUSHALL ASYNC", "SET b 1"}), "1");
  EXPECT_EQ(changes_after({"MULTI", "SET a 1", "FLUSHALL", "SET a 1", "SET b 1", "EXEC"}), "2");
  EXPECT_EQ(changes_after({"EVAL \"redis.call('set','c',1) redis.call('flushall') "
                           "return redis.call('set','c',1)\" 0"}),
            "1");
  EXPECT_EQ(InfoField("persistence", "rdb_saves"), "0");
  EXPECT_EQ(changes_after({"CONFIG SET save ''", "FLUSHALL"}), "2");
}

// Elements where Redis counts elements, not rows or keys; the numbers are Redis'.
TEST_F(InfoTest, ChangesAreCountedAsInRedis) {
  const std::pair<const char*, uint64_t> cases[] = {
      {"RPUSH l 1 2 3 4 5 6", 6},
      {"LPOP l 2", 2},
      {"LREM l 0 3", 1},
      {"LMOVE l m LEFT RIGHT", 1},
      {"LTRIM l 5 6", 2},
      {"LPOP m 5", 1},
      {"SADD s 1 2 3 4 5", 5},
      {"SREM s 1 2 nosuch", 2},
      {"SPOP s 2", 2},
      {"SADD s 1", 1},
      {"SUNIONSTORE s s", 1},
      {"SPOP s 9", 2},
      {"HSET h a 1 b 2 c 3", 3},
      {"HSET h a 1 b 3", 2},
      {"HDEL h a b nosuch", 2},
      {"ZADD z 1 a 2 b 3 c 4 d 5 e", 5},
      {"ZADD z 1 a 9 b", 1},
      {"ZREM z a b", 2},
      {"ZUNIONSTORE z 1 z", 1},
      {"ZPOPMIN z 2", 2},
      {"ZREMRANGEBYRANK z 0 -1", 1},
      {"GEOADD g 1 1 a 2 2 b", 2},
      {"GEOSEARCHSTORE g2 g FROMLONLAT 1 1 BYRADIUS 1000 km", 2},
      {"XADD x 1-1 f v", 1},
      {"XADD x 2-1 f v", 1},
      {"XADD x MAXLEN 1 3-1 f v", 1},
      {"XADD x 4-1 f v", 1},
      {"XDEL x 3-1 4-1 9-9", 2},
      {"XADD x 5-1 f v", 1},
      {"XADD x 6-1 f v", 1},
      {"XTRIM x MAXLEN 1", 1},
      {"XGROUP CREATE x g 0", 1},
      {"XREADGROUP GROUP g c STREAMS x >", 2},
      {"XCLAIM x g d 0 6-1", 2},
      {"XAUTOCLAIM x g d 0 0", 1},
      {"XGROUP DESTROY x g", 1},
      {"RPUSH so 3 1 2", 3},
      {"SORT so STORE sd", 3},
      {"FUNCTION FLUSH", 1},
      {"PFADD p a b c", 4},
  };
  const auto count = [&] {
    return std::stoull(InfoField("persistence", "rdb_changes_since_last_save"));
  };
  for (const auto& [command, changes] : cases) {
    const uint64_t before = count();
    Run(command);
    EXPECT_EQ(count() - before, changes) << command;
  }
}

// What is called while latency-tracking is off is counted, but its durations are not kept.
TEST_F(InfoTest, LatencyIsNotRecordedWhileTrackingIsOff) {
  Run("CONFIG SET latency-tracking no");
  Run("SET a 1");
  EXPECT_EQ(Run("LATENCY HISTOGRAM set"), "*0\r\n");
  EXPECT_EQ(InfoField("latencystats", "latency_percentiles_usec_set"), "(none)");
  Run("CONFIG SET latency-tracking yes");
  EXPECT_EQ(InfoField("latencystats", "latency_percentiles_usec_set"), "(none)");
  Run("SET a 2");
  EXPECT_TRUE(Run("LATENCY HISTOGRAM set").find("calls\r\n:1\r\n") != std::string::npos);
  EXPECT_TRUE(InfoField("commandstats", "cmdstat_set").starts_with("calls=2,"));
}

// One read brings a whole pipeline, one write its replies.
TEST_F(InfoTest, CountsReadsAndWritesOfSockets) {
  Restart({"--workers", "1"});  // which counts what came before it tells
  const auto field = [&](const char* name) { return std::stol(InfoField("stats", name)); };
  TestClient client = Connect();
  client.Run("PING");
  const long reads = field("total_reads_processed"), writes = field("total_writes_processed");
  client.SendRaw("PING\r\nPING\r\nPING\r\n");
  for (int i = 0; i < 3; ++i) EXPECT_EQ(client.ReadReply(), "+PONG\r\n");
  EXPECT_EQ(field("total_reads_processed"), reads + 3) << "the pipeline and two of INFO";
  EXPECT_EQ(field("total_writes_processed"), writes + 3);
  Run("CONFIG RESETSTAT");
  EXPECT_LT(field("total_reads_processed"), 3);
}

}  // namespace
}  // namespace hearth
