// Tested by tests/engine/store_test.cc.
#include "engine/store.h"

#include <rocksdb/cache.h>
#include <rocksdb/convenience.h>
#include <rocksdb/env.h>
#include <rocksdb/file_system.h>
#include <rocksdb/filter_policy.h>
#include <rocksdb/listener.h>
#include <rocksdb/slice_transform.h>
#include <rocksdb/table.h>

#include <algorithm>
#include <cstdarg>
#include <cstdio>

#include "engine/append_memtable.h"
#include "engine/check.h"
#include "engine/rows.h"
#include "engine/watermark.h"

namespace hearth {

// RocksDB's own file logger aborts the process on a full disk (built with assertions): ours
// hands the lines on and touches no file.
class Store::InfoLog final : public rocksdb::Logger {
 public:
  explicit InfoLog(std::function<void(int, const std::string&)> sink)
      : rocksdb::Logger(rocksdb::InfoLogLevel::INFO_LEVEL), sink_(std::move(sink)) {}
  using rocksdb::Logger::Logv;
  void Logv(const char* format, va_list args) override {
    Logv(rocksdb::InfoLogLevel::INFO_LEVEL, format, args);
  }
  void Logv(const rocksdb::InfoLogLevel level, const char* format, va_list args) override {
    if (!sink_ || level < GetInfoLogLevel()) return;
    char line[1024];
    std::vsnprintf(line, sizeof(line), format, args);
    sink_(static_cast<int>(level), line);
  }

 private:
  std::function<void(int, const std::string&)> sink_;
};

// The keys of rows that are looked up one by one, whole: of heads, and of what may be the first
// chunk of a long string (long_string.h). Another domain needs another name.
class Store::NamedRows final : public rocksdb::SliceTransform {
 public:
  const char* Name() const override { return "hearth.named-rows"; }
  rocksdb::Slice Transform(const rocksdb::Slice& key) const override { return key; }
  bool InDomain(const rocksdb::Slice& key) const override {
    if (key.empty()) return false;
    return key[0] == kHeadTable || (key[0] == kElementTable && key.ends_with(kFirstChunk) &&
                                    key.size() == kElementKeyPrefixSize + kFirstChunk.size());
  }

 private:
  static constexpr std::string_view kFirstChunk{"\0\0\0\0", 4};
};

class Store::Listener final : public rocksdb::EventListener {
 public:
  explicit Listener(std::atomic<uint64_t>* flushed_seq) : flushed_seq_(flushed_seq) {}
  // One flush runs at a time (max_background_flushes = 1), so flushes end in order.
  void OnFlushCompleted(rocksdb::DB*, const rocksdb::FlushJobInfo& info) override {
    uint64_t seen = flushed_seq_->load();
    while (seen < info.largest_seqno &&
           !flushed_seq_->compare_exchange_weak(seen, info.largest_seqno)) {
    }
  }
  void OnErrorRecoveryBegin(rocksdb::BackgroundErrorReason, rocksdb::Status,
                            bool* auto_recovery) override {
    *auto_recovery = false;  // after it, 7.8.3 appends to a WAL that has seen an error
  }

 private:
  std::atomic<uint64_t>* flushed_seq_;
};

Status FromRocks(const rocksdb::Status& status) {
  if (status.ok()) return Status::Ok();
  if (status.IsNotFound()) return Status::NotFound(status.ToString());
  if (status.IsCorruption()) return Status::Corruption(status.ToString());
  if (status.IsNoSpace()) return Status::NoSpace(status.ToString());
  if (status.IsIncomplete() || status.IsBusy()) return Status::Busy(status.ToString());
  if (status.IsInvalidArgument()) return Status::Invalid(status.ToString());
  return Status::IoError(status.ToString());
}

Store::Store(StoreOptions options) : options_(std::move(options)) {
  wal_archive_ = std::make_shared<WalArchive>(
      options_.file_system ? options_.file_system : rocksdb::FileSystem::Default(),
      options_.wal_dir.empty() ? options_.dir : options_.wal_dir);
  file_system_ = wal_archive_;
  env_ = rocksdb::NewCompositeEnv(file_system_);
  block_cache_ = rocksdb::NewLRUCache(options_.block_cache_size_bytes, 4);
}

Store::~Store() {
  (void)Close();
}

rocksdb::Options Store::BuildOptions() {
  rocksdb::Options options;
  options.create_if_missing = true;
  options.env = env_.get();
  options.info_log = std::make_shared<InfoLog>(options_.log);
  options.wal_dir = options_.wal_dir.empty() ? options_.dir : options_.wal_dir;
  options.listeners = {std::make_shared<Listener>(&flushed_seq_)};
  options.paranoid_checks = true;
  options.wal_recovery_mode = rocksdb::WALRecoveryMode::kPointInTimeRecovery;
  options.max_open_files = options_.open_files_max;
  options.bytes_per_sync = 1 << 20;
  options.wal_bytes_per_sync = 1 << 20;
  // What stays in the processor's cache between filling and writing: 0.1 us an entry of a flush.
  options.writable_file_max_buffer_size = 64 << 10;

  // Writing: one writer, appends only.
  // Rows are mostly of 100 bytes or more: a byte of the filter an entry.
  options.memtable_factory = NewAppendMemtableFactory(options_.write_buffer_size_bytes / 128);
  options.allow_concurrent_memtable_write = false;
  options.enable_write_thread_adaptive_yield = false;
  options.write_buffer_size = options_.write_buffer_size_bytes;
  options.max_write_buffer_number = options_.memtable_count_max;
  options.arena_block_size = std::min<size_t>(1 << 20, options_.write_buffer_size_bytes / 8);

  // A stall of seconds is a bug: the commit log slows writers in milliseconds instead.
  options.max_background_flushes = 1;
  options.max_background_compactions = options_.compaction_thread_count;
  options.level0_file_num_compaction_trigger = 10;
  options.level0_slowdown_writes_trigger = 1 << 20;
  options.level0_stop_writes_trigger = 1 << 20;
  options.soft_pending_compaction_bytes_limit = 0;
  options.hard_pending_compaction_bytes_limit = 0;
  options.target_file_size_base = 64 << 20;
  options.max_subcompactions = 1;
  options.max_bytes_for_level_base = 512 << 20;
  options.level_compaction_dynamic_level_bytes = true;
  options.compression = rocksdb::kNoCompression;
  options.bottommost_compression = rocksdb::kLZ4Compression;

  rocksdb::BlockBasedTableOptions table;
  table.block_cache = block_cache_;
  table.filter_policy.reset(rocksdb::NewBloomFilterPolicy(10));
  table.checksum = rocksdb::kXXH3;
  table.format_version = 5;
  table.block_size = 4096;
  table.cache_index_and_filter_blocks = false;
  // Few rows are looked up one by one: as prefixes that are whole keys they alone are in the
  // filters, which would otherwise cost a byte and more of memory an element.
  table.whole_key_filtering = false;
  options.prefix_extractor = std::make_shared<NamedRows>();
  options.table_factory.reset(rocksdb::NewBlockBasedTableFactory(table));
  return options;
}

Status Store::OpenLocked(bool create) {
  rocksdb::DB* db = nullptr;
  rocksdb::Options options = BuildOptions();
  options.create_if_missing = create;
  const rocksdb::Status status = rocksdb::DB::Open(options, options_.dir, &db);
  if (!status.ok()) return FromRocks(status);
  db_.reset(db);
  (void)db_->GetDbIdentity(identity_);
  log_failed_ = false;
  flushed_seq_ = db_->GetLatestSequenceNumber();  // recovery flushes what it replays
  return Status::Ok();
}

Status Store::Open() {
  std::unique_lock lock(mutex_);
  HEARTH_CHECK(db_ == nullptr);
  return OpenLocked(/*create=*/true);
}

void Store::CancelCompactions() {
  std::shared_lock lock(mutex_);  // whoever waits for a compaction holds it too
  if (db_ != nullptr) rocksdb::CancelAllBackgroundWork(db_.get(), /*wait=*/false);
}

Status Store::Close() {
  CancelCompactions();
  std::unique_lock lock(mutex_);
  if (db_ == nullptr) return Status::Ok();
  const Status synced = SyncLocked();  // 7.8.3's Close does not
  (void)db_->Close();
  db_.reset();
  return synced;
}

Status Store::Exchange(const std::function<Status()>& exchange) {
  CancelCompactions();
  std::unique_lock lock(mutex_);
  if (db_ != nullptr) {
    (void)SyncLocked();  // the old data may yet be needed
    (void)db_->Close();
    db_.reset();
  }
  if (Status status = exchange(); !status.ok()) return status;
  return OpenLocked(/*create=*/false);
}

// Whoever waits for one holds the lock; after an error it might wait for good.
void Store::EndManualCompactions() {
  std::shared_lock lock(mutex_);
  if (db_ != nullptr) db_->DisableManualCompaction();
}

// Whether what was open would be opened: a directory may be away, or another may be in its place.
Status Store::CheckFiles() {
  std::string identity;
  const Status read = ReadWholeFile(file_system_.get(), options_.dir + "/IDENTITY", &identity);
  if (!read.ok() && !read.IsNotFound()) return read;
  if (read.IsNotFound() || !file_system_->FileExists(options_.dir + "/CURRENT", {}, nullptr).ok()) {
    return Status::IoError("the store's files are not in " + options_.dir + " any more");
  }
  while (identity.ends_with('\n')) identity.pop_back();
  if (identity == identity_) return Status::Ok();
  return Status::IoError("another store is in " + options_.dir + " now");
}

Status Store::Reopen(uint64_t min_seq) {
  EndManualCompactions();
  std::unique_lock lock(mutex_);
  if (Status status = CheckFiles(); !status.ok()) return status;
  if (db_ != nullptr) {
    (void)db_->Close();  // repeats the error that brought us here
    db_.reset();
  }
  if (Status status = OpenLocked(/*create=*/false); !status.ok()) return status;
  const uint64_t last_seq = db_->GetLatestSequenceNumber();
  if (last_seq >= min_seq) return Status::Ok();
  (void)db_->Close();
  db_.reset();
  return Status::Corruption("the store in " + options_.dir + " ends at sequence " +
                            std::to_string(last_seq) + ", before " + std::to_string(min_seq));
}

// 7.8.3 goes on as one that is stopped: it waits for no flush any more. So it is opened anew, once
// nothing is in memory alone.
Status Store::Resume() {
  {
    std::shared_lock lock(mutex_);
    if (db_ == nullptr) return Status::IoError("the store is closed");
    if (const Status resumed = FromRocks(db_->Resume()); !resumed.ok()) return resumed;
  }
  if (IntProperty(rocksdb::DB::Properties::kNumEntriesActiveMemTable) != 0 ||
      IntProperty(rocksdb::DB::Properties::kNumEntriesImmMemTables) != 0) {
    return Status::Busy("not all of the memtables is flushed yet");
  }
  return Reopen(LatestSeq());
}

namespace {

class DroppedRanges : public rocksdb::WriteBatch::Handler {
 public:
  using Tell = std::function<void(std::string_view from, std::string_view to)>;
  explicit DroppedRanges(const Tell& tell) : tell_(tell) {}

  rocksdb::Status DeleteRangeCF(uint32_t, const rocksdb::Slice& from,
                                const rocksdb::Slice& to) override {
    tell_({from.data(), from.size()}, {to.data(), to.size()});
    return rocksdb::Status::OK();
  }
  rocksdb::Status PutCF(uint32_t, const rocksdb::Slice&, const rocksdb::Slice&) override {
    return rocksdb::Status::OK();
  }
  rocksdb::Status DeleteCF(uint32_t, const rocksdb::Slice&) override {
    return rocksdb::Status::OK();
  }

 private:
  const Tell& tell_;
};

}  // namespace

Status Store::Write(rocksdb::WriteBatch* batch, bool use_wal, bool sync) {
  rocksdb::WriteOptions options;
  options.disableWAL = !use_wal;
  options.sync = use_wal && sync;
  std::shared_lock lock(mutex_);
  if (db_ == nullptr) return Status::IoError("the store is closed");
  const Status status = FromRocks(db_->Write(options, batch));
  if (!status.ok() && use_wal) log_failed_ = true;
  if (status.ok() && batch->HasDeleteRange() && options_.on_range_dropped) [[unlikely]] {
    DroppedRanges dropped(options_.on_range_dropped);
    (void)batch->Iterate(&dropped);
  }
  return status;
}

uint64_t Store::ApproximateBytes(const Range& range) {
  std::shared_lock lock(mutex_);
  if (db_ == nullptr) return 0;
  const rocksdb::Range bounds(range.from, range.to);
  rocksdb::SizeApproximationOptions options;
  options.include_files = true;
  uint64_t bytes = 0;
  (void)db_->GetApproximateSizes(options, db_->DefaultColumnFamily(), &bounds, 1, &bytes);
  return bytes;
}

uint64_t Store::LevelZeroBytes() {
  std::shared_lock lock(mutex_);
  if (db_ == nullptr) return 0;
  rocksdb::ColumnFamilyMetaData files;
  db_->GetColumnFamilyMetaData(&files);
  return files.levels.empty() ? 0 : files.levels[0].size;
}

Status Store::CompactRange(const Range& range) {
  std::shared_lock lock(mutex_);
  if (db_ == nullptr) return Status::IoError("the store is closed");
  rocksdb::CompactRangeOptions options;
  options.exclusive_manual_compaction = false;
  const rocksdb::Slice from(range.from), to(range.to);
  return FromRocks(db_->CompactRange(options, &from, &to));
}

Status Store::SyncWal() {
  std::shared_lock lock(mutex_);
  if (db_ == nullptr) return Status::IoError("the store is closed");
  return SyncLocked();
}

Status Store::SyncLocked() {
  if (log_failed_) return Status::IoError("the write-ahead log can't be synced: a write failed");
  const Status status = FromRocks(db_->SyncWAL());
  if (!status.ok()) log_failed_ = true;
  return status;
}

Status Store::Flush(bool wait) {
  rocksdb::FlushOptions options;
  options.wait = wait;
  options.allow_write_stall = true;
  std::shared_lock lock(mutex_);
  if (db_ == nullptr) return Status::IoError("the store is closed");
  return FromRocks(db_->Flush(options));
}

Status Store::Get(std::string_view row_key, Tier tier, std::string* row_value) {
  rocksdb::ReadOptions options;
  options.read_tier = tier == Tier::kMemoryOnly ? rocksdb::kBlockCacheTier : rocksdb::kReadAllTier;
  std::shared_lock lock(mutex_);
  if (db_ == nullptr) return Status::IoError("the store is closed");
  const Status status =
      FromRocks(db_->Get(options, rocksdb::Slice(row_key.data(), row_key.size()), row_value));
  // Without the disk RocksDB says Ok, and gives nothing, for a key in a table that is not open. No
  // row of ours is empty.
  if (status.ok() && row_value->empty() && tier == Tier::kMemoryOnly) {
    return Status::Busy("the table is not open");
  }
  return status;
}

uint64_t Store::LatestSeq() {
  std::shared_lock lock(mutex_);
  return db_ ? db_->GetLatestSequenceNumber() : 0;
}

namespace {

Status ScanRows(rocksdb::DB* db, const rocksdb::Snapshot* snapshot, std::string_view from,
                std::string_view to,
                const std::function<bool(std::string_view, std::string_view)>& visit,
                size_t read_ahead_bytes = 0) {
  const rocksdb::Slice upper(to.data(), to.size());
  rocksdb::ReadOptions options;
  options.snapshot = snapshot;
  options.iterate_upper_bound = &upper;
  options.total_order_seek = true;  // filters know nothing of ranges
  options.fill_cache = false;
  options.readahead_size = read_ahead_bytes;
  std::unique_ptr<rocksdb::Iterator> rows(db->NewIterator(options));
  for (rows->Seek(rocksdb::Slice(from.data(), from.size())); rows->Valid(); rows->Next()) {
    const rocksdb::Slice key = rows->key();
    const rocksdb::Slice value = rows->value();
    if (!visit({key.data(), key.size()}, {value.data(), value.size()})) break;
  }
  return FromRocks(rows->status());
}

}  // namespace

Status Store::Scan(std::string_view from, std::string_view to, uint64_t* seq,
                   const std::function<bool(std::string_view, std::string_view)>& visit) {
  std::shared_lock lock(mutex_);
  if (db_ == nullptr) return Status::IoError("the store is closed");
  // Taken before the iterator: its view holds at least this much.
  *seq = db_->GetLatestSequenceNumber();
  return ScanRows(db_.get(), nullptr, from, to, visit);
}

StoreView::StoreView(Store& store) : lock_(store.Guard()), db_(store.db()) {
  if (db_ == nullptr) return;
  snapshot_ = db_->GetSnapshot();
  seq_ = snapshot_->GetSequenceNumber();
}

StoreView::~StoreView() {
  if (snapshot_ != nullptr) db_->ReleaseSnapshot(snapshot_);
}

Status StoreView::Get(std::string_view row_key, std::string* row_value) {
  if (db_ == nullptr) return Status::IoError("the store is closed");
  rocksdb::ReadOptions options;
  options.snapshot = snapshot_;
  return FromRocks(db_->Get(options, rocksdb::Slice(row_key.data(), row_key.size()), row_value));
}

Status StoreView::Scan(std::string_view from, std::string_view to,
                       const std::function<bool(std::string_view, std::string_view)>& visit,
                       size_t read_ahead_bytes) {
  if (db_ == nullptr) return Status::IoError("the store is closed");
  return ScanRows(db_, snapshot_, from, to, visit, read_ahead_bytes);
}

Status Store::ScanRanges(const std::vector<Range>& ranges, uint64_t* seq,
                         const std::function<void(std::string_view, std::string_view)>& visit) {
  std::shared_lock lock(mutex_);
  if (db_ == nullptr) return Status::IoError("the store is closed");
  rocksdb::ReadOptions options;
  options.total_order_seek = true;  // filters know nothing of ranges
  options.fill_cache = false;
  *seq = db_->GetLatestSequenceNumber();
  std::unique_ptr<rocksdb::Iterator> rows(db_->NewIterator(options));
  for (const Range& range : ranges) {
    for (rows->Seek(range.from); rows->Valid() && rows->key().compare(range.to) < 0; rows->Next()) {
      const rocksdb::Slice key = rows->key(), value = rows->value();
      visit({key.data(), key.size()}, {value.data(), value.size()});
    }
    if (!rows->status().ok()) break;
  }
  return FromRocks(rows->status());
}

int Store::unflushed_memtable_count() {
  return static_cast<int>(IntProperty(rocksdb::DB::Properties::kNumImmutableMemTable));
}

uint64_t Store::IntProperty(const std::string& name) {
  uint64_t value = 0;
  std::shared_lock lock(mutex_);
  if (db_ != nullptr) db_->GetIntProperty(name, &value);
  return value;
}

std::string Store::StringProperty(const std::string& name) {
  std::string value;
  std::shared_lock lock(mutex_);
  if (db_ != nullptr) db_->GetProperty(name, &value);
  return value;
}

}  // namespace hearth
