// Tested by tests/src/rdb/packed_test.cc.
#include "src/rdb/small_sets.h"

#include "src/rdb/packed_integer.h"

namespace hearth::rdb {
namespace {

// Takes a zipmap's size, then that many bytes; between them unused_size u8, when asked for, and
// behind them as many bytes.
bool TakeZipmapText(std::string_view* rest, bool with_unused, std::string_view* text) {
  if (rest->empty()) return false;
  uint64_t size = static_cast<unsigned char>(rest->front());
  rest->remove_prefix(1);
  if (size == 255) return false;
  if (size == 254) {
    if (rest->size() < 4) return false;
    size = UnsignedLittleEndian(rest->substr(0, 4));
    rest->remove_prefix(4);
  }
  uint64_t unused_size = 0;
  if (with_unused) {
    if (rest->empty()) return false;
    unused_size = static_cast<unsigned char>(rest->front());
    rest->remove_prefix(1);
  }
  if (size + unused_size > rest->size()) return false;
  *text = rest->substr(0, size);
  rest->remove_prefix(size + unused_size);
  return true;
}

}  // namespace

bool ReadIntset(std::string_view bytes, std::vector<int64_t>* members) {
  if (bytes.size() < 8) return false;
  const uint64_t width = UnsignedLittleEndian(bytes.substr(0, 4));
  const uint64_t count = UnsignedLittleEndian(bytes.substr(4, 4));
  if (width != 2 && width != 4 && width != 8) return false;
  bytes.remove_prefix(8);
  if (bytes.size() != width * count) return false;
  for (size_t at = 0; at < bytes.size(); at += width) {
    const int64_t member = SignedLittleEndian(bytes.substr(at, width));
    if (at > 0 && member <= members->back()) return false;
    members->push_back(member);
  }
  return true;
}

std::string MakeIntset(const std::vector<int64_t>& members) {
  size_t width = 2;
  for (const int64_t member : members) {
    if (member != static_cast<int32_t>(member)) {
      width = 8;
    } else if (member != static_cast<int16_t>(member) && width < 4) {
      width = 4;
    }
  }
  std::string bytes;
  AppendLittleEndian(width, 4, &bytes);
  AppendLittleEndian(members.size(), 4, &bytes);
  for (const int64_t member : members) {
    AppendLittleEndian(static_cast<uint64_t>(member), width, &bytes);
  }
  return bytes;
}

bool ReadZipmap(std::string_view bytes,
                std::vector<std::pair<std::string_view, std::string_view>>* fields) {
  if (bytes.size() < 2 || bytes.back() != '\xff') return false;
  const auto announced = static_cast<unsigned char>(bytes.front());
  std::string_view rest = bytes.substr(1, bytes.size() - 2);
  size_t count = 0;
  for (; !rest.empty(); ++count) {
    std::string_view field, value;
    if (!TakeZipmapText(&rest, false, &field) || !TakeZipmapText(&rest, true, &value)) return false;
    fields->emplace_back(field, value);
  }
  return announced >= 254 || announced == count;
}

}  // namespace hearth::rdb
