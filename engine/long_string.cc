// Tested by tests/engine/long_string_test.cc.
#include "engine/long_string.h"

#include <algorithm>
#include <bit>
#include <cstring>

#include "engine/check.h"
#include "engine/codec.h"
#include "engine/collection_limits.h"

namespace hearth {
namespace {

// Of Limits().packed_size_max.
constexpr size_t kPackedSizesPerString = 4, kPackedSizesPerValue = 16;
constexpr size_t kChunksWanted = 64;
constexpr uint32_t kChunkSizeMin = 16, kChunkSizeUsual = 128, kChunkSizeMax = 4096;
constexpr size_t kChunkBitsMax = 24;  // what is read
constexpr size_t kGrowthMax = 1 << 20;
constexpr size_t kIndexSize = sizeof(uint32_t);

size_t ChunkBitsFor(size_t size) {
  const uint32_t least = std::clamp(Limits().packed_size_max.load(std::memory_order_relaxed),
                                    kChunkSizeMin, kChunkSizeUsual);
  const size_t wanted = std::clamp<size_t>(size / kChunksWanted, least, kChunkSizeMax);
  return static_cast<size_t>(std::bit_width(wanted)) - 1;
}

// Of a value that is set at once.
size_t WholeChunkBitsFor(size_t size) {
  return static_cast<size_t>(
      std::bit_width(size <= kWholeChunkMax ? std::max<size_t>(size, 1) - 1 : kChunkSizeMax - 1));
}

std::string_view WithoutZerosAtEnd(std::string_view bytes) {
  // All zeros, as most of a sparse bitmap: seen many bytes at once.
  if (!bytes.empty() && bytes.front() == '\0' &&
      std::memcmp(bytes.data(), bytes.data() + 1, bytes.size() - 1) == 0) {
    return {};
  }
  return bytes.substr(0, bytes.find_last_not_of('\0') + 1);
}

}  // namespace

class LongString final : public Collection {
 public:
  explicit LongString(uint64_t object_id) : Collection(object_id) {}
  LongString(uint64_t object_id, std::string_view value)
      : Collection(object_id), bytes_(value), chunk_bits_(WholeChunkBitsFor(value.size())) {}

  std::string_view value() const { return bytes_; }
  size_t chunk_bits() const { return chunk_bits_; }
  bool has_whole_chunk() const { return chunk_size() > kChunkSizeMax; }
  // What the chunk's row holds; empty: there is none.
  std::string_view Row(size_t index) const {
    const size_t begin = index << chunk_bits_;
    return begin >= bytes_.size() ? std::string_view()
                                  : WithoutZerosAtEnd(value().substr(begin, chunk_size()));
  }
  void Grow(size_t size) {
    if (size <= bytes_.size()) return;
    if (size > bytes_.capacity()) Reserve(size + std::min(size, kGrowthMax));
    bytes_.resize(size);
  }
  // Requires: within the size.
  void Write(size_t offset, std::string_view bytes) { bytes.copy(&bytes_[offset], bytes.size()); }

  size_t size() const override { return bytes_.size(); }
  size_t row_count() const override { return (bytes_.size() + chunk_size() - 1) >> chunk_bits_; }
  size_t memory_bytes() const override { return sizeof(*this) + bytes_.capacity() + 1; }

  bool ReadHead(std::string_view head) override {
    uint64_t size;
    if (head.empty() || static_cast<uint8_t>(head[0]) > kChunkBitsMax) return false;
    chunk_bits_ = static_cast<uint8_t>(head[0]);
    head.remove_prefix(1);
    if (!ReadVarint(&head, &size) || !head.empty()) return false;
    if (size > UINT32_MAX || size < bytes_.size()) return false;
    if (bytes_.empty()) bytes_.reserve(size);
    Grow(size);
    head_size_ = size;
    return true;
  }

  bool NamesRows(std::vector<std::string>* elements) const override {
    if (bytes_.empty() || row_count() > 1) return false;
    elements->emplace_back(kIndexSize, '\0');
    return true;
  }

  // A primary's chunk may come before the head that tells of the new size.
  bool Put(std::string_view element, std::string_view value) override {
    if (element.size() != kIndexSize || value.size() > chunk_size()) return false;
    const size_t begin = size_t{GetBigEndian32(element.data())} << chunk_bits_;
    if (begin + value.size() > UINT32_MAX) return false;
    Grow(begin + value.size());
    Zero(begin);
    Write(begin, value);
    return true;
  }

  bool Erase(std::string_view element) override {
    if (element.size() != kIndexSize) return false;
    Zero(size_t{GetBigEndian32(element.data())} << chunk_bits_);
    return true;
  }

  bool FinishLoad() override { return bytes_.size() == head_size_; }

  void Expect(size_t size) override { chunk_bits_ = ChunkBitsFor(size); }
  bool ReadPacked(std::string_view packed) override {
    bytes_.assign(packed);
    return true;
  }

  void AppendHead(std::string* to) const override {
    to->push_back(static_cast<char>(chunk_bits_));
    AppendVarint(to, bytes_.size());
  }

  void Rows(const RowVisitor& visit) const override {
    const size_t count = row_count();
    for (size_t i = 0; i < count; ++i) {
      const std::string_view row = Row(i);
      if (row.empty()) continue;
      char index[kIndexSize];
      PutBigEndian32(index, static_cast<uint32_t>(i));
      visit({index, sizeof(index)}, row);
    }
  }

 private:
  size_t chunk_size() const { return size_t{1} << chunk_bits_; }
  // A string that grows takes twice its capacity at least, but a new one what it is asked for.
  void Reserve(size_t capacity) {
    std::string bytes;
    bytes.reserve(capacity);
    bytes.append(bytes_);
    bytes_.swap(bytes);
  }
  void Zero(size_t begin) {
    if (begin >= bytes_.size()) return;
    std::fill_n(bytes_.begin() + static_cast<ptrdiff_t>(begin),
                std::min(chunk_size(), bytes_.size() - begin), '\0');
  }

  std::string bytes_;
  size_t chunk_bits_ = 0;
  size_t head_size_ = 0;  // as ReadHead found it
};

std::unique_ptr<Collection> MakeLongString(uint64_t object_id) {
  return std::make_unique<LongString>(object_id);
}

std::unique_ptr<Collection> MakeLongString(uint64_t object_id, std::string_view value) {
  return std::make_unique<LongString>(object_id, value);
}

std::string_view LongStringValue(const Collection& collection) {
  return static_cast<const LongString&>(collection).value();
}

uint64_t LongStringChunkCount(std::string_view head) {
  uint64_t size;
  if (head.empty() || static_cast<uint8_t>(head[0]) > kChunkBitsMax) return UINT64_MAX;
  const auto chunk_bits = static_cast<size_t>(head[0]);
  head.remove_prefix(1);
  if (!ReadVarint(&head, &size) || size > UINT32_MAX) return UINT64_MAX;
  return (size + (uint64_t{1} << chunk_bits) - 1) >> chunk_bits;
}

std::string LongStringElement(uint32_t index) {
  std::string element(kIndexSize, '\0');
  PutBigEndian32(element.data(), index);
  return element;
}

size_t LongStringSizeMin() {
  return kPackedSizesPerString * Limits().packed_size_max.load(std::memory_order_relaxed);
}

size_t LongValueSizeMin() {
  return kPackedSizesPerValue * Limits().packed_size_max.load(std::memory_order_relaxed);
}

LongString& LongStringKey::string() const {
  return static_cast<LongString&>(collection());
}

void LongStringKey::WriteRange(size_t offset, std::string_view bytes) {
  Create(Encoding::kRaw);
  SetEncoding(Encoding::kRaw);
  const size_t new_size =
      std::max(is_spread() ? string().size() : packed().size(), offset + bytes.size());
  // A value that was set at once: what is changed now and then is to have small chunks.
  if (is_spread() && string().has_whole_chunk()) Pack(string().value());
  if (!is_spread()) Spread(new_size);
  LongString& string = this->string();
  if (new_size > string.size()) {
    string.Grow(new_size);
    MarkHead();
  }
  bool logged = false;
  while (!bytes.empty()) {
    const size_t index = offset >> string.chunk_bits();
    const size_t size = std::min(bytes.size(), ((index + 1) << string.chunk_bits()) - offset);
    const bool had_row = !string.Row(index).empty();
    string.Write(offset, bytes.substr(0, size));
    const std::string_view row = string.Row(index);
    char element[kIndexSize];
    PutBigEndian32(element, static_cast<uint32_t>(index));
    if (!row.empty()) {
      PutRow({element, sizeof(element)}, row);
    } else if (had_row) {
      EraseRow({element, sizeof(element)});
    }
    logged |= had_row || !row.empty();
    offset += size;
    bytes.remove_prefix(size);
  }
  if (!logged) MarkHead();  // zeros upon zeros are a change too
}

}  // namespace hearth
