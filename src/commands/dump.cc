// Tested by tests/src/commands/dump_test.cc.
//
// DUMP and RESTORE: values in the payloads that Redis makes and takes.
#include "src/commands/dump.h"

#include "engine/collection_limits.h"
#include "src/commands/generic.h"
#include "src/commands/groups.h"
#include "src/commands/lifetime.h"
#include "src/effects.h"
#include "src/errors.h"
#include "src/numbers.h"
#include "src/rdb/dump_payload.h"
#include "src/stored_value.h"

namespace hearth {
namespace {

constexpr uint32_t kFrequencyMax = 255;

struct RestoreOptions {
  bool replace = false;
  bool absolute_ttl = false;
  std::optional<int64_t> idle_seconds, frequency;
};

// Takes the number behind IDLETIME or FREQ; false after an error reply.
bool TakeUse(std::string_view text, int64_t max, std::string_view error,
             std::optional<int64_t>* value, Reply& reply) {
  *value = ReadInteger(text, reply);
  if (!*value) return false;
  if (**value >= 0 && **value <= max) return true;
  reply.Error(error);
  return false;
}

bool ReadRestoreOptions(const Args& args, RestoreOptions* options, Reply& reply) {
  for (size_t index = 4; index < args.size(); ++index) {
    const bool has_value = index + 1 < args.size();
    if (IsWord(args[index], "REPLACE")) {
      options->replace = true;
    } else if (IsWord(args[index], "ABSTTL")) {
      options->absolute_ttl = true;
    } else if (IsWord(args[index], "IDLETIME") && has_value && !options->frequency) {
      if (!TakeUse(args[++index], INT64_MAX, "ERR Invalid IDLETIME value, must be >= 0",
                   &options->idle_seconds, reply)) {
        return false;
      }
    } else if (IsWord(args[index], "FREQ") && has_value && !options->idle_seconds) {
      if (!TakeUse(args[++index], kFrequencyMax, "ERR Invalid FREQ value, must be >= 0 and <= 255",
                   &options->frequency, reply)) {
        return false;
      }
    } else {
      reply.Error(kErrSyntax);
      return false;
    }
  }
  return true;
}

// Its time to live becomes a time.
void PassOnRestore(const Args& args, int64_t expire_at_ms) {
  Effects* const effects = Effects::Current();
  if (effects == nullptr) [[likely]]
    return;
  const std::string at_text = std::to_string(expire_at_ms);
  std::vector<std::string_view> words(args.begin(), args.end());
  words[2] = at_text;
  words.push_back("ABSTTL");
  effects->Instead(words);
}

}  // namespace

RdbEncodingLimits DumpLimits() {
  const CollectionLimits& limits = Limits();
  RdbEncodingLimits encoding;
  encoding.hash_max_listpack_entries = limits.hash_listpack_entries_max;
  encoding.hash_max_listpack_value = limits.hash_listpack_value_size_max;
  encoding.zset_max_listpack_entries = limits.zset_listpack_entries_max;
  encoding.zset_max_listpack_value = limits.zset_listpack_value_size_max;
  encoding.set_max_intset_entries = limits.set_intset_entries_max;
  encoding.list_max_listpack_size = limits.list_listpack_size;
  encoding.stream_node_max_bytes = limits.stream_node_size_max;
  encoding.stream_node_max_entries = limits.stream_node_entries_max;
  return encoding;
}

std::string DumpPayloadOf(Tx& tx, std::string_view key, const Object& object) {
  return MakeDumpPayload(ReadStoredValue(tx, key, object), DumpLimits());
}

// DUMP key -> the payload, or null
void Dump(const Args& args, Tx& tx, Reply& reply) {
  const Object* object = tx.Peek(args[1]);
  tx.NoteLook(args[1], object != nullptr);
  if (object == nullptr) return reply.Null();
  reply.Bulk(DumpPayloadOf(tx, args[1], *object));
}

// RESTORE key ttl payload [REPLACE] [ABSTTL] [IDLETIME seconds | FREQ frequency] -> OK
void Restore(const Args& args, Tx& tx, Reply& reply) {
  RestoreOptions options;
  if (!ReadRestoreOptions(args, &options, reply)) return;
  const std::string_view key = args[1];
  if (!options.replace && tx.Peek(key) != nullptr) {
    return reply.Error("BUSYKEY Target key name already exists.");
  }
  const auto ttl_ms = ReadInteger(args[2], reply);
  if (!ttl_ms) return;
  if (*ttl_ms < 0) return reply.Error("ERR Invalid TTL value, must be >= 0");
  RdbValue value;
  const Status status = ReadDumpPayload(args[3], &value);
  if (!status.ok()) {
    return reply.Error(status.code() == Status::Code::kInvalid ? kErrDumpPayload : kErrDumpData);
  }
  if (!options.absolute_ttl && *ttl_ms > INT64_MAX - tx.now_ms()) {
    return reply.Error("ERR invalid expire time in 'restore' command");
  }
  const bool replaces = tx.Delete(key);
  const int64_t expire_at_ms = options.absolute_ttl ? *ttl_ms : tx.now_ms() + *ttl_ms;
  if (*ttl_ms == 0 || expire_at_ms > tx.now_ms() || !tx.may_expire()) {
    WriteStoredValue(tx, key, value);
    if (tx.Peek(key) != nullptr) {
      if (*ttl_ms != 0) tx.SetExpiry(key, expire_at_ms);
      if (const auto access = AccessOfUse(options.idle_seconds, options.frequency, tx.now_ms())) {
        tx.SetAccess(key, *access);
      }
    }
    if (*ttl_ms != 0 && !options.absolute_ttl) PassOnRestore(args, expire_at_ms);
    if (replaces) tx.Notify(EventClass::kNew, "new", key);
    tx.Notify(EventClass::kGeneric, "restore", key);
  } else if (replaces) {
    PassOnAs({"DEL", key});
    tx.Notify(EventClass::kGeneric, "del", key);
  }
  reply.Ok();
}

}  // namespace hearth
