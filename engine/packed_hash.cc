// Tested by tests/engine/hash_test.cc.
#include "engine/packed_hash.h"

#include <algorithm>

namespace hearth {

void AppendHashField(std::string* to, uint8_t format, const HashField& field) {
  if (format == kHashFormatExpiring) {
    AppendFixed64(to, static_cast<uint64_t>(field.expire_at_ms));
  }
  AppendPacked(to, field.name);
  AppendPacked(to, field.value);
}

std::string PackHashFields(const std::vector<HashField>& fields) {
  if (fields.empty()) return {};
  const bool expires = std::any_of(fields.begin(), fields.end(), [](const HashField& field) {
    return field.expire_at_ms != kNoExpiry;
  });
  const uint8_t format = expires ? kHashFormatExpiring : kHashFormatPlain;
  std::string packed(1, static_cast<char>(format));
  for (const HashField& field : fields) AppendHashField(&packed, format, field);
  return packed;
}

}  // namespace hearth
