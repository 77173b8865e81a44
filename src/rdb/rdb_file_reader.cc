// Tested by tests/src/rdb/rdb_file_reader_test.cc.
#include "src/rdb/rdb_file_reader.h"

#include <algorithm>
#include <cstring>

#include "engine/codec.h"
#include "src/rdb/crc64.h"
#include "src/rdb/packed_integer.h"
#include "src/rdb/rdb_input.h"
#include "src/rdb/rdb_value.h"

namespace hearth {
namespace {

constexpr uint8_t kOpSlotInfo = 0xf4, kOpFunction2 = 0xf5, kOpFunctionPreRelease = 0xf6,
                  kOpModuleAux = 0xf7, kOpIdle = 0xf8, kOpFrequency = 0xf9, kOpAux = 0xfa,
                  kOpResizeDb = 0xfb, kOpExpireMs = 0xfc, kOpExpireS = 0xfd, kOpSelectDb = 0xfe,
                  kOpEnd = 0xff;
constexpr size_t kCrcSize = 8;
constexpr uint64_t kEncodedInt8 = 0, kEncodedInt32 = 2, kEncodedCompressed = 3;

}  // namespace

bool RdbFileReader::Fail(Status status) {
  if (status_.ok()) status_ = std::move(status);
  return false;
}

// Makes `size` bytes from at_ on readable.
bool RdbFileReader::Need(size_t size) {
  if (end_ - at_ >= size) return true;
  if (size > entry_bytes_max_ || at_ - begin_ > entry_bytes_max_ - size) {
    return Fail(Status::Corruption("an entry has more than " + std::to_string(entry_bytes_max_) +
                                   " bytes (proto-max-bulk-len)"));
  }
  while (end_ - at_ < size) {
    // Doubles as bytes come: an announced size allocates nothing.
    if (buffer_.size() - end_ < kRdbReadBytes) {
      buffer_.resize(std::max(buffer_.size() * 2, end_ + 2 * kRdbReadBytes));
    }
    const size_t got = read_({buffer_.data() + end_, kRdbReadBytes});
    if (got == 0) return Damaged("the file ends too early");
    end_ += got;
  }
  return true;
}

bool RdbFileReader::Skip(uint64_t size) {
  if (!Need(size)) return false;
  at_ += size;
  return true;
}

bool RdbFileReader::Byte(uint8_t* value) {
  if (!Need(1)) return false;
  *value = static_cast<uint8_t>(buffer_[at_++]);
  return true;
}

bool RdbFileReader::Fixed(size_t size, uint64_t* value) {
  if (!Need(size)) return false;
  *value = rdb::UnsignedLittleEndian(std::string_view(buffer_).substr(at_, size));
  at_ += size;
  return true;
}

// As RdbInput's; without is_encoding an encoded string is an error.
bool RdbFileReader::Length(uint64_t* value, bool* is_encoding) {
  uint8_t first, second;
  if (!Byte(&first)) return false;
  const int form = first >> 6;
  if (is_encoding != nullptr) *is_encoding = form == 3;
  if (form == 3 && is_encoding == nullptr) return Damaged("a length is none");
  *value = first & 0x3fu;
  if (form == 0 || form == 3) return true;
  if (form == 1) {
    if (!Byte(&second)) return false;
    *value = *value << 8 | second;
    return true;
  }
  const size_t size = first == 0x80 ? 4 : 8;
  if (first > 0x81) return Damaged("a length has an unknown form");
  if (!Need(size)) return false;
  const char* const bytes = buffer_.data() + at_;
  *value = size == 4 ? GetBigEndian32(bytes) : GetBigEndian64(bytes);
  at_ += size;
  return true;
}

bool RdbFileReader::SkipString() {
  uint64_t size, expanded_size;
  bool is_encoding;
  if (!Length(&size, &is_encoding)) return false;
  if (!is_encoding) return Skip(size);
  if (size <= kEncodedInt32) return Skip(uint64_t{1} << (size - kEncodedInt8));
  if (size != kEncodedCompressed) return Damaged("a string has an unknown encoding");
  return Length(&size) && Length(&expanded_size) && Skip(size);
}

bool RdbFileReader::String(std::string* value) {
  const size_t begin = at_;
  if (!SkipString()) return false;
  rdb::RdbInput input(std::string_view(buffer_).substr(begin, at_ - begin));
  return input.String(value) || Damaged(input.error());
}

bool RdbFileReader::SkipMany(uint64_t count, bool (RdbFileReader::*skip)()) {
  // Every element has bytes: the count is bounded by those of the entry.
  for (uint64_t i = 0; i < count; ++i) {
    if (!(this->*skip)()) return false;
  }
  return true;
}

bool RdbFileReader::SkipCounted(bool (RdbFileReader::*skip)()) {
  uint64_t count;
  return Length(&count) && SkipMany(count, skip);
}

bool RdbFileReader::SkipLength() {
  uint64_t value;
  return Length(&value);
}

bool RdbFileReader::SkipPair() {
  return SkipString() && SkipString();
}

bool RdbFileReader::SkipTextDouble() {
  uint8_t size;
  constexpr uint8_t kNotANumber = 253;
  return Byte(&size) && Skip(size >= kNotANumber ? 0 : size);
}

bool RdbFileReader::SkipTextScored() {
  return SkipString() && SkipTextDouble();
}

bool RdbFileReader::SkipBinaryScored() {
  return SkipString() && Skip(sizeof(double));
}

bool RdbFileReader::SkipExpiringField() {
  return SkipLength() && SkipPair();
}

bool RdbFileReader::SkipFieldOfValkey() {
  return SkipPair() && Skip(sizeof(int64_t));
}

bool RdbFileReader::SkipNode() {
  return SkipLength() && SkipString();
}

bool RdbFileReader::SkipStream(uint8_t type) {
  if (!SkipCounted(&RdbFileReader::SkipPair)) return false;
  const uint64_t numbers = type == kRdbStreamListpacks ? 3 : 8;
  uint64_t group_count;
  if (!SkipMany(numbers, &RdbFileReader::SkipLength) || !Length(&group_count)) return false;
  for (uint64_t i = 0; i < group_count; ++i) {
    if (!SkipGroup(type)) return false;
  }
  return true;
}

// rdb_stream.h has the grammar.
bool RdbFileReader::SkipGroup(uint8_t type) {
  constexpr size_t kIdSize = 16, kTimeSize = 8;
  uint64_t pending_count, consumer_count;
  if (!SkipString() || !SkipMany(type == kRdbStreamListpacks ? 2 : 3, &RdbFileReader::SkipLength) ||
      !Length(&pending_count)) {
    return false;
  }
  for (uint64_t i = 0; i < pending_count; ++i) {
    if (!Skip(kIdSize + kTimeSize) || !SkipLength()) return false;
  }
  if (!Length(&consumer_count)) return false;
  for (uint64_t i = 0; i < consumer_count; ++i) {
    uint64_t owned_count;
    if (!SkipString() || !Skip(type == kRdbStreamListpacks3 ? 2 * kTimeSize : kTimeSize) ||
        !Length(&owned_count)) {
      return false;
    }
    if (owned_count > entry_bytes_max_ / kIdSize) return Damaged("a consumer owns too much");
    if (!Skip(owned_count * kIdSize)) return false;
  }
  return true;
}

bool RdbFileReader::SkipValue(uint8_t type) {
  switch (type) {
    case kRdbString:
    case kRdbHashZipmap:
    case kRdbListZiplist:
    case kRdbSetIntset:
    case kRdbSortedSetZiplist:
    case kRdbHashZiplist:
    case kRdbHashListpack:
    case kRdbSortedSetListpack:
    case kRdbSetListpack:
    case kRdbHashListpackExPreRelease:
      return SkipString();
    case kRdbHashListpackEx:
      return Skip(sizeof(uint64_t)) && SkipString();
    case kRdbList:
    case kRdbSet:
    case kRdbListQuicklist:
      return SkipCounted(&RdbFileReader::SkipString);
    case kRdbListQuicklist2:
      return SkipCounted(&RdbFileReader::SkipNode);
    case kRdbHash:
      return SkipCounted(&RdbFileReader::SkipPair);
    case kRdbSortedSet:
      return SkipCounted(&RdbFileReader::SkipTextScored);
    case kRdbSortedSet2:
      return SkipCounted(&RdbFileReader::SkipBinaryScored);
    case kRdbHashMetadata:
      return Skip(sizeof(uint64_t)) && SkipCounted(&RdbFileReader::SkipExpiringField);
    case kRdbHashMetadataPreRelease:
      return SkipCounted(&RdbFileReader::SkipExpiringField);
    case kRdbHashOfValkey:
      return SkipCounted(&RdbFileReader::SkipFieldOfValkey);
    case kRdbStreamListpacks:
    case kRdbStreamListpacks2:
    case kRdbStreamListpacks3:
      return SkipStream(type);
    case kRdbModule:
    case kRdbModule2:
      return Fail(Status::Invalid("values of modules are not supported"));
    default:
      return Fail(Status::Invalid("a value has the unknown type " + std::to_string(type)));
  }
}

bool RdbFileReader::ReadHeader() {
  constexpr size_t kHeadSize = 9;
  constexpr std::string_view kRedis = "REDIS", kValkey = "VALKEY";
  if (!Need(kHeadSize)) return false;
  const auto head = std::string_view(buffer_).substr(at_, kHeadSize);
  const bool is_valkey = head.starts_with(kValkey);
  if (!is_valkey && !head.starts_with(kRedis)) return Damaged("it is no RDB file");
  int version = 0;
  for (const char digit : head.substr(is_valkey ? kValkey.size() : kRedis.size())) {
    if (digit < '0' || digit > '9') return Damaged("it is no RDB file");
    version = version * 10 + (digit - '0');
  }
  if (is_valkey ? version != kRdbVersionOfValkey : version < 1 || version > kRdbFileVersionMax) {
    return Fail(Status::Invalid("RDB version " + std::to_string(version) + " is not supported"));
  }
  version_ = version;
  at_ += head.size();
  return true;
}

// The checksum is of everything before it.
bool RdbFileReader::ReadEnd() {
  EndEntry();
  constexpr int kFirstWithCrc = 5;
  if (version_ < kFirstWithCrc) return true;
  const uint64_t computed = crc_;
  uint64_t written;
  if (!Fixed(kCrcSize, &written)) return false;
  return written == 0 || written == computed || Damaged("the checksum is wrong");
}

// What was taken counts, and is not needed any more.
void RdbFileReader::EndEntry() {
  crc_ = rdb::Crc64(crc_, std::string_view(buffer_).substr(begin_, at_ - begin_));
  begin_ = at_;
  if (end_ - at_ > at_) return;  // moved when it is little against what was read
  std::memmove(buffer_.data(), buffer_.data() + at_, end_ - at_);
  end_ -= at_;
  begin_ = at_ = 0;
  // What one big value took is given back.
  constexpr size_t kKeptMax = 16 * kRdbReadBytes;
  if (buffer_.size() > kKeptMax && end_ < kRdbReadBytes) {
    buffer_.resize(2 * kRdbReadBytes);
    buffer_.shrink_to_fit();
  }
}

bool RdbFileReader::ReadKey(uint8_t type, RdbEntry* entry) {
  if (!String(&entry->key)) return false;
  const size_t begin = at_;
  if (!SkipValue(type)) return false;
  entry->kind = RdbEntry::Kind::kKey;
  entry->db = db_;
  entry->type = type;
  entry->value = std::string_view(buffer_).substr(begin, at_ - begin);
  return true;
}

bool RdbFileReader::ReadOpcode(uint8_t opcode, RdbEntry* entry, bool* is_whole) {
  uint64_t number;
  switch (opcode) {
    case kOpExpireS:
      if (!Fixed(sizeof(uint32_t), &number)) return false;
      entry->expire_at_ms = static_cast<int64_t>(static_cast<int32_t>(number)) * 1000;
      return true;
    case kOpExpireMs:
      if (!Fixed(sizeof(uint64_t), &number)) return false;
      entry->expire_at_ms = static_cast<int64_t>(number);
      return true;
    case kOpIdle:
      if (!Length(&number)) return false;
      entry->idle_s = static_cast<int64_t>(std::min<uint64_t>(number, INT64_MAX));
      return true;
    case kOpFrequency:
      if (!Fixed(1, &number)) return false;
      entry->frequency = static_cast<int64_t>(number);
      return true;
    case kOpSelectDb:
      return Length(&db_);
    case kOpResizeDb:
      return SkipMany(2, &RdbFileReader::SkipLength);
    case kOpSlotInfo:
      return SkipMany(3, &RdbFileReader::SkipLength);
    case kOpAux:
      entry->kind = RdbEntry::Kind::kAux;
      *is_whole = true;
      return String(&entry->key) && String(&entry->text);
    case kOpFunction2:
      entry->kind = RdbEntry::Kind::kFunction;
      *is_whole = true;
      return String(&entry->text);
    case kOpModuleAux:
      return Fail(Status::Invalid("data of modules are not supported"));
    case kOpFunctionPreRelease:
      return Fail(Status::Invalid("a function of a pre-release is not supported"));
    case kOpEnd:
      entry->kind = RdbEntry::Kind::kEnd;
      *is_whole = true;
      return ReadEnd();
    default:
      *is_whole = true;
      return ReadKey(RdbTypeOf(opcode, version_), entry);
  }
}

Status RdbFileReader::Next(RdbEntry* entry) {
  if (!status_.ok()) return status_;
  EndEntry();
  if (version_ == 0 && !ReadHeader()) return status_;
  *entry = RdbEntry();
  bool is_whole = false;
  // Opcodes before a key are few and small; a run of others without end is bounded like an entry.
  while (!is_whole) {
    uint8_t opcode;
    if (!Byte(&opcode) || !ReadOpcode(opcode, entry, &is_whole)) return status_;
  }
  return Status::Ok();
}

}  // namespace hearth
