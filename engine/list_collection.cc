// Tested by tests/engine/list_test.cc.
#include "engine/list_collection.h"

#include <charconv>

#include "engine/codec.h"
#include "engine/list.h"
#include "engine/packed.h"

namespace hearth {
namespace {

constexpr size_t kIndexSize = 8;  // bytes
constexpr int64_t kListpackSizeCountedMax = INT32_MAX;
constexpr uint64_t kBoundDistance = kListBoundElements * kListIndexStep;

std::string IndexBytes(uint64_t index) {
  std::string bytes(kIndexSize, '\0');
  PutBigEndian64(bytes.data(), index);
  return bytes;
}

// Bytes of an integer's listpack entry without its back length; 0 when it is none.
size_t ListpackIntegerSize(std::string_view text) {
  if (text.empty() || text.size() > 20) return 0;
  const std::string_view digits = text[0] == '-' ? text.substr(1) : text;
  if (digits.empty() || digits[0] < '0' || digits[0] > '9') return 0;
  if (digits[0] == '0' && text.size() > 1) return 0;
  int64_t value;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) return 0;
  if (value >= 0 && value <= 127) return 1;
  if (value >= -(1 << 12) && value < (1 << 12)) return 2;
  if (value >= INT16_MIN && value <= INT16_MAX) return 3;
  if (value >= -(1 << 23) && value < (1 << 23)) return 4;
  if (value >= INT32_MIN && value <= INT32_MAX) return 5;
  return 9;
}

}  // namespace

size_t ListpackSizeOf(std::string_view element) {
  size_t size = ListpackIntegerSize(element);
  if (size == 0) {
    size = element.size() + (element.size() < 64 ? 1 : element.size() < 4096 ? 2 : 5);
  }
  return size + (size < 128 ? 1 : size < 16384 ? 2 : size < 2097152 ? 3 : size < 268435456 ? 4 : 5);
}

bool ListCollection::ReadHead(std::string_view head) {
  return ReadFixed64(&head, &first_index_) && ReadFixed64(&head, &end_index_) && head.empty();
}

void ListCollection::LoadBounds(std::string* first, std::string* last) const {
  *first = IndexBytes(first_index_);
  *last = IndexBytes(end_index_);
}

void ListCollection::AppendHead(std::string* to) const {
  AppendFixed64(to, first_index_);
  AppendFixed64(to, end_index_);
}

bool ListCollection::NoteBounds() {
  if (nodes.size() == 0) return false;
  const uint64_t first = nodes.first_index(), end = nodes.last_index() + 1;
  bool changed = false;
  if (first < first_index_ || first - first_index_ > 2 * kBoundDistance) {
    first_index_ = first - std::min(first, kBoundDistance);
    changed = true;
  }
  if (end > end_index_ || end_index_ - end > 2 * kBoundDistance) {
    end_index_ = end + std::min(UINT64_MAX - end, kBoundDistance);
    changed = true;
  }
  return changed;
}

bool ListCollection::Put(std::string_view element, std::string_view value) {
  if (element.size() != kIndexSize) return false;
  const uint64_t index = GetBigEndian64(element.data());
  listpack_size_.reset();
  if (nodes.size() == 0 || index > nodes.last_index()) {
    nodes.PushBack(index, value);
    return true;
  }
  const size_t position = nodes.PositionOf(index);
  if (nodes.IndexAt(position) == index) {
    nodes.Replace(position, value);
  } else {
    nodes.Insert(position, index, value);
  }
  return true;
}

bool ListCollection::Erase(std::string_view element) {
  if (element.size() != kIndexSize) return false;
  const uint64_t index = GetBigEndian64(element.data());
  const size_t position = nodes.PositionOf(index);
  if (position == nodes.size() || nodes.IndexAt(position) != index) return true;
  listpack_size_.reset();
  nodes.Erase(position, 1);
  return true;
}

bool ListCollection::ReadPacked(std::string_view packed) {
  size_t count = 0, size = 0, listpack_size = 0;
  for (PackedReader reader(packed); !reader.done(); ++count) {
    const std::string_view element = reader.Next();
    if (!reader.ok()) return false;
    size += element.size();
    listpack_size += ListpackSizeOf(element);
  }
  nodes.Reserve(count, size);
  uint64_t index = kFirstIndex;
  for (PackedReader reader(packed); !reader.done(); index += kListIndexStep) {
    nodes.PushBack(index, reader.Next());
  }
  listpack_size_ = kListpackHeaderSize;
  CountListpack(static_cast<int64_t>(listpack_size));
  NoteBounds();
  return true;
}

void ListCollection::Rows(const RowVisitor& visit) const {
  char element[kIndexSize];
  nodes.EachWithIndex([&](uint64_t index, std::string_view item) {
    PutBigEndian64(element, index);
    visit({element, sizeof(element)}, item);
  });
}

size_t ListCollection::ListpackSize() {
  if (listpack_size_) return *listpack_size_;
  size_t size = 0;
  nodes.Each(0, nodes.size(), [&](std::string_view item) { size += ListpackSizeOf(item); });
  listpack_size_ = kListpackHeaderSize;
  CountListpack(static_cast<int64_t>(size));
  return kListpackHeaderSize + size;
}

void ListCollection::CountListpack(int64_t change) {
  if (!listpack_size_) return;
  const int64_t size = *listpack_size_ + change;
  listpack_size_ = static_cast<uint32_t>(size);
  if (size > kListpackSizeCountedMax) listpack_size_.reset();
}

}  // namespace hearth
