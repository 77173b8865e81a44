// Tested by tests/src/commands/hash_test.cc.
#include "src/commands/hash.h"

#include "engine/change_count.h"
#include "engine/hash.h"
#include "src/commands/element_scan.h"
#include "src/commands/groups.h"
#include "src/errors.h"

namespace hearth {
namespace {

using Field = HashKey::Field;

// HSET and HMSET: sets the pairs behind the key; how many fields were new, or nullopt after an
// error reply.
std::optional<int64_t> SetPairs(const Args& args, std::string_view command, Tx& tx, Reply& reply) {
  const Args pairs = args.subspan(2);
  if (pairs.size() % 2 != 0) {
    reply.Error(WrongArity(command));
    return std::nullopt;
  }
  const Object* found;
  if (!FindHash(args[1], tx, reply, &found)) return std::nullopt;
  ChangeCount changes(tx);
  changes.Is(pairs.size() / 2);
  HashKey hash(tx, args[1], found);
  hash.Expect(pairs.size() / 2);
  int64_t added = 0;
  for (size_t i = 0; i < pairs.size(); i += 2) added += hash.Set(pairs[i], pairs[i + 1]);
  tx.Notify(EventClass::kHash, "hset", args[1]);
  return added;
}

void ReplyValue(const std::optional<Field>& field, Reply& reply) {
  if (!field) return reply.Null();
  reply.Bulk(field->value);
}

}  // namespace

bool FindHash(std::string_view key, Tx& tx, Reply& reply, const Object** object) {
  *object = tx.Find(key);
  if (*object == nullptr || (*object)->type == ObjectType::kHash) [[likely]]
    return true;
  reply.Error(kErrWrongType);
  return false;
}

// HSET key field value [field value]... -> how many fields were new
// A field's expiry ends when it is set.
void HSet(const Args& args, Tx& tx, Reply& reply) {
  const auto added = SetPairs(args, "hset", tx, reply);
  if (added) reply.Integer(*added);
}

// HMSET key field value [field value]... -> OK
void HMSet(const Args& args, Tx& tx, Reply& reply) {
  if (SetPairs(args, "hmset", tx, reply)) reply.Ok();
}

// HSETNX key field value -> 1 when set, 0 when the field was there
void HSetNx(const Args& args, Tx& tx, Reply& reply) {
  const Object* found;
  if (!FindHash(args[1], tx, reply, &found)) return;
  HashKey hash(tx, args[1], found);
  const bool is_absent = !hash.Find(args[2]).has_value();
  if (is_absent) {
    hash.Set(args[2], args[3]);
    tx.Notify(EventClass::kHash, "hset", args[1]);
  }
  reply.Integer(is_absent);
}

// HGET key field -> the value, or null
void HGet(const Args& args, Tx& tx, Reply& reply) {
  const Object* found;
  if (!FindHash(args[1], tx, reply, &found)) return;
  ReplyValue(HashKey(tx, args[1], found).Find(args[2]), reply);
}

// HMGET key field... -> the values, null for an absent field
void HMGet(const Args& args, Tx& tx, Reply& reply) {
  const Object* found;
  if (!FindHash(args[1], tx, reply, &found)) return;
  const HashKey hash(tx, args[1], found);
  const Args names = args.subspan(2);
  reply.Array(names.size());
  for (const std::string_view name : names) ReplyValue(hash.Find(name), reply);
}

// HGETALL key -> every field with its value
void HGetAll(const Args& args, Tx& tx, Reply& reply) {
  const Object* found;
  if (!FindHash(args[1], tx, reply, &found)) return;
  const HashKey hash(tx, args[1], found);
  reply.Map(hash.size());
  hash.Each([&](const Field& field) {
    reply.Bulk(field.name);
    reply.Bulk(field.value);
  });
}

// HKEYS key -> every field
void HKeys(const Args& args, Tx& tx, Reply& reply) {
  const Object* found;
  if (!FindHash(args[1], tx, reply, &found)) return;
  const HashKey hash(tx, args[1], found);
  reply.Array(hash.size());
  hash.Each([&](const Field& field) { reply.Bulk(field.name); });
}

// HVALS key -> every value
void HVals(const Args& args, Tx& tx, Reply& reply) {
  const Object* found;
  if (!FindHash(args[1], tx, reply, &found)) return;
  const HashKey hash(tx, args[1], found);
  reply.Array(hash.size());
  hash.Each([&](const Field& field) { reply.Bulk(field.value); });
}

// HLEN key -> how many fields there are
void HLen(const Args& args, Tx& tx, Reply& reply) {
  const Object* found;
  if (!FindHash(args[1], tx, reply, &found)) return;
  reply.Integer(static_cast<int64_t>(HashKey(tx, args[1], found).size()));
}

// HSTRLEN key field -> the value's size in bytes, 0 for an absent field
void HStrLen(const Args& args, Tx& tx, Reply& reply) {
  const Object* found;
  if (!FindHash(args[1], tx, reply, &found)) return;
  const HashKey hash(tx, args[1], found);
  const auto field = hash.Find(args[2]);
  reply.Integer(field ? static_cast<int64_t>(field->value.size()) : 0);
}

// HEXISTS key field -> 1 or 0
void HExists(const Args& args, Tx& tx, Reply& reply) {
  const Object* found;
  if (!FindHash(args[1], tx, reply, &found)) return;
  reply.Integer(HashKey(tx, args[1], found).Find(args[2]).has_value());
}

// HDEL key field... -> how many were there
void HDel(const Args& args, Tx& tx, Reply& reply) {
  const Object* found;
  if (!FindHash(args[1], tx, reply, &found)) return;
  ChangeCount changes(tx);
  HashKey hash(tx, args[1], found);
  int64_t removed = 0;
  for (const std::string_view name : args.subspan(2)) removed += hash.Remove(name);
  changes.Is(static_cast<uint64_t>(removed));
  if (removed > 0) tx.Notify(EventClass::kHash, "hdel", args[1]);
  reply.Integer(removed);
}

// HSCAN key cursor [MATCH pattern] [COUNT count] [NOVALUES] -> the next cursor, and fields with
// their values
void HScan(const Args& args, Tx& tx, Reply& reply) {
  ElementScan scan;
  if (!ReadScanCursor(args[2], &scan, reply)) return;
  const Object* found;
  if (!FindHash(args[1], tx, reply, &found)) return;
  if (found != nullptr && !ReadScanOptions(args, &scan, reply, /*no_values_allowed=*/true)) return;
  std::vector<std::string_view> items;
  const HashKey hash(tx, args[1], found);
  const uint64_t next = hash.Walk(scan.cursor, scan.count, [&](const Field& field) {
    if (!scan.Accepts(field.name)) return;
    items.push_back(field.name);
    if (!scan.no_values) items.push_back(field.value);
  });
  ReplyScan(next, items, reply);
}

}  // namespace hearth
