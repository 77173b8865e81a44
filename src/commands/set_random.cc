// Tested by tests/src/commands/set_random_test.cc.
#include <algorithm>
#include <string>
#include <vector>

#include "engine/change_count.h"
#include "engine/set.h"
#include "src/commands/draw.h"
#include "src/commands/groups.h"
#include "src/commands/set.h"
#include "src/effects.h"
#include "src/errors.h"
#include "src/numbers.h"

namespace hearth {
namespace {

// Where fewer than one in so many members stay, the set is made anew of those.
constexpr size_t kRemakeFactor = 5;

std::vector<std::string_view> Draw(const SetKey& set, size_t count) {
  return DrawDifferent<std::string_view>(set, count,
                                         [](std::string_view member) { return member; });
}

// Members that were drawn are passed on by name.
void PassOnRemoval(std::string_view key, Args members) {
  if (Effects::Current() == nullptr) [[likely]]
    return;
  for (const std::string_view member : members) PassOnAs({"SREM", key, member});
}

// Answers all members but a few that are drawn, and leaves those in a set made anew.
void PopAllBut(std::string_view key, size_t left_count, const Object* found, Tx& tx, Reply& reply) {
  const int64_t expire_at_ms = found->expire_at_ms();
  std::vector<std::string> left;
  Encoding encoding;
  {
    const SetKey set(tx, key, found);
    encoding = set.encoding();
    auto members = AllOf<std::string_view>(set);
    ShuffleFirst(&members, left_count);
    left.assign(members.begin(), members.begin() + static_cast<ptrdiff_t>(left_count));
    const Args popped = Args(members).subspan(left_count);
    reply.Set(popped.size());
    for (const auto member : popped) reply.Bulk(member);
    PassOnRemoval(key, popped);
  }
  tx.Delete(key);
  tx.Notify(EventClass::kSet, "spop", key);
  {
    SetKey set(tx, key, nullptr);
    set.StartAs(encoding == Encoding::kIntset ? encoding : Encoding::kListpack);
    for (const std::string& member : left) set.Add(member);
  }
  if (expire_at_ms != kNoExpiry) tx.SetExpiry(key, expire_at_ms);
}

void PopOne(std::string_view key, const Object* found, Tx& tx, Reply& reply) {
  if (found == nullptr) return reply.Null();
  SetKey set(tx, key, found);
  const std::string_view member = set.Random();
  reply.Bulk(member);
  PassOnRemoval(key, {&member, 1});
  set.Remove(member);
  tx.Notify(EventClass::kSet, "spop", key);
}

void PopMany(std::string_view key, size_t count, const Object* found, Tx& tx, Reply& reply) {
  if (found == nullptr || count == 0) return reply.Set(0);
  const size_t size = SetKey(tx, key, found).size();
  ChangeCount changes(tx);
  changes.Is(std::min(count, size));
  if (count < size && (size - count) * kRemakeFactor <= count) {
    return PopAllBut(key, size - count, found, tx, reply);
  }
  if (count >= size) {
    {
      const SetKey set(tx, key, found);
      reply.Set(size);
      set.Each([&](std::string_view member) { reply.Bulk(member); });
    }
    tx.Delete(key);
    PassOnDeletion(key, LazyDeletion::kServer);
    tx.Notify(EventClass::kSet, "spop", key);
    tx.Notify(EventClass::kGeneric, "del", key);
    return;
  }
  SetKey set(tx, key, found);
  tx.Notify(EventClass::kSet, "spop", key);
  reply.Set(count);
  for (; count > 0; --count) {
    const std::string_view member = set.Random();
    reply.Bulk(member);
    PassOnRemoval(key, {&member, 1});
    set.Remove(member);
  }
}

// Members drawn again and again.
void ReplyDraws(const SetKey& set, uint64_t count, Reply& reply) {
  reply.Array(count);
  for (; count > 0 && !reply.muted(); --count) reply.Bulk(set.Random());
}

}  // namespace

// SPOP key [count] -> a member, or null; with count a set of members, which are removed
void SPop(const Args& args, Tx& tx, Reply& reply) {
  const Object* found;
  if (args.size() > 3) return reply.Error(kErrSyntax);
  if (args.size() < 3) {
    if (FindSet(args[1], tx, reply, &found)) PopOne(args[1], found, tx, reply);
    return;
  }
  const auto count = ParseInt64(args[2]);
  if (!count || *count < 0) return reply.Error("ERR value is out of range, must be positive");
  if (!FindSet(args[1], tx, reply, &found)) return;
  PopMany(args[1], static_cast<size_t>(*count), found, tx, reply);
}

// SRANDMEMBER key [count] -> a member, or null; with count an array: of different members when it
// is positive, of -count draws when it is negative
void SRandMember(const Args& args, Tx& tx, Reply& reply) {
  const Object* found;
  if (args.size() > 3) return reply.Error(kErrSyntax);
  if (args.size() < 3) {
    if (!FindSet(args[1], tx, reply, &found)) return;
    if (found == nullptr) return reply.Null();
    return reply.Bulk(SetKey(tx, args[1], found).Random());
  }
  const auto count = ReadDrawCount(args[2], reply);
  if (!count || !MayDraw(*count, /*with_values=*/false, reply)) return;
  if (!FindSet(args[1], tx, reply, &found)) return;
  if (found == nullptr || *count == 0) return reply.Array(0);
  const SetKey set(tx, args[1], found);
  if (*count < 0) return ReplyDraws(set, static_cast<uint64_t>(-*count), reply);
  const auto wanted = static_cast<size_t>(*count);
  const auto members = wanted < set.size() ? Draw(set, wanted) : AllOf<std::string_view>(set);
  reply.Array(members.size());
  for (const std::string_view member : members) reply.Bulk(member);
}

}  // namespace hearth
