// Tested by tests/src/rdb/rdb_file_writer_test.cc.
#include "src/rdb/rdb_file_writer.h"

#include <utility>

#include "src/rdb/crc64.h"
#include "src/rdb/rdb_output.h"

namespace hearth {
namespace {

constexpr uint8_t kOpFunction = 0xf5, kOpAux = 0xfa, kOpResizeDb = 0xfb, kOpExpireMs = 0xfc,
                  kOpSelectDb = 0xfe, kOpEnd = 0xff;

// What one big entry took is given back.
constexpr size_t kKeptCapacityMax = 2 * kRdbWriteBytesMax;

bool NeedsExpiringFields(uint8_t type) {
  return type == kRdbHashMetadata || type == kRdbHashListpackEx;
}

}  // namespace

RdbFileWriter::RdbFileWriter(Sink sink, int version, const RdbEncodingLimits& limits)
    : sink_(std::move(sink)), version_(version), limits_(limits) {
  buffer_ = "REDIS00" + std::to_string(version);
}

bool RdbFileWriter::Aux(std::string_view name, std::string_view text) {
  if (!good_) return false;
  Byte(kOpAux);
  rdb::AppendString(name, limits_.rdbcompression, &buffer_);
  rdb::AppendString(text, limits_.rdbcompression, &buffer_);
  return EndEntry();
}

bool RdbFileWriter::Function(std::string_view code) {
  if (!good_) return false;
  Byte(kOpFunction);
  rdb::AppendString(code, limits_.rdbcompression, &buffer_);
  return EndEntry();
}

bool RdbFileWriter::SelectDb(uint64_t db, uint64_t key_count, uint64_t expiring_count) {
  if (!good_) return false;
  Byte(kOpSelectDb);
  rdb::AppendLength(db, &buffer_);
  Byte(kOpResizeDb);
  rdb::AppendLength(key_count, &buffer_);
  rdb::AppendLength(expiring_count, &buffer_);
  return EndEntry();
}

bool RdbFileWriter::Key(std::string_view key, int64_t expire_at_ms, const RdbValue& value) {
  if (!good_) return false;
  if (expire_at_ms != -1) {
    Byte(kOpExpireMs);
    rdb::AppendFixed64(static_cast<uint64_t>(expire_at_ms), &buffer_);
  }
  // The type stands in front of the key, but is known behind the value.
  const size_t type_at = buffer_.size();
  Byte(0);
  rdb::AppendString(key, limits_.rdbcompression, &buffer_);
  const uint8_t type = WriteRdbValue(value, limits_, &buffer_);
  buffer_[type_at] = static_cast<char>(type);
  if (NeedsExpiringFields(type) && version_ < kRdbVersionExpiringFields) {
    needs_newer_version_ = true;
    good_ = false;
    return false;
  }
  return EndEntry();
}

bool RdbFileWriter::Finish() {
  if (!good_) return false;
  Byte(kOpEnd);
  // The checksum is of everything before it.
  rdb::AppendFixed64(rdb::Crc64(crc_, buffer_), &buffer_);
  return Drain();
}

bool RdbFileWriter::EndEntry() {
  return buffer_.size() < kRdbWriteBytes || Drain();
}

bool RdbFileWriter::Drain() {
  for (size_t at = 0; good_ && at < buffer_.size(); at += kRdbWriteBytesMax) {
    const std::string_view piece = std::string_view(buffer_).substr(at, kRdbWriteBytesMax);
    crc_ = rdb::Crc64(crc_, piece);
    good_ = sink_(piece);
    if (good_) size_bytes_ += piece.size();
  }
  buffer_.clear();
  if (buffer_.capacity() > kKeptCapacityMax) buffer_.shrink_to_fit();
  return good_;
}

}  // namespace hearth
