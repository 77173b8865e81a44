// Tested by tests/src/commands/stream_group_test.cc.
#include "engine/change_count.h"
#include "src/commands/groups.h"
#include "src/commands/stream.h"
#include "src/commands/stream_args.h"
#include "src/errors.h"
#include "src/numbers.h"

namespace hearth {
namespace {

struct GroupOptions {
  bool make_stream = false;
  int64_t entries_read = StreamGroup::kUnknown;
};

// Of XGROUP CREATE and SETID, from args[5] on.
bool ReadGroupOptions(const Args& args, bool is_create, Reply& reply, GroupOptions* options) {
  for (size_t index = 5; index < args.size(); ++index) {
    if (is_create && IsWord(args[index], "MKSTREAM")) {
      options->make_stream = true;
    } else if (IsWord(args[index], "ENTRIESREAD") && index + 1 < args.size()) {
      const auto entries_read = ReadInteger(args[++index], reply);
      if (!entries_read) return false;
      if (*entries_read < 0 && *entries_read != StreamGroup::kUnknown) {
        reply.Error("ERR value for ENTRIESREAD must be positive or -1");
        return false;
      }
      options->entries_read = *entries_read;
    } else {
      reply.Error(WrongSubcommand("XGROUP", args[1]));
      return false;
    }
  }
  return true;
}

// Finds a stream that must be there.
bool FindPresent(std::string_view key, Tx& tx, Reply& reply, const Object** object) {
  if (!FindStream(key, tx, reply, object)) return false;
  if (*object != nullptr) return true;
  reply.Error(
      "ERR The XGROUP subcommand requires the key to exist. Note that for CREATE you may want to "
      "use the MKSTREAM option to create an empty stream automatically.");
  return false;
}

// The group of args[3]; nullptr and an error when it is absent.
StreamGroup* GroupOf(const Args& args, const StreamKey& stream, Reply& reply) {
  StreamGroup* group = stream.FindGroup(args[3]);
  if (group == nullptr) reply.Error(NoSuchGroup(args[2], args[3]));
  return group;
}

}  // namespace

// XGROUP CREATE key group id | $ [MKSTREAM] [ENTRIESREAD count] -> OK
void XGroupCreate(const Args& args, Tx& tx, Reply& reply) {
  GroupOptions options;
  if (!ReadGroupOptions(args, /*is_create=*/true, reply, &options)) return;
  const Object* object;
  if (options.make_stream ? !FindStream(args[2], tx, reply, &object)
                          : !FindPresent(args[2], tx, reply, &object)) {
    return;
  }
  ChangeCount changes(tx);
  StreamKey stream(tx, args[2], object);
  StreamId id;
  if (args[4] != "$") {
    if (!ReadStreamId(args[4], reply, &id)) return;
  } else if (object != nullptr) {
    id = stream.state().last_id;
  }
  if (object == nullptr) stream.CreateEmpty();
  if (stream.CreateGroup(args[3], id, options.entries_read) == nullptr) {
    return reply.Error("BUSYGROUP Consumer Group name already exists");
  }
  changes.Is(1);
  tx.Notify(EventClass::kStream, "xgroup-create", args[2]);
  reply.Ok();
}

// XGROUP SETID key group id | $ [ENTRIESREAD count] -> OK
void XGroupSetId(const Args& args, Tx& tx, Reply& reply) {
  GroupOptions options;
  if (!ReadGroupOptions(args, /*is_create=*/false, reply, &options)) return;
  const Object* object;
  if (!FindPresent(args[2], tx, reply, &object)) return;
  ChangeCount changes(tx);
  StreamKey stream(tx, args[2], object);
  StreamGroup* group = GroupOf(args, stream, reply);
  if (group == nullptr) return;
  StreamId id = stream.state().last_id;
  if (args[4] != "$") {
    const auto read = ParseStreamIdOrEdge(args[4]);
    if (!read) return reply.Error(kErrStreamId);
    id = *read;
  }
  changes.Is(1);
  stream.SetGroup(group, id, options.entries_read);
  tx.Notify(EventClass::kStream, "xgroup-setid", args[2]);
  reply.Ok();
}

// XGROUP DESTROY key group -> 1, or 0 when it was absent
void XGroupDestroy(const Args& args, Tx& tx, Reply& reply) {
  const Object* object;
  if (!FindPresent(args[2], tx, reply, &object)) return;
  ChangeCount changes(tx);
  StreamKey stream(tx, args[2], object);
  StreamGroup* group = stream.FindGroup(args[3]);
  if (group != nullptr) {
    changes.Is(1);
    stream.DestroyGroup(group);
    tx.Notify(EventClass::kStream, "xgroup-destroy", args[2]);
  }
  reply.Integer(group != nullptr);
}

// XGROUP CREATECONSUMER key group consumer -> 1, or 0 when it was there
void XGroupCreateConsumer(const Args& args, Tx& tx, Reply& reply) {
  const Object* object;
  if (!FindPresent(args[2], tx, reply, &object)) return;
  StreamKey stream(tx, args[2], object);
  StreamGroup* group = GroupOf(args, stream, reply);
  if (group == nullptr) return;
  const bool is_absent = group->FindConsumer(args[4]) == nullptr;
  if (is_absent) {
    stream.CreateConsumer(group, args[4]);
    tx.Notify(EventClass::kStream, "xgroup-createconsumer", args[2]);
  }
  reply.Integer(is_absent);
}

// XGROUP DELCONSUMER key group consumer -> how many entries it had pending
void XGroupDelConsumer(const Args& args, Tx& tx, Reply& reply) {
  const Object* object;
  if (!FindPresent(args[2], tx, reply, &object)) return;
  StreamKey stream(tx, args[2], object);
  StreamGroup* group = GroupOf(args, stream, reply);
  if (group == nullptr) return;
  StreamConsumer* consumer = group->FindConsumer(args[4]);
  if (consumer == nullptr) return reply.Integer(0);
  const auto pending_count = static_cast<int64_t>(consumer->pending.size());
  stream.DeleteConsumer(group, consumer);
  tx.Notify(EventClass::kStream, "xgroup-delconsumer", args[2]);
  reply.Integer(pending_count);
}

// XGROUP HELP -> lines
void XGroupHelp(const Args&, Tx&, Reply& reply) {
  ReplyHelp(
      "XGROUP",
      {"CREATE <key> <groupname> <id|$> [option]",
       "    Create a new consumer group. Options are:", "    * MKSTREAM",
       "      Create the empty stream if it does not exist.", "    * ENTRIESREAD entries_read",
       "      Set the group's entries_read counter (internal use).",
       "CREATECONSUMER <key> <groupname> <consumer>",
       "    Create a new consumer in the specified group.",
       "DELCONSUMER <key> <groupname> <consumer>", "    Remove the specified consumer.",
       "DESTROY <key> <groupname>", "    Remove the specified group.",
       "SETID <key> <groupname> <id|$> [ENTRIESREAD entries_read]",
       "    Set the current group ID and entries_read counter."},
      reply);
}

// XACK key group id... -> how many of them were pending
void XAck(const Args& args, Tx& tx, Reply& reply) {
  const Object* object;
  if (!FindStream(args[1], tx, reply, &object)) return;
  tx.NoteLook(args[1], object != nullptr);
  if (object == nullptr) return reply.Integer(0);
  StreamKey stream(tx, args[1], object);
  StreamGroup* group = stream.FindGroup(args[2]);
  if (group == nullptr) return reply.Integer(0);
  StreamId id;
  for (const std::string_view argument : args.subspan(3)) {
    if (!ReadStreamId(argument, reply, &id)) return;
  }
  int64_t count = 0;
  for (const std::string_view argument : args.subspan(3)) {
    count += stream.Acknowledge(group, *ParseStreamId(argument));
  }
  reply.Integer(count);
}

}  // namespace hearth
