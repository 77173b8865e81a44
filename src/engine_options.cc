// Tested by tests/src/server_test.cc and tests/src/config_commands_test.cc.
#include "src/engine_options.h"

#include "src/config.h"
#include "src/log.h"
#include "src/redis_text.h"

namespace hearth {
namespace {

LogLevel EngineLogLevel(int level) {
  return level >= 2 ? LogLevel::kWarning : level == 1 ? LogLevel::kNotice : LogLevel::kVerbose;
}

}  // namespace

SyncPolicy SyncPolicyOf(const Config& config) {
  if (!config.Bool("appendonly")) return SyncPolicy::kOff;
  const std::string text = config.Text("appendfsync");
  return text == "always" ? SyncPolicy::kAlways
         : text == "no"   ? SyncPolicy::kNo
                          : SyncPolicy::kEverySec;
}

DiskFreeMin DiskFreeMinOf(const Config& config) {
  const std::string text = config.Text("disk-free-min");
  if (text.ends_with('%')) {
    return {0, std::stod(text.substr(0, text.size() - 1)) / 100};
  }
  return {static_cast<uint64_t>(*ParseMemory(text)), 0};
}

EngineOptions EngineOptionsOf(const Config& config) {
  EngineOptions options;
  options.store.wal_dir = config.Text("wal-dir");
  options.store.write_buffer_size_bytes = static_cast<size_t>(config.Int("write-buffer-size"));
  options.store.block_cache_size_bytes = static_cast<size_t>(config.Int("block-cache-size"));
  options.store.open_files_max = static_cast<int>(config.Int("max-open-files"));
  options.store.log = [](int level, const std::string& line) {
    if (level >= 2) Log(LogLevel::kVerbose, "rocksdb: " + line);
  };
  options.sync = SyncPolicyOf(config);
  options.db_count = static_cast<uint32_t>(config.Int("databases"));
  options.shard_count = static_cast<uint32_t>(config.Int("shards"));
  options.reader_count = static_cast<size_t>(config.Int("io-readers"));
  const DiskFreeMin free_min = DiskFreeMinOf(config);
  options.disk_free_min_bytes = free_min.bytes;
  options.disk_free_min_ratio = free_min.ratio;
  options.accept_data_loss = config.Bool("accept-data-loss");
  options.warm_on_start = config.Bool("warm-on-start");
  options.log = [](int level, const std::string& line) { Log(EngineLogLevel(level), line); };
  return options;
}

}  // namespace hearth
