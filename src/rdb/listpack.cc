// Tested by tests/src/rdb/packed_test.cc.
#include "src/rdb/listpack.h"

#include <limits>

#include "src/numbers.h"

namespace hearth::rdb {
namespace {

constexpr size_t kHeaderSize = 6;
constexpr uint16_t kCountUnknown = 65535;

// How many bytes the size behind an encoding takes. Redis takes one more than needed at the upper
// limits of 2 to 4 bytes.
size_t SizeBehindSize(size_t encoding_size) {
  if (encoding_size <= 127) return 1;
  if (encoding_size < 16383) return 2;
  if (encoding_size < 2097151) return 3;
  return encoding_size < 268435455 ? 4 : 5;
}

// Takes the size from the front of *rest; false when it is not the encoding's, in Redis' form.
bool TakeSizeBehind(size_t encoding_size, std::string_view* rest) {
  const size_t size = SizeBehindSize(encoding_size);
  if (rest->size() < size) return false;
  for (size_t i = 0; i < size; ++i) {
    const size_t bits = (encoding_size >> (7 * (size - 1 - i))) & 0x7f;
    if (static_cast<unsigned char>((*rest)[i]) != (bits | (i > 0 ? 0x80 : 0))) return false;
  }
  rest->remove_prefix(size);
  return true;
}

// A text behind a head that announced its size, at the front of bytes. 0 when it is not there,
// else the encoding's size.
size_t ReadText(std::string_view bytes, size_t head_size, uint64_t size, PackedElement* element) {
  if (size > bytes.size() - head_size) return 0;
  *element = PackedElement::Text(bytes.substr(head_size, size));
  return head_size + size;
}

// The encoding at the front of bytes (not empty). 0 when it is wrong, else its size.
size_t ReadEncoding(std::string_view bytes, PackedElement* element) {
  const auto first = static_cast<unsigned char>(bytes[0]);
  if (first < 0x80) {
    *element = PackedElement::Integer(first);
    return 1;
  }
  if (first < 0xc0) return ReadText(bytes, 1, first & 0x3f, element);
  if (bytes.size() < 2) return 0;
  const auto second = static_cast<unsigned char>(bytes[1]);
  if (first < 0xe0) {
    const int value = (first & 0x1f) << 8 | second;
    *element = PackedElement::Integer(value < 4096 ? value : value - 8192);
    return 2;
  }
  if (first < 0xf0) return ReadText(bytes, 2, size_t{first & 0xfu} << 8 | second, element);
  if (first == 0xf0) {
    if (bytes.size() < 5) return 0;
    return ReadText(bytes, 5, UnsignedLittleEndian(bytes.substr(1, 4)), element);
  }
  static constexpr size_t kIntegerSizes[] = {2, 3, 4, 8};
  if (first > 0xf4) return 0;
  const size_t size = kIntegerSizes[first - 0xf1];
  if (bytes.size() < 1 + size) return 0;
  *element = PackedElement::Integer(SignedLittleEndian(bytes.substr(1, size)));
  return 1 + size;
}

}  // namespace

bool ReadListpack(std::string_view bytes, std::vector<PackedElement>* elements) {
  if (bytes.size() < kHeaderSize + 1) return false;
  if (UnsignedLittleEndian(bytes.substr(0, 4)) != bytes.size()) return false;
  const uint64_t announced = UnsignedLittleEndian(bytes.substr(4, 2));
  if (bytes.back() != '\xff') return false;
  bytes.remove_suffix(1);
  bytes.remove_prefix(kHeaderSize);

  size_t count = 0;
  for (; !bytes.empty(); ++count) {
    PackedElement element;
    const size_t size = ReadEncoding(bytes, &element);
    if (size == 0) return false;
    bytes.remove_prefix(size);
    if (!TakeSizeBehind(size, &bytes)) return false;
    elements->push_back(element);
  }
  return announced == kCountUnknown || announced == count;
}

void ListpackWriter::Append(std::string_view text) {
  if (const auto integer = ParseInt64(text)) return AppendInteger(*integer);
  if (text.size() < 64) {
    bytes_.push_back(static_cast<char>(0x80 | text.size()));
    bytes_.append(text);
    return AppendSizeBehind(1 + text.size());
  }
  if (text.size() < 4096) {
    bytes_.push_back(static_cast<char>(0xe0 | text.size() >> 8));
    bytes_.push_back(static_cast<char>(text.size()));
    bytes_.append(text);
    return AppendSizeBehind(2 + text.size());
  }
  bytes_.push_back('\xf0');
  AppendLittleEndian(text.size(), 4, &bytes_);
  bytes_.append(text);
  AppendSizeBehind(5 + text.size());
}

void ListpackWriter::AppendInteger(int64_t value) {
  const auto bits = static_cast<uint64_t>(value);
  const auto fits = [value](int width) {
    return value >= -(int64_t{1} << (width - 1)) && value < int64_t{1} << (width - 1);
  };
  const auto append_wide = [this, bits](char first, size_t size) {
    bytes_.push_back(first);
    AppendLittleEndian(bits, size, &bytes_);
    AppendSizeBehind(1 + size);
  };
  if (value >= 0 && value < 128) {
    bytes_.push_back(static_cast<char>(value));
    AppendSizeBehind(1);
  } else if (fits(13)) {
    bytes_.push_back(static_cast<char>(0xc0 | (bits >> 8 & 0x1f)));
    bytes_.push_back(static_cast<char>(bits));
    AppendSizeBehind(2);
  } else if (fits(16)) {
    append_wide('\xf1', 2);
  } else if (fits(24)) {
    append_wide('\xf2', 3);
  } else if (fits(32)) {
    append_wide('\xf3', 4);
  } else {
    append_wide('\xf4', 8);
  }
}

void ListpackWriter::AppendSizeBehind(size_t encoding_size) {
  const size_t size = SizeBehindSize(encoding_size);
  for (size_t i = 0; i < size; ++i) {
    const size_t bits = (encoding_size >> (7 * (size - 1 - i))) & 0x7f;
    bytes_.push_back(static_cast<char>(bits | (i > 0 ? 0x80 : 0)));
  }
  ++count_;
}

std::string ListpackWriter::Finish() {
  bytes_.push_back('\xff');
  std::string header;
  AppendLittleEndian(bytes_.size(), 4, &header);
  AppendLittleEndian(count_ < kCountUnknown ? count_ : kCountUnknown, 2, &header);
  bytes_.replace(0, kHeaderSize, header);
  return std::move(bytes_);
}

}  // namespace hearth::rdb
