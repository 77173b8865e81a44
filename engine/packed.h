#pragma once

// Packed: the strings of a packed collection, one after the other: { size:varint bytes }.
//
// Thread: any; pure functions.
// Errors: damaged bytes end the walk early: ok() tells, offset() where.

#include <cstdint>
#include <string>
#include <string_view>

#include "engine/codec.h"

namespace hearth {

// Walks packed strings.
class PackedReader {
 public:
  explicit PackedReader(std::string_view packed) : begin_(packed.data()), rest_(packed) {}

  bool done() const { return rest_.empty(); }
  bool ok() const { return ok_; }
  // Where the next item begins, in bytes.
  size_t offset() const { return static_cast<size_t>(rest_.data() - begin_); }
  // Empty at the end and when the bytes are damaged.
  std::string_view Next() {
    uint64_t size;
    if (!ReadVarint(&rest_, &size) || size > rest_.size()) return Fail();
    const std::string_view item = rest_.substr(0, size);
    rest_.remove_prefix(size);
    return item;
  }
  // Bytes of a fixed size (a score, a time).
  std::string_view NextBytes(size_t size) {
    if (size > rest_.size()) return Fail();
    const std::string_view item = rest_.substr(0, size);
    rest_.remove_prefix(size);
    return item;
  }

 private:
  std::string_view Fail() {
    ok_ = false;
    rest_ = {};
    return {};
  }

  const char* begin_;
  std::string_view rest_;
  bool ok_ = true;
};

inline void AppendPacked(std::string* to, std::string_view item) {
  AppendVarint(to, item.size());
  to->append(item);
}

}  // namespace hearth
