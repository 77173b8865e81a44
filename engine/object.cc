// Tested by tests/engine/object_test.cc.
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

Object* Object::Make(std::string_view key, const char* value, size_t value_size, bool expires) {
  const uint8_t size_class = ClassOfSize(SizeFor(key.size(), value_size, expires));
  void* memory = std::malloc(SizeOfClass(size_class));
  if (memory == nullptr) throw std::bad_alloc();
  auto* object = new (memory) Object{};
  object->type = ObjectType::kString;
  object->encoding = Encoding::kRaw;
  object->size_class = size_class;
  object->wide = key.size() > kNarrowMax || value_size > kNarrowMax;
  object->expiry_room = expires;
  if (object->wide) {
    Store(object + 1, static_cast<uint32_t>(value_size));
    Store(reinterpret_cast<char*>(object + 1) + 4, static_cast<uint32_t>(key.size()));
  } else {
    object->narrow_key_size = static_cast<uint8_t>(key.size());
    object->narrow_value_size = static_cast<uint8_t>(value_size);
  }
  object->set_expire_at_ms(kNoExpiry);
  key.copy(object->bytes(), key.size());
  if (value != nullptr) std::memcpy(object->mutable_value(), value, value_size);
  return object;
}

Object* Object::MakeSpread(std::string_view key, Collection* collection, bool expires,
                           bool unread) {
  Object* object = Make(key, nullptr, sizeof(collection), expires);
  Store(object->mutable_value(), collection);
  object->flags = kSpread | (unread ? kUnread : 0);
  return object;
}

Collection* Object::ReleaseCollection() {
  Collection* released = collection();
  flags &= static_cast<uint8_t>(~(kSpread | kUnread));
  set_value_size(0);
  return released;
}

void Object::Fill(Collection* whole) {
  HEARTH_CHECK(unread());
  delete collection();
  Store(mutable_value(), whole);
  flags &= static_cast<uint8_t>(~kUnread);
}

void Object::TakeAttributes(const Object& other) {
  type = other.type;
  encoding = other.encoding;
  access = other.access;
  hot = other.hot;
  flags = (flags & ~kElementsExpire) | (other.flags & kElementsExpire);
  set_expire_at_ms(other.expire_at_ms());
}

std::string_view Object::SpreadValue() const {
  HEARTH_CHECK(type == ObjectType::kString && !unread());
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
