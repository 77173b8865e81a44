// Tested by tests/engine/set_test.cc.
#include "engine/packed_set.h"

#include <bit>

#include "engine/tx.h"

namespace hearth {

std::optional<int64_t> IntegerOf(std::string_view member) {
  if (EncodingOf(member) != Encoding::kInt) return std::nullopt;
  int64_t number = 0;
  std::from_chars(member.data(), member.data() + member.size(), number);
  return number;
}

void AppendSetItem(std::string* to, std::string_view member) {
  const auto number = IntegerOf(member);
  if (!number) {
    AppendVarint(to, uint64_t{member.size()} << 1);
    to->append(member);
    return;
  }
  // Without the bits that only repeat the sign.
  const auto bits = static_cast<uint64_t>(*number < 0 ? ~*number : *number);
  const size_t size = static_cast<size_t>(std::bit_width(bits)) / 8 + 1;
  AppendVarint(to, size << 1 | 1);
  for (size_t i = 0; i < size; ++i) to->push_back(static_cast<char>(*number >> (8 * i)));
}

std::string SetItemOf(std::string_view member) {
  std::string item;
  AppendSetItem(&item, member);
  return item;
}

std::optional<PackedSetPlace> FindSetItem(std::string_view packed, std::string_view item) {
  PackedSetReader reader(packed);
  while (!reader.done()) {
    const size_t offset = reader.offset();
    if (reader.Next() == item && reader.ok()) return PackedSetPlace{offset, item.size()};
  }
  return std::nullopt;
}

size_t CountSetItems(std::string_view packed) {
  size_t count = 0;
  for (size_t at = 0; at < packed.size(); ++count) {
    uint64_t head = static_cast<unsigned char>(packed[at]);
    size_t head_size = 1;
    if (head >= 0x80) [[unlikely]] {
      std::string_view rest = packed.substr(at);
      if (!ReadVarint(&rest, &head) || head >> 1 > rest.size()) return count;
      head_size = packed.size() - at - rest.size();
    }
    at += head_size + (head >> 1);
  }
  return count;
}

}  // namespace hearth
