// Tested by tests/src/commands/set_algebra_test.cc.
//
// Differences, intersections and unions. What comes out are views into the source sets, which stay
// as they are until the reply is written or the result is stored.
#include <algorithm>
#include <deque>
#include <string>
#include <unordered_set>
#include <vector>

#include "engine/change_count.h"
#include "engine/set.h"
#include "src/commands/groups.h"
#include "src/commands/set.h"
#include "src/errors.h"
#include "src/numbers.h"

namespace hearth {
namespace {

using Members = std::vector<std::string_view>;
using Sources = std::vector<const SetKey*>;

// The sets of a call, opened for reading; an absent one is empty.
class SourceSets {
 public:
  // False after a WRONGTYPE reply.
  bool Open(const Args& keys, Tx& tx, Reply& reply) {
    for (const std::string_view key : keys) {
      const Object* found;
      if (!FindSet(key, tx, reply, &found)) return false;
      tx.NoteSource(key, found != nullptr);
      sources.push_back(&sets_.emplace_back(tx, key, found));
    }
    return true;
  }
  // Before one of the keys is changed. What was visited stays.
  void Close() {
    for (SetKey& set : sets_) set.Close();
  }
  Sources sources;

 private:
  std::deque<SetKey> sets_;
};

bool HasSmaller(const SetKey* a, const SetKey* b) {
  return a->size() < b->size();
}

// Visits what is in every set, up to count_max members. Leaves the smallest set first.
template <typename Visit>
size_t Intersect(Sources* sources, size_t count_max, Visit visit) {
  std::stable_sort(sources->begin(), sources->end(), HasSmaller);
  const auto others = std::span(*sources).subspan(1);
  size_t count = 0;
  sources->front()->Each([&](std::string_view member) {
    if (count == count_max) return;
    const bool is_in_all = std::all_of(
        others.begin(), others.end(), [&](const SetKey* other) { return other->Contains(member); });
    if (!is_in_all) return;
    ++count;
    visit(member);
  });
  return count;
}

Members Intersection(Sources* sources) {
  Members members;
  (void)Intersect(sources, SIZE_MAX, [&](std::string_view member) { members.push_back(member); });
  return members;
}

Members Difference(Sources* sources) {
  Members members;
  const SetKey* first = sources->front();
  // The bigger a set, the likelier a member is found there.
  std::stable_sort(sources->begin() + 1, sources->end(),
                   [](const SetKey* a, const SetKey* b) { return HasSmaller(b, a); });
  const auto others = std::span(*sources).subspan(1);
  first->Each([&](std::string_view member) {
    const bool is_elsewhere = std::any_of(
        others.begin(), others.end(), [&](const SetKey* other) { return other->Contains(member); });
    if (!is_elsewhere) members.push_back(member);
  });
  return members;
}

Members Union(Sources* sources) {
  Members members;
  if (sources->size() == 1) {
    sources->front()->Each([&](std::string_view member) { members.push_back(member); });
    return members;
  }
  std::unordered_set<std::string_view> seen;
  seen.reserve((*std::max_element(sources->begin(), sources->end(), HasSmaller))->size());
  for (const SetKey* source : *sources) {
    source->Each([&](std::string_view member) {
      if (seen.insert(member).second) members.push_back(member);
    });
  }
  return members;
}

using Operation = Members (*)(Sources* sources);

void ReplyResult(const Args& keys, Operation operation, Tx& tx, Reply& reply) {
  SourceSets sets;
  if (!sets.Open(keys, tx, reply)) return;
  const Members members = operation(&sets.sources);
  reply.Set(members.size());
  for (const std::string_view member : members) reply.Bulk(member);
}

// The encoding that Redis begins an intersection with: it follows the smallest set's.
Encoding FirstEncoding(const Members& members, Encoding smallest) {
  const bool all_integers = std::all_of(members.begin(), members.end(), [](std::string_view m) {
    return EncodingOf(m) == Encoding::kInt;
  });
  const bool few = members.size() <= Limits().set_listpack_entries_max;
  const bool as_intset = all_integers && (few || smallest == Encoding::kIntset) &&
                         members.size() <= Limits().set_intset_entries_max;
  return as_intset ? Encoding::kIntset : Encoding::kListpack;
}

// Makes the key a set of these members; none deletes it.
void Store(std::string_view key, const Members& members, std::optional<Encoding> encoding,
           std::string_view event, Tx& tx, Reply& reply) {
  ChangeCount changes(tx);
  const bool replaces = tx.Delete(key);
  if (!members.empty()) {
    changes.Is(1);
    SetKey set(tx, key, nullptr);
    if (encoding) set.StartAs(*encoding);
    for (const std::string_view member : members) set.Add(member);
    tx.Notify(EventClass::kSet, event, key);
  } else if (replaces) {
    tx.Notify(EventClass::kGeneric, "del", key);
  }
  reply.Integer(static_cast<int64_t>(members.size()));
}

void StoreResult(const Args& args, Operation operation, std::string_view event, Tx& tx,
                 Reply& reply) {
  const Args keys = args.subspan(2);
  SourceSets sets;
  if (!sets.Open(keys, tx, reply)) return;
  Members members = operation(&sets.sources);
  std::optional<Encoding> encoding;
  if (operation == Intersection && !members.empty()) {
    encoding = FirstEncoding(members, sets.sources.front()->encoding());
  }
  sets.Close();
  // The destination's own members end with it.
  std::vector<std::string> copies;
  if (std::find(keys.begin(), keys.end(), args[1]) != keys.end()) {
    copies.assign(members.begin(), members.end());
    members.assign(copies.begin(), copies.end());
  }
  Store(args[1], members, encoding, event, tx, reply);
}

// The options behind the keys of SINTERCARD. False after an error reply.
bool ReadLimit(const Args& options, size_t* limit, Reply& reply) {
  for (size_t index = 0; index < options.size(); index += 2) {
    if (!IsWord(options[index], "LIMIT") || index + 1 == options.size()) {
      return reply.Error(kErrSyntax), false;
    }
    const auto count = ParseInt64(options[index + 1]);
    if (!count || *count < 0) return reply.Error("ERR LIMIT can't be negative"), false;
    *limit = *count == 0 ? SIZE_MAX : static_cast<size_t>(*count);
  }
  return true;
}

}  // namespace

// SINTER key... -> the members that all sets have
void SInter(const Args& args, Tx& tx, Reply& reply) {
  ReplyResult(args.subspan(1), Intersection, tx, reply);
}

// SINTERSTORE destination key... -> how many members were stored, here and below
void SInterStore(const Args& args, Tx& tx, Reply& reply) {
  StoreResult(args, Intersection, "sinterstore", tx, reply);
}

// SINTERCARD numkeys key... [LIMIT limit] -> how many members all sets have, up to the limit
void SInterCard(const Args& args, Tx& tx, Reply& reply) {
  const auto key_count = ParseInt64(args[1]);
  if (!key_count || *key_count < 1) {
    return reply.Error("ERR numkeys should be greater than 0");
  }
  if (*key_count > static_cast<int64_t>(args.size()) - 2) {
    return reply.Error("ERR Number of keys can't be greater than number of args");
  }
  const auto count = static_cast<size_t>(*key_count);
  size_t limit = SIZE_MAX;
  if (!ReadLimit(args.subspan(2 + count), &limit, reply)) return;
  SourceSets sets;
  if (!sets.Open(args.subspan(2, count), tx, reply)) return;
  const size_t found = Intersect(&sets.sources, limit, [](std::string_view) {});
  reply.Integer(static_cast<int64_t>(found));
}

// SUNION key... -> the members that any set has
void SUnion(const Args& args, Tx& tx, Reply& reply) {
  ReplyResult(args.subspan(1), Union, tx, reply);
}

// SUNIONSTORE destination key...
void SUnionStore(const Args& args, Tx& tx, Reply& reply) {
  StoreResult(args, Union, "sunionstore", tx, reply);
}

// SDIFF key... -> the members of the first set that no other has
void SDiff(const Args& args, Tx& tx, Reply& reply) {
  ReplyResult(args.subspan(1), Difference, tx, reply);
}

// SDIFFSTORE destination key...
void SDiffStore(const Args& args, Tx& tx, Reply& reply) {
  StoreResult(args, Difference, "sdiffstore", tx, reply);
}

}  // namespace hearth
