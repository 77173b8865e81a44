// Tested by tests/src/commands/generic_test.cc.
#include "src/commands/generic.h"

#include "src/commands/groups.h"
#include "src/errors.h"
#include "src/numbers.h"

namespace hearth {
namespace {

struct CopyOptions {
  uint32_t target_db = 0;
  bool replace = false;
};

// False with the error text in *error.
bool ParseCopyOptions(const Args& args, uint32_t session_db, CopyOptions* options,
                      std::string_view* error) {
  options->target_db = session_db;
  for (size_t index = 3; index < args.size(); ++index) {
    if (IsWord(args[index], "REPLACE")) {
      options->replace = true;
    } else if (IsWord(args[index], "DB") && index + 1 < args.size()) {
      const auto db = ParseDbIndex(args[++index], error);
      if (!db) return false;
      options->target_db = *db;
    } else {
      *error = kErrSyntax;
      return false;
    }
  }
  return true;
}

// What became of a RENAME or RENAMENX.
enum class Renamed : uint8_t { kNoSource, kSameKey, kTargetIsThere, kDone };

Renamed RenameKey(const Args& args, bool may_replace, Tx& tx) {
  const std::string_view from = args[1];
  const std::string_view to = args[2];
  if (tx.Find(from) == nullptr) return Renamed::kNoSource;
  if (from == to) return Renamed::kSameKey;
  if (!may_replace && tx.Find(to) != nullptr) return Renamed::kTargetIsThere;
  tx.Move(KeyRef(tx.db(), from), KeyRef(tx.db(), to));
  tx.Notify(EventClass::kGeneric, "rename_from", from);
  tx.Notify(EventClass::kGeneric, "rename_to", to);
  return Renamed::kDone;
}

}  // namespace

std::string_view TypeName(ObjectType type) {
  switch (type) {
    case ObjectType::kString:
      return "string";
    case ObjectType::kList:
      return "list";
    case ObjectType::kSet:
      return "set";
    case ObjectType::kSortedSet:
      return "zset";
    case ObjectType::kHash:
      return "hash";
    case ObjectType::kStream:
      return "stream";
  }
  return "unknown";
}

// DEL key... -> how many there were
// UNLINK is the same: memory of large values is given back elsewhere in either case.
void Del(const Args& args, Tx& tx, Reply& reply) {
  int64_t deleted_count = 0;
  for (const std::string_view key : args.subspan(1)) {
    if (!tx.Delete(key)) continue;
    ++deleted_count;
    tx.Notify(EventClass::kGeneric, "del", key);
  }
  reply.Integer(deleted_count);
}

// EXISTS key... -> how many there are; a key named twice counts twice
void Exists(const Args& args, Tx& tx, Reply& reply) {
  int64_t count = 0;
  for (const std::string_view key : args.subspan(1)) {
    const bool is_there = tx.Peek(key) != nullptr;
    count += is_there;
    tx.NoteLook(key, is_there);
  }
  reply.Integer(count);
}

// TOUCH key... -> how many there are; counts as a use of them
void Touch(const Args& args, Tx& tx, Reply& reply) {
  int64_t count = 0;
  for (const std::string_view key : args.subspan(1)) count += tx.Find(key) != nullptr;
  reply.Integer(count);
}

// TYPE key -> string, list, set, zset, hash, stream or none
void Type(const Args& args, Tx& tx, Reply& reply) {
  const Object* object = tx.Peek(args[1]);
  tx.NoteLook(args[1], object != nullptr);
  reply.Simple(object == nullptr ? "none" : TypeName(object->type));
}

// RENAME key newkey -> OK
// The value takes its expiry along; what newkey held is gone.
void Rename(const Args& args, Tx& tx, Reply& reply) {
  const Renamed renamed = RenameKey(args, /*may_replace=*/true, tx);
  if (renamed == Renamed::kNoSource) return reply.Error(kErrNoSuchKey);
  reply.Ok();
}

// RENAMENX key newkey -> 1, or 0 when newkey was there
void RenameNx(const Args& args, Tx& tx, Reply& reply) {
  const Renamed renamed = RenameKey(args, /*may_replace=*/false, tx);
  if (renamed == Renamed::kNoSource) return reply.Error(kErrNoSuchKey);
  reply.Integer(renamed == Renamed::kDone);
}

bool CopyKeys(const Args& args, uint32_t session_db, std::vector<KeyRef>* keys) {
  CopyOptions options;
  std::string_view error;
  if (!ParseCopyOptions(args, session_db, &options, &error)) return false;
  keys->emplace_back(session_db, args[1]);
  keys->emplace_back(options.target_db, args[2]);
  return true;
}

// COPY source destination [DB index] [REPLACE] -> 1 when copied
// 0 when there is no source, or a destination that may not be replaced.
void Copy(const Args& args, Tx& tx, Reply& reply) {
  CopyOptions options;
  std::string_view error;
  if (!ParseCopyOptions(args, tx.db(), &options, &error)) return reply.Error(error);
  const KeyRef from(tx.db(), args[1]);
  const KeyRef to(options.target_db, args[2]);
  if (from.db == to.db && from.key == to.key) return reply.Error(kErrSameObject);
  const bool is_there = tx.Find(from.key) != nullptr;
  tx.NoteLook(from.key, is_there);
  if (!is_there) return reply.Integer(0);
  if (!options.replace && tx.Find(to.db, to.key) != nullptr) return reply.Integer(0);
  tx.Copy(from, to);
  tx.Notify(EventClass::kGeneric, "copy_to", to.db, to.key);
  reply.Integer(1);
}

bool MoveKeys(const Args& args, uint32_t session_db, std::vector<KeyRef>* keys) {
  std::string_view error;
  const auto target_db = ParseDbIndex(args[2], &error);
  if (!target_db) return false;
  keys->emplace_back(session_db, args[1]);
  keys->emplace_back(*target_db, args[1]);
  return true;
}

// MOVE key db -> 1 when moved, 0 when there is no such key, or one in the other database
void Move(const Args& args, Tx& tx, Reply& reply) {
  std::string_view error;
  const auto target_db = ParseDbIndex(args[2], &error);
  if (!target_db) return reply.Error(error);
  const KeyRef from(tx.db(), args[1]);
  const KeyRef to(*target_db, args[1], from.position);
  if (from.db == to.db) return reply.Error(kErrSameObject);
  if (tx.Find(from.key) == nullptr) return reply.Integer(0);
  if (tx.Find(to.db, to.key) != nullptr) return reply.Integer(0);
  tx.Move(from, to);
  tx.Notify(EventClass::kGeneric, "move_from", from.db, from.key);
  tx.Notify(EventClass::kGeneric, "move_to", to.db, to.key);
  reply.Integer(1);
}

}  // namespace hearth
