// Key commands of every type. Tested by tests/src/commands/generic_test.cc and tests/oracle.
#include <optional>

#include "engine/keyspace.h"
#include "src/commands/groups.h"
#include "src/errors.h"
#include "src/numbers.h"
#include "src/server.h"
#include "src/session.h"

namespace hearth {
namespace {

std::string_view TypeName(ObjectType type) {
  switch (type) {
    case ObjectType::kString: return "string";
    case ObjectType::kList: return "list";
    case ObjectType::kSet: return "set";
    case ObjectType::kSortedSet: return "zset";
    case ObjectType::kHash: return "hash";
    case ObjectType::kStream: return "stream";
  }
  return "none";
}

void Del(const Args& args, Tx& tx, Reply& reply) {
  int64_t count = 0;
  for (const std::string_view key : args.subspan(1)) count += tx.Delete(key);
  reply.Integer(count);
}

void Exists(const Args& args, Tx& tx, Reply& reply) {
  int64_t count = 0;
  for (const std::string_view key : args.subspan(1)) count += tx.Peek(key) != nullptr;
  reply.Integer(count);
}

void Touch(const Args& args, Tx& tx, Reply& reply) {
  int64_t count = 0;
  for (const std::string_view key : args.subspan(1)) count += tx.Find(key) != nullptr;
  reply.Integer(count);
}

void Type(const Args& args, Tx& tx, Reply& reply) {
  const Object* object = tx.Peek(args[1]);
  reply.Simple(object != nullptr ? TypeName(object->type) : "none");
}

void RenameTo(const Args& args, bool only_new, Tx& tx, Reply& reply) {
  if (tx.Peek(args[1]) == nullptr) return reply.Error(kErrNoSuchKey);
  if (args[1] == args[2]) return only_new ? reply.Integer(0) : reply.Ok();
  if (only_new && tx.Peek(args[2]) != nullptr) return reply.Integer(0);
  tx.Move({tx.db(), args[1]}, {tx.db(), args[2]});
  only_new ? reply.Integer(1) : reply.Ok();
}

void Rename(const Args& args, Tx& tx, Reply& reply) { RenameTo(args, false, tx, reply); }
void RenameNx(const Args& args, Tx& tx, Reply& reply) { RenameTo(args, true, tx, reply); }

// COPY source destination [DB index] [REPLACE]
struct CopyOptions {
  uint32_t db = 0;
  bool replace = false;
  std::string_view error;
};

CopyOptions ParseCopy(const Args& args, uint32_t session_db, uint32_t db_count) {
  CopyOptions options{.db = session_db};
  for (size_t i = 3; i < args.size(); ++i) {
    if (IsWord(args[i], "REPLACE")) {
      options.replace = true;
    } else if (IsWord(args[i], "DB") && i + 1 < args.size()) {
      const auto db = ParseInt64(args[++i]);
      if (!db) {
        options.error = kErrNotInteger;
      } else if (*db < 0 || *db >= db_count) {
        options.error = kErrDbIndex;
      } else {
        options.db = static_cast<uint32_t>(*db);
      }
      if (!options.error.empty()) return options;
    } else {
      options.error = kErrSyntax;
      return options;
    }
  }
  if (options.db == session_db && args[1] == args[2]) {
    options.error = "ERR source and destination objects are the same";
  }
  return options;
}

bool CopyKeys(const Args& args, uint32_t session_db, std::vector<KeyRef>* keys) {
  const CopyOptions options = ParseCopy(args, session_db, DbCount());
  if (!options.error.empty()) return false;
  keys->emplace_back(session_db, args[1]);
  keys->emplace_back(options.db, args[2]);
  return true;
}

void Copy(const Args& args, Tx& tx, Reply& reply) {
  const CopyOptions options = ParseCopy(args, tx.db(), DbCount());
  if (!options.error.empty()) return reply.Error(options.error);
  if (tx.Peek(args[1]) == nullptr) return reply.Integer(0);
  if (!options.replace && tx.Peek(options.db, args[2]) != nullptr) return reply.Integer(0);
  tx.Copy({tx.db(), args[1]}, {options.db, args[2]});
  reply.Integer(1);
}

// MOVE key db
std::string_view MoveError(const Args& args, uint32_t session_db, uint32_t* db) {
  const auto index = ParseInt64(args[2]);
  if (!index) return kErrNotInteger;
  if (*index < 0 || *index >= DbCount()) return kErrDbIndex;
  *db = static_cast<uint32_t>(*index);
  return *db == session_db ? "ERR source and destination objects are the same" : "";
}

bool MoveKeys(const Args& args, uint32_t session_db, std::vector<KeyRef>* keys) {
  uint32_t db;
  if (!MoveError(args, session_db, &db).empty()) return false;
  keys->emplace_back(session_db, args[1]);
  keys->emplace_back(db, args[1]);
  return true;
}

void Move(const Args& args, Tx& tx, Reply& reply) {
  uint32_t db;
  const std::string_view error = MoveError(args, tx.db(), &db);
  if (!error.empty()) return reply.Error(error);
  if (tx.Peek(args[1]) == nullptr || tx.Peek(db, args[1]) != nullptr) return reply.Integer(0);
  tx.Move({tx.db(), args[1]}, {db, args[1]});
  reply.Integer(1);
}

// OBJECT ENCODING | FREQ | IDLETIME | REFCOUNT key
void ObjectEncoding(const Args& args, Tx& tx, Reply& reply) {
  const Object* object = tx.Peek(args[2]);
  if (object == nullptr) return reply.Null();
  switch (object->encoding) {
    case Encoding::kInt: return reply.Bulk("int");
    case Encoding::kEmbstr: return reply.Bulk("embstr");
    case Encoding::kRaw: return reply.Bulk("raw");
  }
}

void ObjectRefCount(const Args& args, Tx& tx, Reply& reply) {
  const Object* object = tx.Peek(args[2]);
  if (object == nullptr) return reply.Null();
  // Redis shares the objects of small integers and counts them as shared for ever.
  const auto number = object->encoding == Encoding::kInt ? ParseInt64(object->value())
                                                         : std::nullopt;
  reply.Integer(number && *number >= 0 && *number < 10000 ? INT32_MAX : 1);
}

void ObjectIdleTime(const Args& args, Tx& tx, Reply& reply) {
  const Object* object = tx.Peek(args[2]);
  if (object == nullptr) return reply.Null();
  if (UsesLfu()) {
    return reply.Error("ERR An LFU maxmemory policy is selected, idle time not tracked. Please "
                       "note that when switching between policies at runtime LRU and LFU data "
                       "will take some time to adjust.");
  }
  const int64_t seconds = object->access == 0 ? 0 : tx.now_ms() / 1000 - object->access;
  reply.Integer(std::max<int64_t>(0, seconds));
}

void ObjectFreq(const Args& args, Tx& tx, Reply& reply) {
  const Object* object = tx.Peek(args[2]);
  if (object == nullptr) return reply.Null();
  if (!UsesLfu()) {
    return reply.Error("ERR An LFU maxmemory policy is not selected, access frequency not tracked. "
                       "Please note that when switching between policies at runtime LRU and LFU "
                       "data will take some time to adjust.");
  }
  reply.Integer(object->access & 0xff);
}

void ObjectHelp(const Args&, Session&, Reply& reply) {
  ReplyHelp("OBJECT",
            {"ENCODING <key>",
             "    Return the kind of internal representation used in order to store the value",
             "    associated with a <key>.",
             "FREQ <key>",
             "    Return the access frequency index of the <key>. The returned integer is",
             "    proportional to the logarithm of the recent access frequency of the key.",
             "IDLETIME <key>",
             "    Return the idle time of the <key>, that is the approximated number of",
             "    seconds elapsed since the last access to the key.",
             "REFCOUNT <key>",
             "    Return the number of references of the value associated with the specified",
             "    <key>."},
            reply);
}

void FlushDb(const Args& args, Tx& tx, Reply& reply) {
  if (args.size() > 2 ||
      (args.size() == 2 && !IsWord(args[1], "ASYNC") && !IsWord(args[1], "SYNC"))) {
    return reply.Error(kErrSyntax);
  }
  tx.FlushDb(tx.db());
  reply.Ok();
}

void FlushAll(const Args& args, Tx& tx, Reply& reply) {
  if (args.size() > 2 ||
      (args.size() == 2 && !IsWord(args[1], "ASYNC") && !IsWord(args[1], "SYNC"))) {
    return reply.Error(kErrSyntax);
  }
  for (uint32_t db = 0; db < DbCount(); ++db) tx.FlushDb(db);
  reply.Ok();
}

void SwapDb(const Args& args, Tx& tx, Reply& reply) {
  const auto a = ParseInt64(args[1]);
  if (!a || *a < INT32_MIN || *a > INT32_MAX) return reply.Error("ERR invalid first DB index");
  const auto b = ParseInt64(args[2]);
  if (!b || *b < INT32_MIN || *b > INT32_MAX) return reply.Error("ERR invalid second DB index");
  if (*a < 0 || *b < 0 || *a >= DbCount() || *b >= DbCount()) return reply.Error(kErrDbIndex);
  tx.SwapDb(static_cast<uint32_t>(*a), static_cast<uint32_t>(*b));
  reply.Ok();
}

void DbSize(const Args&, Session& session, Reply& reply) {
  reply.Integer(static_cast<int64_t>(session.server().keyspace().KeyCount(session.db())));
  session.WaitForCommit(session.server().engine().log().joined_seq());
}

constexpr KeySpec kReadKey[] = {{.flags = "RO"}};
constexpr KeySpec kReadAllKeys[] = {{.flags = "RO", .last = -1}};
constexpr KeySpec kDeleteKeys[] = {{.flags = "RM DELETE", .last = -1}};
constexpr KeySpec kObjectKey[] = {{.flags = "RO", .index = 2}};
constexpr KeySpec kRenameKeys[] = {{.flags = "RW ACCESS DELETE"},
                                   {.flags = "OW UPDATE", .index = 2}};
constexpr KeySpec kRenameNxKeys[] = {{.flags = "RW ACCESS DELETE"},
                                     {.flags = "OW INSERT", .index = 2}};
constexpr KeySpec kCopyKeys[] = {{.flags = "RO ACCESS"}, {.flags = "OW UPDATE", .index = 2}};
constexpr KeySpec kMoveKeys[] = {{.flags = "RW ACCESS DELETE"}};

constexpr uint32_t kReadFast = kCmdReadonly | kCmdFast;

constexpr Command kObjectCommands[] = {
    {.name = "object|encoding", .arity = 3, .flags = kCmdReadonly | kCmdNoTouch,
     .acl = kAclKeyspace, .key_specs = kObjectKey, .data = ObjectEncoding},
    {.name = "object|freq", .arity = 3, .flags = kCmdReadonly | kCmdNoTouch, .acl = kAclKeyspace,
     .key_specs = kObjectKey, .data = ObjectFreq},
    {.name = "object|help", .arity = 2, .flags = kCmdLoading | kCmdStale, .acl = kAclKeyspace,
     .session = ObjectHelp},
    {.name = "object|idletime", .arity = 3, .flags = kCmdReadonly | kCmdNoTouch,
     .acl = kAclKeyspace, .key_specs = kObjectKey, .data = ObjectIdleTime},
    {.name = "object|refcount", .arity = 3, .flags = kCmdReadonly | kCmdNoTouch,
     .acl = kAclKeyspace, .key_specs = kObjectKey, .data = ObjectRefCount},
};

constexpr Command kCommands[] = {
    {.name = "copy", .arity = -3, .flags = kCmdWrite | kCmdDenyOom, .acl = kAclKeyspace,
     .key_specs = kCopyKeys, .data = Copy, .keys = CopyKeys},
    {.name = "dbsize", .arity = 1, .flags = kReadFast, .acl = kAclKeyspace, .session = DbSize},
    {.name = "del", .arity = -2, .flags = kCmdWrite, .acl = kAclKeyspace,
     .key_specs = kDeleteKeys, .data = Del},
    {.name = "exists", .arity = -2, .flags = kReadFast | kCmdNoTouch, .acl = kAclKeyspace,
     .key_specs = kReadAllKeys, .data = Exists},
    {.name = "flushall", .arity = -1, .flags = kCmdWrite | kCmdLockAll,
     .acl = kAclKeyspace | kAclDangerous, .data = FlushAll},
    {.name = "flushdb", .arity = -1, .flags = kCmdWrite | kCmdLockAll,
     .acl = kAclKeyspace | kAclDangerous, .data = FlushDb},
    {.name = "move", .arity = 3, .flags = kCmdWrite | kCmdFast, .acl = kAclKeyspace,
     .key_specs = kMoveKeys, .data = Move, .keys = MoveKeys},
    {.name = "object", .arity = -2, .flags = 0, .acl = kAclSlow, .subcommands = kObjectCommands},
    {.name = "rename", .arity = 3, .flags = kCmdWrite, .acl = kAclKeyspace,
     .key_specs = kRenameKeys, .data = Rename},
    {.name = "renamenx", .arity = 3, .flags = kCmdWrite | kCmdFast, .acl = kAclKeyspace,
     .key_specs = kRenameNxKeys, .data = RenameNx},
    {.name = "swapdb", .arity = 3, .flags = kCmdWrite | kCmdFast | kCmdLockAll,
     .acl = kAclKeyspace | kAclDangerous, .data = SwapDb},
    {.name = "touch", .arity = -2, .flags = kReadFast, .acl = kAclKeyspace,
     .key_specs = kReadAllKeys, .data = Touch},
    {.name = "type", .arity = 2, .flags = kReadFast | kCmdNoTouch, .acl = kAclKeyspace,
     .key_specs = kReadKey, .data = Type},
    {.name = "unlink", .arity = -2, .flags = kCmdWrite | kCmdFast, .acl = kAclKeyspace,
     .key_specs = kDeleteKeys, .data = Del},
};

}  // namespace

std::span<const Command> GenericCommands() { return kCommands; }

}  // namespace hearth
