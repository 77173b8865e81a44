// Tested by tests/engine/table_test.cc and tests/engine/tx_test.cc.
#include "engine/object.h"

#include <cstdlib>
#include <cstring>
#include <new>

namespace hearth {

Object* Object::Make(uint64_t position, std::string_view key, const char* value,
                     size_t value_size) {
  const uint8_t size_class = ClassOfSize(sizeof(Object) + key.size() + value_size);
  void* memory = std::malloc(SizeOfClass(size_class));
  if (memory == nullptr) throw std::bad_alloc();
  auto* object = new (memory) Object;
  object->position = position;
  object->seq = 0;
  object->expire_at_ms = kNoExpiry;
  object->key_size = static_cast<uint32_t>(key.size());
  object->value_size = static_cast<uint32_t>(value_size);
  object->access = 0;
  object->type = ObjectType::kString;
  object->encoding = Encoding::kRaw;
  object->flags = 0;
  object->hot = 0;
  object->size_class = size_class;
  std::memcpy(object->bytes(), key.data(), key.size());
  if (value != nullptr) std::memcpy(object->mutable_value(), value, value_size);
  return object;
}

void Object::Free(Object* object) {
  std::free(object);
}

}  // namespace hearth
