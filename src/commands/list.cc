// Tested by tests/src/commands/list_test.cc.
#include "src/commands/list.h"

#include <algorithm>

#include "engine/change_count.h"
#include "src/commands/groups.h"
#include "src/errors.h"
#include "src/numbers.h"

namespace hearth {
namespace {

// A position in a list, counted from its end when negative; nullopt outside.
std::optional<size_t> PositionAt(int64_t index, size_t size) {
  if (index < 0) index += static_cast<int64_t>(size);
  if (index < 0 || index >= static_cast<int64_t>(size)) return std::nullopt;
  return static_cast<size_t>(index);
}

struct Range {
  size_t first, count;
};

// The part of a list from start to stop, both included, counted from its end when negative.
Range Clamp(int64_t start, int64_t stop, size_t size) {
  const auto count = static_cast<int64_t>(size);
  if (start < 0) start = std::max<int64_t>(start + count, 0);
  if (stop < 0) stop += count;
  stop = std::min(stop, count - 1);
  if (start > stop) return {0, 0};
  return {static_cast<size_t>(start), static_cast<size_t>(stop - start + 1)};
}

void Push(const Args& args, ListEnd end, bool only_if_present, Tx& tx, Reply& reply) {
  const Object* object;
  if (!FindList(args[1], tx, reply, &object)) return;
  if (object == nullptr && only_if_present) return reply.Integer(0);
  ChangeCount changes(tx);
  changes.Is(args.size() - 2);
  ListKey list(tx, args[1], object);
  list.Push(end, args.subspan(2));
  tx.Notify(EventClass::kList, end == ListEnd::kHead ? "lpush" : "rpush", args[1]);
  reply.Integer(static_cast<int64_t>(list.size()));
}

struct PositionOptions {
  int64_t rank = 1;
  std::optional<int64_t> count;  // 0 = all
  int64_t compared_max = 0;      // 0 = no limit
};

bool ReadRank(std::string_view argument, int64_t* rank, Reply& reply) {
  const auto number = ReadInteger(argument, reply);
  if (!number) return false;
  if (*number == 0) {
    reply.Error(
        "ERR RANK can't be zero: use 1 to start from the first match, 2 from the second ... or "
        "use negative to start from the end of the list");
  } else if (*number == INT64_MIN) {
    reply.Error(
        "ERR value is out of range, value must between -9223372036854775807 and "
        "9223372036854775807");
  } else {
    *rank = *number;
    return true;
  }
  return false;
}

bool ReadPositionOptions(const Args& args, PositionOptions* options, Reply& reply) {
  for (size_t index = 3; index < args.size(); index += 2) {
    const bool has_value = index + 1 < args.size();
    const std::string_view value = has_value ? args[index + 1] : std::string_view();
    if (has_value && IsWord(args[index], "RANK")) {
      if (!ReadRank(value, &options->rank, reply)) return false;
    } else if (has_value && IsWord(args[index], "COUNT")) {
      options->count = ParseInt64(value);
      if (options->count.value_or(-1) < 0) {
        reply.Error("ERR COUNT can't be negative");
        return false;
      }
    } else if (has_value && IsWord(args[index], "MAXLEN")) {
      options->compared_max = ParseInt64(value).value_or(-1);
      if (options->compared_max < 0) {
        reply.Error("ERR MAXLEN can't be negative");
        return false;
      }
    } else {
      reply.Error(kErrSyntax);
      return false;
    }
  }
  return true;
}

// The positions that LPOS answers, in its order.
std::vector<size_t> FindPositions(const ListKey& list, std::string_view element,
                                  const PositionOptions& options) {
  std::vector<size_t> positions;
  const size_t size = list.size();
  const bool backward = options.rank < 0;
  const auto wanted = static_cast<size_t>(options.count.value_or(1));
  auto skipped = static_cast<size_t>(backward ? -options.rank : options.rank) - 1;
  size_t seen = 0;
  const auto visit = [&](std::string_view candidate) {
    if (candidate == element) {
      if (skipped > 0) {
        --skipped;
      } else {
        positions.push_back(backward ? size - 1 - seen : seen);
      }
    }
    ++seen;
    return wanted == 0 || positions.size() < wanted;
  };
  const size_t compared =
      options.compared_max == 0 ? size : std::min(size, static_cast<size_t>(options.compared_max));
  if (backward) {
    list.EachBackward(size - 1, compared, visit);
  } else {
    list.Each(0, compared, visit);
  }
  return positions;
}

}  // namespace

bool FindList(std::string_view key, Tx& tx, Reply& reply, const Object** object) {
  *object = tx.Find(key);
  if (*object == nullptr || (*object)->type == ObjectType::kList) [[likely]]
    return true;
  reply.Error(kErrWrongType);
  return false;
}

std::optional<ListEnd> ReadListEnd(std::string_view argument, Reply& reply) {
  if (IsWord(argument, "LEFT")) return ListEnd::kHead;
  if (IsWord(argument, "RIGHT")) return ListEnd::kTail;
  reply.Error(kErrSyntax);
  return std::nullopt;
}

// LPUSH key element... -> the new length
void LPush(const Args& args, Tx& tx, Reply& reply) {
  Push(args, ListEnd::kHead, /*only_if_present=*/false, tx, reply);
}

// RPUSH key element... -> the new length
void RPush(const Args& args, Tx& tx, Reply& reply) {
  Push(args, ListEnd::kTail, /*only_if_present=*/false, tx, reply);
}

// LPUSHX key element... -> the new length, or 0 and nothing pushed when the key is absent
void LPushX(const Args& args, Tx& tx, Reply& reply) {
  Push(args, ListEnd::kHead, /*only_if_present=*/true, tx, reply);
}

// RPUSHX key element... -> as LPUSHX, at the tail
void RPushX(const Args& args, Tx& tx, Reply& reply) {
  Push(args, ListEnd::kTail, /*only_if_present=*/true, tx, reply);
}

// LLEN key -> the length; 0 for an absent key
void LLen(const Args& args, Tx& tx, Reply& reply) {
  const Object* object;
  if (!FindList(args[1], tx, reply, &object)) return;
  reply.Integer(static_cast<int64_t>(ListKey(tx, args[1], object).size()));
}

// LINDEX key index -> the element, or null
void LIndex(const Args& args, Tx& tx, Reply& reply) {
  const Object* object;
  if (!FindList(args[1], tx, reply, &object)) return;
  if (object == nullptr) return reply.Null();
  const auto index = ReadInteger(args[2], reply);
  if (!index) return;
  const ListKey list(tx, args[1], object);
  const auto position = PositionAt(*index, list.size());
  if (!position) return reply.Null();
  reply.Bulk(list.At(*position));
}

// LSET key index element -> OK
void LSet(const Args& args, Tx& tx, Reply& reply) {
  const Object* object;
  if (!FindList(args[1], tx, reply, &object)) return;
  if (object == nullptr) return reply.Error(kErrNoSuchKey);
  const auto index = ReadInteger(args[2], reply);
  if (!index) return;
  ListKey list(tx, args[1], object);
  const auto position = PositionAt(*index, list.size());
  if (!position) return reply.Error("ERR index out of range");
  list.Set(*position, args[3]);
  tx.Notify(EventClass::kList, "lset", args[1]);
  reply.Ok();
}

// LRANGE key start stop -> the elements
void LRange(const Args& args, Tx& tx, Reply& reply) {
  const auto start = ReadInteger(args[2], reply);
  if (!start) return;
  const auto stop = ReadInteger(args[3], reply);
  if (!stop) return;
  const Object* object;
  if (!FindList(args[1], tx, reply, &object)) return;
  const ListKey list(tx, args[1], object);
  const Range range = Clamp(*start, *stop, list.size());
  reply.Array(range.count);
  list.Each(range.first, range.count, [&](std::string_view element) { reply.Bulk(element); });
}

// LTRIM key start stop -> OK
void LTrim(const Args& args, Tx& tx, Reply& reply) {
  const auto start = ReadInteger(args[2], reply);
  if (!start) return;
  const auto stop = ReadInteger(args[3], reply);
  if (!stop) return;
  const Object* object;
  if (!FindList(args[1], tx, reply, &object)) return;
  reply.Ok();
  if (object == nullptr) return;
  ChangeCount changes(tx);
  const size_t size = ListKey(tx, args[1], object).size();
  const Range kept = Clamp(*start, *stop, size);
  changes.Is(size - kept.count);
  if (kept.count == size) changes.Touch(args[1]);
  tx.Notify(EventClass::kList, "ltrim", args[1]);
  if (kept.count == 0) {
    tx.Delete(args[1]);
    tx.Notify(EventClass::kGeneric, "del", args[1]);
    return;
  }
  ListKey list(tx, args[1], object);
  list.Erase(kept.first + kept.count, size - kept.first - kept.count);
  list.Erase(0, kept.first);
}

// LINSERT key BEFORE | AFTER pivot element -> the new length; -1 without pivot, 0 without key
void LInsert(const Args& args, Tx& tx, Reply& reply) {
  const bool after = IsWord(args[2], "AFTER");
  if (!after && !IsWord(args[2], "BEFORE")) return reply.Error(kErrSyntax);
  const Object* object;
  if (!FindList(args[1], tx, reply, &object)) return;
  if (object == nullptr) return reply.Integer(0);
  ListKey list(tx, args[1], object);
  const auto found = FindPositions(list, args[3], {});
  if (found.empty()) return reply.Integer(-1);
  list.Insert(found[0] + (after ? 1 : 0), args[4]);
  tx.Notify(EventClass::kList, "linsert", args[1]);
  reply.Integer(static_cast<int64_t>(list.size()));
}

// LREM key count element -> how many were removed
// From the head; from the tail for a negative count; all for 0.
void LRem(const Args& args, Tx& tx, Reply& reply) {
  const auto count = ReadInteger(args[2], reply);
  if (!count) return;
  const Object* object;
  if (!FindList(args[1], tx, reply, &object)) return;
  if (object == nullptr) return reply.Integer(0);
  const uint64_t count_max = *count == 0  ? UINT64_MAX
                             : *count > 0 ? static_cast<uint64_t>(*count)
                                          : ~static_cast<uint64_t>(*count) + 1;
  ChangeCount changes(tx);
  ListKey list(tx, args[1], object);
  const size_t erased =
      list.EraseEqual(args[3], count_max, *count < 0 ? ListEnd::kTail : ListEnd::kHead);
  changes.Is(erased);
  if (erased > 0) tx.Notify(EventClass::kList, "lrem", args[1]);
  reply.Integer(static_cast<int64_t>(erased));
}

// LPOS key element [RANK rank] [COUNT count] [MAXLEN length] -> the position, or null; with COUNT
// an array of positions
void LPos(const Args& args, Tx& tx, Reply& reply) {
  PositionOptions options;
  if (!ReadPositionOptions(args, &options, reply)) return;
  const Object* object;
  if (!FindList(args[1], tx, reply, &object)) return;
  std::vector<size_t> positions;
  if (object != nullptr) {
    positions = FindPositions(ListKey(tx, args[1], object), args[2], options);
  }
  if (!options.count) {
    return positions.empty() ? reply.Null() : reply.Integer(static_cast<int64_t>(positions[0]));
  }
  reply.Array(positions.size());
  for (const size_t position : positions) reply.Integer(static_cast<int64_t>(position));
}

}  // namespace hearth
