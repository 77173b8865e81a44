#pragma once

// PackedHash: the fields of a small hash in one piece of memory.
//
//   packed  = empty | format:u8 { field }
//   field   = name-size:varint name value-size:varint value        format 0: no field expires
//           | expire-at-ms:i64le and the same                      format 1; -1 = never
//
// It is the head row's value of a packed hash.
//
// Thread: any; pure functions. All walk the bytes from the beginning: for small ones only.
// Errors: damaged bytes end every walk early.

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "engine/object.h"
#include "engine/packed.h"

namespace hearth {

struct HashField {
  std::string_view name;
  std::string_view value;
  int64_t expire_at_ms = kNoExpiry;
};

inline constexpr uint8_t kHashFormatPlain = 0;
inline constexpr uint8_t kHashFormatExpiring = 1;

inline bool HasExpiringFormat(std::string_view packed) {
  return !packed.empty() && packed[0] == kHashFormatExpiring;
}

// Walks the fields of a packed hash.
class PackedHashReader {
 public:
  explicit PackedHashReader(std::string_view packed)
      : reader_(packed),
        has_expiry_(HasExpiringFormat(packed)),
        ok_(packed.empty() || packed[0] == kHashFormatPlain || has_expiry_) {
    (void)reader_.NextBytes(packed.empty() ? 0 : 1);
  }

  bool ok() const { return ok_ && reader_.ok(); }
  // Where the next field begins, in bytes; after Next also where its value's size stands.
  size_t offset() const { return reader_.offset(); }
  size_t value_offset() const { return value_offset_; }
  // False at the end and when the bytes are damaged.
  bool Next(HashField* field) {
    if (!ok_ || reader_.done()) return false;
    field->expire_at_ms = kNoExpiry;
    if (has_expiry_) {
      const std::string_view bytes = reader_.NextBytes(sizeof(int64_t));
      if (!reader_.ok()) return false;
      field->expire_at_ms = static_cast<int64_t>(GetFixed64(bytes.data()));
    }
    field->name = reader_.Next();
    value_offset_ = reader_.offset();
    field->value = reader_.Next();
    return reader_.ok();
  }

 private:
  PackedReader reader_;
  const bool has_expiry_;
  const bool ok_;
  size_t value_offset_ = 0;
};

void AppendHashField(std::string* to, uint8_t format, const HashField& field);
// In the format that the fields need.
std::string PackHashFields(const std::vector<HashField>& fields);

}  // namespace hearth
