// Tested by tests/engine/set_test.cc.
#include "engine/collection.h"

#include "engine/codec.h"
#include "engine/collection_limits.h"
#include "engine/hash.h"
#include "engine/list.h"
#include "engine/long_string.h"
#include "engine/rows.h"
#include "engine/set.h"
#include "engine/sorted_set.h"
#include "engine/stream.h"
#include "engine/unread_collection.h"

namespace hearth {

CollectionLimits& Limits() {
  static CollectionLimits limits;
  return limits;
}

std::unique_ptr<Collection> Collection::Make(ObjectType type, uint64_t object_id) {
  switch (type) {
    case ObjectType::kSet:
      return MakeSetCollection(object_id);
    case ObjectType::kList:
      return MakeListCollection(object_id);
    case ObjectType::kSortedSet:
      return MakeSortedSetCollection(object_id);
    case ObjectType::kHash:
      return MakeHashCollection(object_id);
    case ObjectType::kStream:
      return MakeStreamCollection(object_id);
    case ObjectType::kString:
      return MakeLongString(object_id);
  }
  return nullptr;
}

void AppendHeadBody(const Object& object, std::string* to) {
  if (!object.spread()) {
    to->append(object.value());
    return;
  }
  AppendFixed64(to, object.collection()->object_id());
  object.collection()->AppendHead(to);
}

ElementExpiry ElementExpiryOf(const Object& object) {
  if (object.type != ObjectType::kHash) return {};
  return object.spread() ? object.collection()->element_expiry() : PackedHashExpiry(object.value());
}

Object* ObjectFromHead(std::string_view key, const HeadValueParts& parts, bool unread) {
  const bool expires = parts.expire_at_ms != kNoExpiry;
  Object* object;
  if (unread) {
    object = Object::MakeSpread(key, new UnreadCollection(parts.object_id, parts.value), expires,
                                /*unread=*/true);
  } else if (parts.spread) {
    auto collection = Collection::Make(parts.type, parts.object_id);
    if (collection == nullptr || !collection->ReadHead(parts.value)) return nullptr;
    object = Object::MakeSpread(key, collection.release(), expires);
  } else {
    object = Object::Make(key, parts.value.data(), parts.value.size(), expires);
  }
  object->type = parts.type;
  object->encoding = parts.encoding;
  object->set_expire_at_ms(parts.expire_at_ms);
  return object;
}

}  // namespace hearth
