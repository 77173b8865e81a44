// Tested by tests/engine/table_test.cc and tests/engine/tx_test.cc.
#include "engine/object.h"

#include <cstdlib>
#include <cstring>
#include <new>

#include "engine/check.h"
#include "engine/collection.h"
#include "engine/graveyard.h"
#include "engine/long_string.h"

namespace hearth {

std::string_view EncodingName(Encoding encoding) {
  switch (encoding) {
    case Encoding::kRaw:
      return "raw";
    case Encoding::kInt:
      return "int";
    case Encoding::kHashtable:
      return "hashtable";
    case Encoding::kIntset:
      return "intset";
    case Encoding::kSkiplist:
      return "skiplist";
    case Encoding::kEmbstr:
      return "embstr";
    case Encoding::kQuicklist:
      return "quicklist";
    case Encoding::kStream:
      return "stream";
    case Encoding::kListpack:
      return "listpack";
    case Encoding::kListpackEx:
      return "listpackex";
  }
  return "unknown";
}

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
  key.copy(object->bytes(), key.size());
  if (value != nullptr) std::memcpy(object->mutable_value(), value, value_size);
  return object;
}

Object* Object::MakeSpread(uint64_t position, std::string_view key, Collection* collection) {
  Object* object = Make(position, key, nullptr, sizeof(collection));
  std::memcpy(object->mutable_value(), &collection, sizeof(collection));
  object->flags |= kSpread;
  return object;
}

Collection* Object::ReleaseCollection() {
  Collection* released = collection();
  flags &= static_cast<uint8_t>(~kSpread);
  value_size = 0;
  return released;
}

std::string_view Object::SpreadValue() const {
  HEARTH_CHECK(type == ObjectType::kString);
  return LongStringValue(*collection());
}

void Object::Free(Object* object) {
  if (object->spread()) Graveyard::Free(std::unique_ptr<Collection>(object->collection()));
  std::free(object);
}

size_t Object::memory_size() const {
  return allocated_size() + (spread() ? collection()->memory_bytes() : 0);
}

}  // namespace hearth
