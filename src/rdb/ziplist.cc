// Tested by tests/src/rdb/packed_test.cc.
#include "src/rdb/ziplist.h"

#include "engine/codec.h"

namespace hearth::rdb {
namespace {

constexpr size_t kHeaderSize = 10;
constexpr uint64_t kCountUnknown = 65535;

// Takes the size of the element before from the front of *rest; false when it is another. Redis
// may leave the long form where the short would do.
bool TakeSizeBefore(size_t size_before, std::string_view* rest) {
  const auto first = static_cast<unsigned char>(rest->front());
  if (first < 254) {
    rest->remove_prefix(1);
    return first == size_before;
  }
  if (first != 254 || rest->size() < 5) return false;
  const uint64_t size = UnsignedLittleEndian(rest->substr(1, 4));
  rest->remove_prefix(5);
  return size == size_before;
}

// Takes a text behind a head that announced its size; false when it is not there.
bool TakeText(size_t head_size, uint64_t size, std::string_view* rest, PackedElement* element) {
  if (size > rest->size() - head_size) return false;
  *element = PackedElement::Text(rest->substr(head_size, size));
  rest->remove_prefix(head_size + size);
  return true;
}

bool TakeInteger(size_t size, std::string_view* rest, PackedElement* element) {
  if (rest->size() < 1 + size) return false;
  *element = PackedElement::Integer(SignedLittleEndian(rest->substr(1, size)));
  rest->remove_prefix(1 + size);
  return true;
}

// Takes the encoding from the front of *rest; false when it is wrong.
bool TakeEncoding(std::string_view* rest, PackedElement* element) {
  if (rest->empty()) return false;
  const auto first = static_cast<unsigned char>(rest->front());
  switch (first >> 6) {
    case 0:
      return TakeText(1, first, rest, element);
    case 1:
      if (rest->size() < 2) return false;
      return TakeText(2, (first & 0x3fu) << 8 | static_cast<unsigned char>((*rest)[1]), rest,
                      element);
    case 2:
      return rest->size() >= 5 && TakeText(5, GetBigEndian32(rest->data() + 1), rest, element);
  }
  switch (first) {
    case 0xc0:
      return TakeInteger(2, rest, element);
    case 0xd0:
      return TakeInteger(4, rest, element);
    case 0xe0:
      return TakeInteger(8, rest, element);
    case 0xf0:
      return TakeInteger(3, rest, element);
    case 0xfe:
      return TakeInteger(1, rest, element);
  }
  if (first < 0xf1 || first > 0xfd) return false;
  *element = PackedElement::Integer(first - 0xf1);
  rest->remove_prefix(1);
  return true;
}

}  // namespace

bool ReadZiplist(std::string_view bytes, std::vector<PackedElement>* elements) {
  if (bytes.size() < kHeaderSize + 1 || bytes.back() != '\xff') return false;
  if (UnsignedLittleEndian(bytes.substr(0, 4)) != bytes.size()) return false;
  const uint64_t tail_offset = UnsignedLittleEndian(bytes.substr(4, 4));
  const uint64_t announced = UnsignedLittleEndian(bytes.substr(8, 2));

  const char* const start = bytes.data();
  std::string_view rest = bytes.substr(kHeaderSize, bytes.size() - kHeaderSize - 1);
  size_t count = 0, size_before = 0, last_offset = kHeaderSize;
  for (; !rest.empty(); ++count) {
    const char* const from = rest.data();
    PackedElement element;
    if (!TakeSizeBefore(size_before, &rest) || !TakeEncoding(&rest, &element)) return false;
    elements->push_back(element);
    last_offset = static_cast<size_t>(from - start);
    size_before = static_cast<size_t>(rest.data() - from);
  }
  return tail_offset == last_offset && (announced == kCountUnknown || announced == count);
}

}  // namespace hearth::rdb
