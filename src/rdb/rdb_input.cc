// Tested by tests/src/rdb/rdb_reader_test.cc.
#include "src/rdb/rdb_input.h"

#include <lzf.h>

#include <bit>
#include <cmath>
#include <cstring>
#include <limits>

#include "engine/codec.h"
#include "src/numbers.h"
#include "src/rdb/packed_integer.h"

namespace hearth::rdb {
namespace {

// What LZF data expands to, found without expanding it; 0 when it ends within a token.
//   token = 000nnnnn and n + 1 bytes as they are
//         | lllooooo [when l = 7: u8 more of l] o u8: l + 2 bytes again, from o + 1 bytes before
uint64_t ExpandedSize(std::string_view data) {
  uint64_t size = 0;
  for (size_t at = 0; at < data.size();) {
    const auto control = static_cast<unsigned char>(data[at++]);
    if (control < 32) {
      size += control + 1u;
      at += control + 1u;
    } else {
      uint64_t length = control >> 5;
      if (length == 7 && at < data.size()) length += static_cast<unsigned char>(data[at++]);
      size += length + 2;
      ++at;
    }
    if (at > data.size()) return 0;
  }
  return size;
}

}  // namespace

bool RdbInput::Bytes(uint64_t size, std::string_view* bytes) {
  if (size > rest_.size()) return Fail("the value is truncated");
  *bytes = rest_.substr(0, size);
  rest_.remove_prefix(size);
  return true;
}

bool RdbInput::Byte(uint8_t* value) {
  std::string_view bytes;
  if (!Bytes(1, &bytes)) return false;
  *value = static_cast<uint8_t>(bytes[0]);
  return true;
}

bool RdbInput::LengthOrEncoding(uint64_t* value, bool* is_encoding) {
  uint8_t first;
  if (!Byte(&first)) return false;
  *is_encoding = first >> 6 == 3;
  if (first >> 6 != 1 && first >> 6 != 2) {
    *value = first & 0x3f;
    return true;
  }
  std::string_view bytes;
  if (first >> 6 == 1) {
    if (!Bytes(1, &bytes)) return false;
    *value = (first & 0x3fu) << 8 | static_cast<unsigned char>(bytes[0]);
  } else if (first == 0x80) {
    if (!Bytes(4, &bytes)) return false;
    *value = GetBigEndian32(bytes.data());
  } else if (first == 0x81) {
    if (!Bytes(8, &bytes)) return false;
    *value = GetBigEndian64(bytes.data());
  } else {
    return Fail("a length has an unknown form");
  }
  return true;
}

bool RdbInput::Length(uint64_t* value) {
  bool is_encoding = false;
  if (!LengthOrEncoding(value, &is_encoding)) return false;
  return !is_encoding || Fail("a string's encoding stands where a length must be");
}

bool RdbInput::String(std::string* value) {
  std::string_view view;
  if (!View(value, &view)) return false;
  if (view.data() != value->data()) value->assign(view);
  return true;
}

bool RdbInput::View(std::string* storage, std::string_view* value) {
  uint64_t length = 0;
  bool is_encoding = false;
  if (!LengthOrEncoding(&length, &is_encoding)) return false;
  if (!is_encoding) return Bytes(length, value);
  if (!EncodedString(length, storage)) return false;
  *value = *storage;
  return true;
}

bool RdbInput::EncodedString(uint64_t encoding, std::string* value) {
  if (encoding <= 2) return EncodedInteger(size_t{1} << encoding, value);
  if (encoding == 3) return CompressedString(value);
  return Fail("a string has an unknown encoding");
}

bool RdbInput::EncodedInteger(size_t size, std::string* value) {
  std::string_view bytes;
  if (!Bytes(size, &bytes)) return false;
  *value = std::to_string(SignedLittleEndian(bytes));
  return true;
}

bool RdbInput::CompressedString(std::string* value) {
  uint64_t compressed_size, expanded_size;
  std::string_view data;
  if (!Length(&compressed_size) || !Length(&expanded_size) || !Bytes(compressed_size, &data)) {
    return false;
  }
  if (expanded_size == 0 || expanded_size != ExpandedSize(data)) {
    return Fail("a compressed string does not have the size it announces");
  }
  if (expanded_size > kRdbExpandedBytesMax) return Fail("a compressed string is too big");
  if (compressed_size > std::numeric_limits<unsigned>::max()) {
    return Fail("a compressed string is too big");
  }
  if (!Expand(expanded_size)) return false;
  value->resize(expanded_size);
  const unsigned size = lzf_decompress(data.data(), static_cast<unsigned>(data.size()),
                                       value->data(), static_cast<unsigned>(expanded_size));
  return size == expanded_size || Fail("a compressed string refers to before its start");
}

bool RdbInput::Expand(uint64_t size) {
  if (size > budget_) return Fail("the value expands beyond all bounds");
  budget_ -= size;
  return true;
}

bool RdbInput::Fixed64(uint64_t* value) {
  return ReadFixed64(&rest_, value) || Fail("the value is truncated");
}

bool RdbInput::TimeMs(int64_t* value) {
  uint64_t bits;
  if (!Fixed64(&bits)) return false;
  *value = static_cast<int64_t>(bits);
  return true;
}

bool RdbInput::BinaryDouble(double* value) {
  uint64_t bits;
  if (!Fixed64(&bits)) return false;
  *value = std::bit_cast<double>(bits);
  return true;
}

bool RdbInput::TextDouble(double* value) {
  uint8_t size;
  if (!Byte(&size)) return false;
  if (size >= 253) {
    constexpr double kInfinity = std::numeric_limits<double>::infinity();
    *value = size == 253 ? std::nan("") : size == 254 ? kInfinity : -kInfinity;
    return true;
  }
  std::string_view text;
  if (!Bytes(size, &text)) return false;
  const auto number = ParseDouble(text);
  if (!number) return Fail("a score is no number");
  *value = *number;
  return true;
}

bool RdbInput::RawStreamId(RdbStreamId* value) {
  std::string_view bytes;
  if (!Bytes(16, &bytes)) return false;
  *value = {GetBigEndian64(bytes.data()), GetBigEndian64(bytes.data() + 8)};
  return true;
}

bool RdbInput::LengthStreamId(RdbStreamId* value) {
  return Length(&value->ms) && Length(&value->seq);
}

}  // namespace hearth::rdb
