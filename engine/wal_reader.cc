// Tested by tests/engine/wal_reader_test.cc.
#include "engine/wal_reader.h"

#include <cstring>

#include "engine/crc32c.h"

namespace hearth {
namespace {

constexpr size_t kBlockSize = 32768;
constexpr size_t kHeaderSize = 7;
constexpr size_t kBatchHeaderSize = 12;
constexpr uint8_t kFull = 1, kFirst = 2, kMiddle = 3, kLast = 4;

uint32_t Unmask(uint32_t masked) {
  const uint32_t rotated = masked - 0xa282ead8u;
  return (rotated >> 17) | (rotated << 15);
}

bool FragmentIsWhole(std::string_view contents, uint64_t offset) {
  if (offset + kHeaderSize > contents.size()) return false;
  uint32_t masked;
  uint16_t length;
  std::memcpy(&masked, contents.data() + offset, sizeof(masked));
  std::memcpy(&length, contents.data() + offset + 4, sizeof(length));
  const auto type = static_cast<uint8_t>(contents[offset + 6]);
  if (type < kFull || type > kLast || offset + kHeaderSize + length > contents.size()) return false;
  return Crc32c(0, contents.substr(offset + 6, 1 + length)) == Unmask(masked);
}

}  // namespace

bool WalReader::ReadFragment(uint8_t* type, std::string_view* bytes) {
  const uint64_t in_block = offset_ % kBlockSize;
  if (in_block + kHeaderSize > kBlockSize) offset_ += kBlockSize - in_block;
  if (offset_ >= contents_.size()) return false;
  // Zeros up to the end are preallocated space, not damage.
  if (contents_.find_first_not_of('\0', offset_) == std::string_view::npos) return false;
  if (!FragmentIsWhole(contents_, offset_)) {
    damaged_ = true;
    return false;
  }
  uint16_t length;
  std::memcpy(&length, contents_.data() + offset_ + 4, sizeof(length));
  *type = static_cast<uint8_t>(contents_[offset_ + 6]);
  *bytes = contents_.substr(offset_ + kHeaderSize, length);
  offset_ += kHeaderSize + length;
  return true;
}

bool WalReader::ReadBytes(std::string_view* record) {
  scratch_.clear();
  bool begun = false;
  while (true) {
    uint8_t type;
    std::string_view bytes;
    if (!ReadFragment(&type, &bytes)) {
      damaged_ = damaged_ || begun;  // a record without its end
      return false;
    }
    const bool starts = type == kFull || type == kFirst;
    if (starts == begun) {
      damaged_ = true;
      return false;
    }
    begun = true;
    if (type == kFull) {
      *record = bytes;
      break;
    }
    scratch_.append(bytes);
    if (type == kLast) {
      *record = scratch_;
      break;
    }
  }
  good_offset_ = offset_;
  return true;
}

bool WalReader::Read(Record* record) {
  const uint64_t before = good_offset_;
  if (!ReadBytes(&record->batch)) return false;
  if (record->batch.size() < kBatchHeaderSize) {
    good_offset_ = before;
    damaged_ = true;
    return false;
  }
  std::memcpy(&record->seq, record->batch.data(), sizeof(record->seq));
  std::memcpy(&record->count, record->batch.data() + 8, sizeof(record->count));
  return true;
}

bool WalReader::valid_after_damage() const {
  // The damaged fragment's own length cannot be trusted: whole fragments start every later block.
  for (uint64_t block = offset_ / kBlockSize + 1; block * kBlockSize < contents_.size(); ++block) {
    if (FragmentIsWhole(contents_, block * kBlockSize)) return true;
  }
  // Within the block: a fragment may start at any byte behind the damage.
  const uint64_t end =
      std::min<uint64_t>(contents_.size(), (offset_ / kBlockSize + 1) * kBlockSize);
  for (uint64_t at = offset_ + 1; at + kHeaderSize < end; ++at) {
    const auto type = static_cast<uint8_t>(contents_[at + 6]);
    if ((type == kFull || type == kFirst) && FragmentIsWhole(contents_, at)) return true;
  }
  return false;
}

}  // namespace hearth
