// Tested by tests/src/commands/set_test.cc.
#include "src/commands/set.h"

#include "engine/change_count.h"
#include "engine/set.h"
#include "src/commands/element_scan.h"
#include "src/errors.h"

namespace hearth {

bool FindSet(std::string_view key, Tx& tx, Reply& reply, const Object** object) {
  *object = tx.Find(key);
  if (*object == nullptr || (*object)->type == ObjectType::kSet) [[likely]]
    return true;
  reply.Error(kErrWrongType);
  return false;
}

// SADD key member... -> how many were new
void SAdd(const Args& args, Tx& tx, Reply& reply) {
  const Object* found;
  if (!FindSet(args[1], tx, reply, &found)) return;
  ChangeCount changes(tx);
  SetKey set(tx, args[1], found);
  const Args members = args.subspan(2);
  set.Expect(members.size(), members[0]);
  int64_t added = 0;
  for (const std::string_view member : members) added += set.Add(member);
  changes.Is(static_cast<uint64_t>(added));
  if (added > 0) tx.Notify(EventClass::kSet, "sadd", args[1]);
  reply.Integer(added);
}

// SREM key member... -> how many were there
void SRem(const Args& args, Tx& tx, Reply& reply) {
  const Object* found;
  if (!FindSet(args[1], tx, reply, &found)) return;
  ChangeCount changes(tx);
  SetKey set(tx, args[1], found);
  int64_t removed = 0;
  for (const std::string_view member : args.subspan(2)) removed += set.Remove(member);
  changes.Is(static_cast<uint64_t>(removed));
  if (removed > 0) tx.Notify(EventClass::kSet, "srem", args[1]);
  reply.Integer(removed);
}

// SMOVE source destination member -> 1 when moved, 0 when it is not in the source
void SMove(const Args& args, Tx& tx, Reply& reply) {
  const Object *source, *destination;
  if (!FindSet(args[1], tx, reply, &source)) return;
  if (source == nullptr) return reply.Integer(0);
  if (!FindSet(args[2], tx, reply, &destination)) return;
  {
    SetKey from(tx, args[1], source);
    if (args[1] == args[2]) return reply.Integer(from.Contains(args[3]));
    if (!from.Remove(args[3])) return reply.Integer(0);
    tx.Notify(EventClass::kSet, "srem", args[1]);
  }
  if (SetKey(tx, args[2], destination).Add(args[3])) {
    tx.Notify(EventClass::kSet, "sadd", args[2]);
  }
  reply.Integer(1);
}

// SCARD key -> how many members there are
void SCard(const Args& args, Tx& tx, Reply& reply) {
  const Object* found;
  if (!FindSet(args[1], tx, reply, &found)) return;
  reply.Integer(static_cast<int64_t>(SetKey(tx, args[1], found).size()));
}

// SISMEMBER key member -> 1 or 0
void SIsMember(const Args& args, Tx& tx, Reply& reply) {
  const Object* found;
  if (!FindSet(args[1], tx, reply, &found)) return;
  reply.Integer(SetKey(tx, args[1], found).Contains(args[2]));
}

// SMISMEMBER key member... -> 1 or 0 for each
void SMIsMember(const Args& args, Tx& tx, Reply& reply) {
  const Object* found;
  if (!FindSet(args[1], tx, reply, &found)) return;
  const SetKey set(tx, args[1], found);
  const Args members = args.subspan(2);
  reply.Array(members.size());
  for (const std::string_view member : members) reply.Integer(set.Contains(member));
}

// SMEMBERS key -> every member
void SMembers(const Args& args, Tx& tx, Reply& reply) {
  const Object* found;
  if (!FindSet(args[1], tx, reply, &found)) return;
  const SetKey set(tx, args[1], found);
  reply.Set(set.size());
  set.Each([&](std::string_view member) { reply.Bulk(member); });
}

// SSCAN key cursor [MATCH pattern] [COUNT count] -> the next cursor and members
void SScan(const Args& args, Tx& tx, Reply& reply) {
  ElementScan scan;
  if (!ReadScanCursor(args[2], &scan, reply)) return;
  const Object* found;
  if (!FindSet(args[1], tx, reply, &found)) return;
  if (found != nullptr && !ReadScanOptions(args, &scan, reply)) return;
  std::vector<std::string_view> members;
  const SetKey set(tx, args[1], found);
  const uint64_t next = set.Walk(scan.cursor, scan.count, [&](std::string_view member) {
    if (scan.Accepts(member)) members.push_back(member);
  });
  ReplyScan(next, members, reply);
}

}  // namespace hearth
