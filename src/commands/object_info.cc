// Tested by tests/src/commands/object_info_test.cc.
//
// OBJECT: what the server knows of a value beside its bytes. None of it counts as a use.
#include <algorithm>

#include "src/commands/generic.h"
#include "src/commands/groups.h"
#include "src/numbers.h"

namespace hearth {
namespace {

constexpr int64_t kSharedIntegerCount = 10000;  // Redis shares the objects of 0 to 9999
constexpr int64_t kSharedRefCount = INT32_MAX;

// The counter in Object::access after the decay of idle minutes (see Keyspace::Touch).
int64_t FrequencyOf(const Object& object, int64_t now_ms) {
  constexpr uint32_t kMinutesMask = 0xffffff;
  const uint32_t counter = object.access & 0xff;
  const uint32_t decay_minutes = LfuDecayMinutes();
  if (decay_minutes == 0) return counter;
  const auto now_minutes = static_cast<uint32_t>(now_ms / 60'000);
  const uint32_t idle_minutes = (now_minutes - (object.access >> 8)) & kMinutesMask;
  const uint32_t decay = std::min(idle_minutes / decay_minutes, counter);
  return counter - decay;
}

// The value of the key, which counts as looked for: no miss is told of.
const Object* Look(const Args& args, Tx& tx) {
  const Object* object = tx.Peek(args[2]);
  tx.CountLook(args[2], object != nullptr);
  return object;
}

}  // namespace

// OBJECT ENCODING key -> raw, int, embstr, ...; null for an absent key, here and below
void ObjectEncoding(const Args& args, Tx& tx, Reply& reply) {
  const Object* object = Look(args, tx);
  if (object == nullptr) return reply.Null();
  reply.Bulk(EncodingName(object->encoding));
}

// OBJECT FREQ key -> the access frequency, 0 to 255
void ObjectFreq(const Args& args, Tx& tx, Reply& reply) {
  const Object* object = Look(args, tx);
  if (object == nullptr) return reply.Null();
  if (!UsesLfu()) {
    return reply.Error(
        "ERR An LFU maxmemory policy is not selected, access frequency not tracked. Please note "
        "that when switching between policies at runtime LRU and LFU data will take some time "
        "to adjust.");
  }
  reply.Integer(FrequencyOf(*object, tx.now_ms()));
}

// OBJECT IDLETIME key -> seconds since the last use
void ObjectIdleTime(const Args& args, Tx& tx, Reply& reply) {
  const Object* object = Look(args, tx);
  if (object == nullptr) return reply.Null();
  if (UsesLfu()) {
    return reply.Error(
        "ERR An LFU maxmemory policy is selected, idle time not tracked. Please note that when "
        "switching between policies at runtime LRU and LFU data will take some time to adjust.");
  }
  const int64_t idle_seconds = tx.now_ms() / 1000 - static_cast<int64_t>(object->access);
  reply.Integer(std::max<int64_t>(idle_seconds, 0));
}

// OBJECT REFCOUNT key -> 1, or INT_MAX for what Redis would share: small integers
void ObjectRefCount(const Args& args, Tx& tx, Reply& reply) {
  const Object* object = Look(args, tx);
  if (object == nullptr) return reply.Null();
  const bool is_integer = object->encoding == Encoding::kInt;
  const auto number = is_integer ? ParseInt64(object->value()) : std::nullopt;
  const bool is_shared = number && *number >= 0 && *number < kSharedIntegerCount;
  reply.Integer(is_shared ? kSharedRefCount : 1);
}

// OBJECT HELP -> lines
void ObjectHelp(const Args&, Tx&, Reply& reply) {
  ReplyHelp("OBJECT",
            {"ENCODING <key>",
             "    Return the kind of internal representation used in order to store the value",
             "    associated with a <key>.", "FREQ <key>",
             "    Return the access frequency index of the <key>. The returned integer is",
             "    proportional to the logarithm of the recent access frequency of the key.",
             "IDLETIME <key>",
             "    Return the idle time of the <key>, that is the approximated number of",
             "    seconds elapsed since the last access to the key.", "REFCOUNT <key>",
             "    Return the number of references of the value associated with the specified",
             "    <key>."},
            reply);
}

}  // namespace hearth
