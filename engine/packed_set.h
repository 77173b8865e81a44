#pragma once

// PackedSet: the members of a small set in one piece of memory.
//
//   packed = { item }, in the order of adding
//   item   = (size * 2):varint member-bytes | (size * 2 + 1):varint integer:le
//
// A member that is an integer stands as one, in as few bytes as hold it, so equal members have
// equal items. It is the head row's value of a packed set, and the form in memory of a spread one
// that is still small.
//
// Thread: any; pure functions. All walk the bytes from the beginning: for small ones only.
// Errors: damaged bytes end every walk early.

#include <charconv>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "engine/codec.h"

namespace hearth {

// Of an integer, its sign included.
inline constexpr size_t kDigitsMax = 20;

// The number that the member is the shortest text of.
std::optional<int64_t> IntegerOf(std::string_view member);
// Writes at most kDigitsMax bytes.
inline std::string_view WriteDigits(char* to, int64_t number) {
  return {to, static_cast<size_t>(std::to_chars(to, to + kDigitsMax, number).ptr - to)};
}

// Walks packed members.
class PackedSetReader {
 public:
  explicit PackedSetReader(std::string_view packed) : begin_(packed.data()), rest_(packed) {}

  bool done() const { return rest_.empty(); }
  bool ok() const { return ok_; }
  // Where the next item begins, in bytes.
  size_t offset() const { return static_cast<size_t>(rest_.data() - begin_); }
  // The next item; then member() tells what it means.
  std::string_view Next() {
    const std::string_view before = rest_;
    uint64_t head;
    if (!ReadVarint(&rest_, &head) || head >> 1 > rest_.size() ||
        ((head & 1) != 0 && (head >> 1 == 0 || head >> 1 > sizeof(uint64_t)))) {
      ok_ = false;
      rest_ = {};
      return {};
    }
    is_integer_ = (head & 1) != 0;
    bytes_ = rest_.substr(0, head >> 1);
    rest_.remove_prefix(bytes_.size());
    return before.substr(0, before.size() - rest_.size());
  }
  bool is_integer() const { return is_integer_; }
  // Of an integer it dies with the reader and with the next call; else it is part of the bytes.
  std::string_view member() { return is_integer_ ? WriteDigits(digits_, integer()) : bytes_; }

 private:
  int64_t integer() const {
    uint64_t number = bytes_.back() < 0 ? UINT64_MAX : 0;
    for (size_t i = bytes_.size(); i > 0; --i) {
      number = number << 8 | static_cast<uint8_t>(bytes_[i - 1]);
    }
    return static_cast<int64_t>(number);
  }

  const char* begin_;
  std::string_view rest_;
  std::string_view bytes_;
  bool is_integer_ = false;
  bool ok_ = true;
  char digits_[kDigitsMax];
};

void AppendSetItem(std::string* to, std::string_view member);
std::string SetItemOf(std::string_view member);

struct PackedSetPlace {
  size_t offset;
  size_t size;
};
// The place of an item.
std::optional<PackedSetPlace> FindSetItem(std::string_view packed, std::string_view item);
size_t CountSetItems(std::string_view packed);

}  // namespace hearth
