// Tested by tests/src/rdb/rdb_writer_test.cc.
#include "src/rdb/rdb_output.h"

#include <lzf.h>

#include <bit>
#include <limits>

#include "engine/codec.h"
#include "src/numbers.h"
#include "src/rdb/packed_integer.h"

namespace hearth::rdb {
namespace {

// The longest text that may be a 32-bit integer, and the shortest that Redis compresses.
constexpr size_t kIntegerTextMax = 11;
constexpr size_t kCompressedTextMin = 21;

// Compressing less than this is not worth the two lengths.
constexpr size_t kCompressionGainMin = 4;

bool AppendAsInteger(std::string_view value, std::string* out) {
  if (value.size() > kIntegerTextMax) return false;
  const auto integer = ParseInt64(value);
  if (!integer || *integer != static_cast<int32_t>(*integer)) return false;
  const auto bits = static_cast<uint64_t>(*integer);
  if (*integer == static_cast<int8_t>(*integer)) {
    out->push_back('\xc0');
    AppendLittleEndian(bits, 1, out);
  } else if (*integer == static_cast<int16_t>(*integer)) {
    out->push_back('\xc1');
    AppendLittleEndian(bits, 2, out);
  } else {
    out->push_back('\xc2');
    AppendLittleEndian(bits, 4, out);
  }
  return true;
}

bool AppendCompressed(std::string_view value, std::string* out) {
  // What expands beyond the limit would not be read again.
  if (value.size() < kCompressedTextMin || value.size() > kRdbExpandedBytesMax) return false;
  std::string compressed(value.size() - kCompressionGainMin, '\0');
  const unsigned size = lzf_compress(value.data(), static_cast<unsigned>(value.size()),
                                     compressed.data(), static_cast<unsigned>(compressed.size()));
  if (size == 0) return false;
  out->push_back('\xc3');
  AppendLength(size, out);
  AppendLength(value.size(), out);
  out->append(compressed, 0, size);
  return true;
}

}  // namespace

void AppendLength(uint64_t value, std::string* out) {
  char bytes[8];
  if (value < 1 << 6) {
    out->push_back(static_cast<char>(value));
  } else if (value < 1 << 14) {
    out->push_back(static_cast<char>(0x40 | value >> 8));
    out->push_back(static_cast<char>(value));
  } else if (value <= std::numeric_limits<uint32_t>::max()) {
    out->push_back('\x80');
    PutBigEndian32(bytes, static_cast<uint32_t>(value));
    out->append(bytes, 4);
  } else {
    out->push_back('\x81');
    PutBigEndian64(bytes, value);
    out->append(bytes, 8);
  }
}

void AppendString(std::string_view value, bool compress, std::string* out) {
  if (AppendAsInteger(value, out)) return;
  if (compress && AppendCompressed(value, out)) return;
  AppendLength(value.size(), out);
  out->append(value);
}

void AppendFixed64(uint64_t value, std::string* out) {
  AppendLittleEndian(value, 8, out);
}

void AppendBinaryDouble(double value, std::string* out) {
  AppendFixed64(std::bit_cast<uint64_t>(value), out);
}

void AppendRawStreamId(const RdbStreamId& id, std::string* out) {
  char bytes[16];
  PutBigEndian64(bytes, id.ms);
  PutBigEndian64(bytes + 8, id.seq);
  out->append(bytes, sizeof(bytes));
}

void AppendLengthStreamId(const RdbStreamId& id, std::string* out) {
  AppendLength(id.ms, out);
  AppendLength(id.seq, out);
}

}  // namespace hearth::rdb
