// Tested by tests/engine/replication_feed_test.cc.
#include "engine/wal_cursor.h"

#include <algorithm>
#include <cstring>

#include "engine/codec.h"
#include "engine/crc32c.h"
#include "engine/store.h"
#include "engine/wal_archive.h"

namespace hearth {
namespace {

constexpr size_t kBlockSize = 32768;
constexpr size_t kHeaderSize = 7;
constexpr uint8_t kFull = 1, kFirst = 2, kMiddle = 3, kLast = 4;

uint32_t Unmask(uint32_t masked) {
  const uint32_t rotated = masked - 0xa282ead8u;
  return (rotated >> 17) | (rotated << 15);
}

Status OutOfReach(uint64_t seq) {
  return Status::NotFound("the history does not reach sequence " + std::to_string(seq));
}

}  // namespace

Status WalCursor::OpenFile(uint64_t number) {
  file_.reset();
  if (Status status = archive_->OpenFile(number, &file_); !status.ok()) return status;
  file_number_ = number;
  offset_ = 0;
  block_.clear();
  return Status::Ok();
}

// The last file that begins at or before the wanted sequence.
Status WalCursor::OpenFirst() {
  std::vector<WalArchive::File> files;
  if (Status status = archive_->List(&files); !status.ok()) return status;
  uint64_t number = 0;
  for (const WalArchive::File& file : files) {
    if (file.first_seq != 0 && file.first_seq <= next_seq_) number = file.number;
  }
  return number == 0 ? OutOfReach(next_seq_) : OpenFile(number);
}

// The next file that holds anything. A write that failed leaves a torn end, and its sequence is
// used again: then the next file begins with what is wanted.
Status WalCursor::OpenNext(bool damaged) {
  std::vector<WalArchive::File> files;
  if (Status status = archive_->List(&files); !status.ok()) return status;
  for (const WalArchive::File& file : files) {
    if (file.number <= file_number_ || file.first_seq == 0) continue;
    if (file.first_seq == next_seq_) return OpenFile(file.number);
    if (!damaged) return OutOfReach(next_seq_);
    break;
  }
  if (!damaged) return OutOfReach(next_seq_);
  return Status::Corruption("the write-ahead log " + std::to_string(file_number_) +
                            " is damaged at offset " + std::to_string(offset_) +
                            ", before sequence " + std::to_string(next_seq_));
}

WalCursor::Found WalCursor::ReadFragment(uint8_t* type, std::string_view* bytes, Status* status) {
  if (offset_ % kBlockSize + kHeaderSize > kBlockSize) {
    offset_ += kBlockSize - offset_ % kBlockSize;
  }
  const uint64_t block_at = offset_ - offset_ % kBlockSize;
  const size_t within = offset_ % kBlockSize;
  const auto has = [&](size_t size) {
    return block_offset_ == block_at && block_.size() >= within + size;
  };
  const auto fragment_size = [&] {
    uint16_t length;
    std::memcpy(&length, block_.data() + within + 4, sizeof(length));
    return kHeaderSize + length;
  };
  if (!has(kHeaderSize) || !has(fragment_size())) {
    // The block as it is now: the end of a live file grows.
    block_.resize(kBlockSize);
    rocksdb::Slice read;
    const rocksdb::IOStatus io =
        file_->Read(block_at, kBlockSize, {}, &read, block_.data(), nullptr);
    if (!io.ok()) {
      block_.clear();
      *status = FromRocks(io);
      return Found::kDamage;
    }
    if (read.data() != block_.data()) block_.assign(read.data(), read.size());
    block_.resize(read.size());
    block_offset_ = block_at;
  }
  if (block_.size() <= within) return Found::kEnd;
  if (std::all_of(block_.begin() + static_cast<ptrdiff_t>(within), block_.end(),
                  [](char c) { return c == '\0'; })) {
    return Found::kEnd;  // preallocated space
  }
  if (!has(kHeaderSize) || !has(fragment_size())) return Found::kDamage;
  uint32_t masked;
  std::memcpy(&masked, block_.data() + within, sizeof(masked));
  const size_t size = fragment_size();
  *type = static_cast<uint8_t>(block_[within + kHeaderSize - 1]);
  const std::string_view checked(block_.data() + within + kHeaderSize - 1, size - kHeaderSize + 1);
  if (*type < kFull || *type > kLast || Crc32c(0, checked) != Unmask(masked)) {
    return Found::kDamage;
  }
  *bytes = checked.substr(1);
  offset_ += size;
  return Found::kRecord;
}

// A whole record; else the cursor stays where it was.
WalCursor::Found WalCursor::ReadRecord(std::string* record, Status* status) {
  const uint64_t begin = offset_;
  record->clear();
  bool begun = false;
  while (true) {
    uint8_t type;
    std::string_view bytes;
    Found found = ReadFragment(&type, &bytes, status);
    if (found == Found::kEnd && begun) found = Found::kDamage;  // a record without its end
    if (found == Found::kRecord && (type == kFull || type == kFirst) == begun) {
      found = Found::kDamage;
    }
    if (found != Found::kRecord) {
      offset_ = begin;
      return found;
    }
    begun = true;
    record->append(bytes);
    if (type == kFull || type == kLast) break;
  }
  return record->size() < kGroupHeaderSize ? Found::kDamage : Found::kRecord;
}

Status WalCursor::Read(uint64_t limit_seq, size_t max_bytes, Groups* groups) {
  size_t bytes = 0;
  std::string record;
  while (next_seq_ <= limit_seq && (bytes == 0 || bytes < max_bytes)) {
    if (file_ == nullptr) {
      if (Status status = OpenFirst(); !status.ok()) return status;
    }
    Status status;
    const Found found = ReadRecord(&record, &status);
    if (!status.ok()) return status;
    if (found != Found::kRecord) {
      if (status = OpenNext(found == Found::kDamage); !status.ok()) return status;
      continue;
    }
    auto group = std::make_shared<Group>();
    group->first_seq = GetFixed64(record.data());
    std::memcpy(&group->count, record.data() + sizeof(uint64_t), sizeof(group->count));
    if (group->count == 0) continue;  // RocksDB begins a log so after it recovered from a torn one
    if (group->first_seq > next_seq_) return OutOfReach(next_seq_);
    group->payload = std::move(record);
    if (group->first_seq < next_seq_) {  // before what is wanted
      passed_ = std::move(group);
      if (passed_->last_seq() >= next_seq_) return OutOfReach(next_seq_);
      continue;
    }
    next_seq_ = group->last_seq() + 1;
    bytes += group->payload.size();
    groups->push_back(std::move(group));
  }
  return Status::Ok();
}

}  // namespace hearth
