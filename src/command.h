#pragma once

// Command: one row of the command table: what COMMAND, ACL, key finding and the gates need, and
// the function that runs it.
//
// A data command gets a Tx that holds its keys; a session command gets the session. Rows are
// static; each group (src/commands/<group>.cc) exports a span of them.
//
// Thread: rows are immutable once built.

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "engine/tx.h"
#include "net/reply.h"

namespace hearth {

class Session;
using Args = std::span<const std::string_view>;  // args[0] is the command's name

using DataFunction = void (*)(const Args& args, Tx& tx, Reply& reply);
using SessionFunction = void (*)(const Args& args, Session& session, Reply& reply);

// What a blocking command waits for when it can't answer at once. The server runs the command's
// function again, with the same keys, whenever one of them may have become what it waits for.
struct BlockRequest {
  int64_t timeout_ms = 0;  // 0 = for ever
  ObjectType type = ObjectType::kList;
  bool wakes_when_gone = false;    // also when a key is deleted or changes its type (XREADGROUP)
  bool null_array = true;          // the reply when the time is up: null array, else null
  bool null_array_at_once = true;  // the same within a transaction, where nothing waits
  std::vector<std::string> args;   // of the later runs, when they are not those of the call
  bool is_later_run = false;       // told to the function: it was parked before
};
// Answers and returns true, or writes nothing, fills the request and returns false.
using BlockingFunction = bool (*)(const Args& args, Tx& tx, Reply& reply, BlockRequest* request);
// Names the keys (with their databases) of a call whose keys lie in another database too.
// Returns false when the arguments are wrong; the function is then run with no keys and answers.
using KeysFunction = bool (*)(const Args& args, uint32_t session_db, std::vector<KeyRef>* keys);
// Appends the places of the keys of a call that no specification describes.
struct KeyPlace;
struct Command;
using PlacesFunction = void (*)(const Command& command, const Args& args,
                                std::vector<KeyPlace>* places);
// Whether a call touches keys that no argument names.
using LocksAllFunction = bool (*)(const Args& args);

// Whether a call asks for what is stored, although its command has kCmdHeadOnly.
using AsksForValueFunction = bool (*)(const Args& args);

// Redis' command flags, as COMMAND INFO prints them.
enum CommandFlag : uint32_t {
  kCmdWrite = 1u << 0,
  kCmdReadonly = 1u << 1,
  kCmdDenyOom = 1u << 2,
  kCmdAdmin = 1u << 3,
  kCmdPubsub = 1u << 4,
  kCmdNoscript = 1u << 5,
  kCmdBlocking = 1u << 6,
  kCmdLoading = 1u << 7,
  kCmdStale = 1u << 8,
  kCmdSkipMonitor = 1u << 9,
  kCmdSkipSlowlog = 1u << 10,
  kCmdAsking = 1u << 11,
  kCmdFast = 1u << 12,
  kCmdNoAuth = 1u << 13,
  kCmdMayReplicate = 1u << 14,  // not printed
  kCmdSentinel = 1u << 15,
  kCmdNoMulti = 1u << 16,
  kCmdMovableKeys = 1u << 17,
  kCmdAllowBusy = 1u << 18,
  kCmdNoAsyncLoading = 1u << 19,
  kCmdNoMandatoryKeys = 1u << 20,
  // Ours: not printed.
  kCmdInSubscribed = 1u << 24,  // runs for RESP2 clients that have subscribed
  kCmdNotQueued = 1u << 25,     // runs at once inside MULTI
  kCmdOutsideTx = 1u << 26,     // a session command that takes shard locks or the log's, or answers
                                // later: EXEC lets go of its keys before it
  kCmdProtected = 1u << 27,     // refused unless enable-debug-command allows it
  kCmdLockAll = 1u << 28,       // the Tx (of a session command: EXEC's) locks every shard
  kCmdNoTouch = 1u << 29,       // the Tx does not make keys hotter
  kCmdInScripts = 1u << 30,     // runs in scripts despite kCmdOutsideTx: it takes no lock that a
                                // Tx of all shards, without the log's mutex, holds
  kCmdHeadOnly = 1u << 31,      // asks for nothing that elements tell (KeyRef::head_only)
};

// Whether a command runs while data is loaded: also what rules the server (REPLICAOF, CONFIG,
// SHUTDOWN) does.
constexpr bool RunsWhileLoading(uint32_t flags) {
  return (flags & kCmdLoading) || ((flags & kCmdAdmin) && (flags & kCmdStale));
}

// Whether a row is of EVAL, FCALL or their kin.
constexpr bool RunsScript(uint32_t flags) {
  return (flags & kCmdNoMandatoryKeys) && (flags & kCmdLockAll);
}

// ACL categories, in the order that ACL CAT prints them.
enum AclCategory : uint32_t {
  kAclKeyspace = 1u << 0,
  kAclRead = 1u << 1,
  kAclWrite = 1u << 2,
  kAclSet = 1u << 3,
  kAclSortedSet = 1u << 4,
  kAclList = 1u << 5,
  kAclHash = 1u << 6,
  kAclString = 1u << 7,
  kAclBitmap = 1u << 8,
  kAclHyperLogLog = 1u << 9,
  kAclGeo = 1u << 10,
  kAclStream = 1u << 11,
  kAclPubsub = 1u << 12,
  kAclAdmin = 1u << 13,
  kAclFast = 1u << 14,
  kAclSlow = 1u << 15,
  kAclBlocking = 1u << 16,
  kAclDangerous = 1u << 17,
  kAclConnection = 1u << 18,
  kAclTransaction = 1u << 19,
  kAclScripting = 1u << 20,
};

// A key specification (Redis 7.0 "Command key specifications"): begin_search and find_keys.
struct KeySpec {
  std::string_view flags;  // "RW ACCESS UPDATE" as COMMAND INFO prints, space separated
  enum class Begin : uint8_t { kIndex, kKeyword, kUnknown } begin = Begin::kIndex;
  int index = 1;  // kIndex: the argument; kKeyword: where the search starts
  std::string_view keyword = {};
  enum class Find : uint8_t { kRange, kKeyNum, kUnknown } find = Find::kRange;
  int last = 0;  // kRange: relative to the first key; -1 = the last argument
  int step = 1;
  int limit = 0;
  int key_num_index = 0;  // kKeyNum: relative to the first
  int first_key = 0;
  std::string_view notes = {};
};

// Where a call names members of the collection at its first key, as a hint of what memory to fetch
// ahead: the first argument that does, and how far the next is behind it.
struct MemberArgs {
  uint8_t first = 0;  // 0: it names none
  uint8_t step = 0;   // 0: only one
};

// An argument as COMMAND DOCS describes it.
struct ArgDoc {
  std::string_view name;
  std::string_view type;  // "key", "string", "integer", "double", "oneof", "block", ...
  std::string_view token = {};
  std::string_view since = {};
  std::string_view deprecated_since = {};
  std::string_view flags = {};  // "optional multiple multiple_token"
  int key_spec_index = -1;
  std::span<const ArgDoc> children = {};
};

struct Command {
  std::string_view name;  // lower case; subcommands: "client|id"
  int arity;              // Redis': negative = at least
  uint32_t flags;
  uint32_t acl;  // categories beside those that follow from the flags
  std::span<const KeySpec> key_specs;
  DataFunction data = nullptr;  // exactly one of data, session, blocking, subcommands is set
  SessionFunction session = nullptr;
  BlockingFunction blocking = nullptr;
  std::span<const Command> subcommands = {};
  KeysFunction keys = nullptr;
  PlacesFunction places = nullptr;
  LocksAllFunction locks_all = nullptr;
  AsksForValueFunction asks_for_value = nullptr;
  MemberArgs members = {};

  std::string_view summary = {};
  std::string_view since = {};
  std::string_view group = {};  // "string", "generic", "connection", "server"
  std::string_view complexity = {};
  std::span<const ArgDoc> arguments = {};
  std::span<const std::string_view> tips = {};
  std::span<const std::string_view> history = {};  // pairs: version, change
  std::string_view doc_flags = {};                 // "deprecated", "syscmd"
  std::string_view deprecated_since = {};
  std::string_view replaced_by = {};
};

}  // namespace hearth
