// COMMAND: the command table as clients read it. Tested by tests/src/command_commands_test.cc.
#include <algorithm>
#include <iterator>
#include <sstream>
#include <string>
#include <vector>

#include "src/commands/groups.h"
#include "src/errors.h"
#include "src/key_finder.h"
#include "src/numbers.h"
#include "src/redis_text.h"
#include "src/server.h"
#include "src/session.h"

namespace hearth {
namespace {

struct Name {
  uint32_t bit;
  std::string_view text;
};

constexpr Name kFlagNames[] = {{kCmdWrite, "write"},
                               {kCmdReadonly, "readonly"},
                               {kCmdDenyOom, "denyoom"},
                               {kCmdAdmin, "admin"},
                               {kCmdPubsub, "pubsub"},
                               {kCmdNoscript, "noscript"},
                               {kCmdBlocking, "blocking"},
                               {kCmdLoading, "loading"},
                               {kCmdStale, "stale"},
                               {kCmdSkipMonitor, "skip_monitor"},
                               {kCmdSkipSlowlog, "skip_slowlog"},
                               {kCmdAsking, "asking"},
                               {kCmdFast, "fast"},
                               {kCmdNoAuth, "no_auth"},
                               {kCmdMayReplicate, "may_replicate"},
                               {kCmdNoMulti, "no_multi"},
                               {kCmdMovableKeys, "movablekeys"},
                               {kCmdAllowBusy, "allow_busy"},
                               {kCmdNoAsyncLoading, "no_async_loading"}};

constexpr Name kCategoryNames[] = {{kAclKeyspace, "@keyspace"},
                                   {kAclRead, "@read"},
                                   {kAclWrite, "@write"},
                                   {kAclSet, "@set"},
                                   {kAclSortedSet, "@sortedset"},
                                   {kAclList, "@list"},
                                   {kAclHash, "@hash"},
                                   {kAclString, "@string"},
                                   {kAclBitmap, "@bitmap"},
                                   {kAclHyperLogLog, "@hyperloglog"},
                                   {kAclGeo, "@geo"},
                                   {kAclStream, "@stream"},
                                   {kAclPubsub, "@pubsub"},
                                   {kAclAdmin, "@admin"},
                                   {kAclFast, "@fast"},
                                   {kAclSlow, "@slow"},
                                   {kAclBlocking, "@blocking"},
                                   {kAclDangerous, "@dangerous"},
                                   {kAclConnection, "@connection"},
                                   {kAclTransaction, "@transaction"},
                                   {kAclScripting, "@scripting"}};

// The categories of the row and those that follow from its flags.
uint32_t Categories(const Command& command) {
  uint32_t acl = command.acl;
  if (command.flags & kCmdWrite) acl |= kAclWrite;
  if ((command.flags & kCmdReadonly) && !(acl & kAclScripting)) acl |= kAclRead;
  if (command.flags & kCmdAdmin) acl |= kAclAdmin | kAclDangerous;
  if (command.flags & kCmdPubsub) acl |= kAclPubsub;
  acl |= (command.flags & kCmdFast) ? kAclFast : kAclSlow;
  if (command.flags & kCmdBlocking) acl |= kAclBlocking;
  return acl;
}

void ReplyNames(std::span<const Name> names, uint32_t bits, Reply& reply) {
  size_t count = 0;
  for (const Name& name : names) count += (bits & name.bit) != 0;
  reply.Set(count);
  for (const Name& name : names) {
    if (bits & name.bit) reply.Simple(name.text);
  }
}

std::vector<std::string> SplitWordsOf(std::string_view text) {
  std::istringstream words{std::string(text)};
  return {std::istream_iterator<std::string>(words), {}};
}

void ReplyText(std::string_view name, std::string_view text, Reply& reply) {
  reply.Bulk(name);
  reply.Bulk(text);
}

void ReplyKeySpec(const KeySpec& spec, Reply& reply) {
  const std::vector<std::string> flags = SplitWordsOf(spec.flags);
  reply.Map(spec.notes.empty() ? 3 : 4);
  if (!spec.notes.empty()) ReplyText("notes", spec.notes, reply);
  reply.Bulk("flags");
  reply.Set(flags.size());
  for (const std::string& flag : flags) reply.Simple(flag);
  reply.Bulk("begin_search");
  reply.Map(2);
  reply.Bulk("type");
  reply.Bulk("index");
  reply.Bulk("spec");
  reply.Map(1);
  reply.Bulk("index");
  reply.Integer(spec.index);
  reply.Bulk("find_keys");
  reply.Map(2);
  reply.Bulk("type");
  reply.Bulk("range");
  reply.Bulk("spec");
  reply.Map(3);
  reply.Bulk("lastkey");
  reply.Integer(spec.last);
  reply.Bulk("keystep");
  reply.Integer(spec.step);
  reply.Bulk("limit");
  reply.Integer(spec.limit);
}

// The old first-last-step triple over all range specifications.
void ReplyKeyRange(const Command& command, Reply& reply) {
  int first = 0, last = 0, step = 0;
  for (const KeySpec& spec : command.key_specs) {
    const int spec_last = spec.last < 0 ? spec.last : spec.index + spec.last;
    if (first == 0 || spec.index < first) first = spec.index;
    if (last >= 0) last = spec_last < 0 ? spec_last : std::max(last, spec_last);
    step = std::max(step, spec.step);
  }
  reply.Integer(first);
  reply.Integer(last);
  reply.Integer(step);
}

void ReplyInfo(const Command& command, Reply& reply) {
  reply.Array(10);
  reply.Bulk(command.name);
  reply.Integer(command.arity);
  ReplyNames(kFlagNames, command.flags, reply);
  ReplyKeyRange(command, reply);
  ReplyNames(kCategoryNames, Categories(command), reply);
  reply.Array(command.tips.size());
  for (const std::string_view tip : command.tips) reply.Bulk(tip);
  reply.Array(command.key_specs.size());
  for (const KeySpec& spec : command.key_specs) ReplyKeySpec(spec, reply);
  reply.Array(command.subcommands.size());
  for (const Command& subcommand : command.subcommands) ReplyInfo(subcommand, reply);
}

std::vector<const Command*> TopLevel(Session& session) {
  std::vector<const Command*> found;
  for (const Command* command : session.server().commands().all()) {
    if (command->name.find('|') == std::string_view::npos) found.push_back(command);
  }
  return found;
}

void All(const Args&, Session& session, Reply& reply) {
  const auto commands = TopLevel(session);
  reply.Array(commands.size());
  for (const Command* command : commands) ReplyInfo(*command, reply);
}

void Count(const Args&, Session& session, Reply& reply) {
  reply.Integer(static_cast<int64_t>(TopLevel(session).size()));
}

void Info(const Args& args, Session& session, Reply& reply) {
  if (args.size() == 2) return All(args, session, reply);
  reply.Array(args.size() - 2);
  for (const std::string_view name : args.subspan(2)) {
    const Command* command = session.server().commands().Find(name).command;
    command == nullptr ? reply.NullArray() : ReplyInfo(*command, reply);
  }
}

std::string_view GroupOf(const Command& command) {
  if (!command.group.empty()) return command.group;
  const uint32_t acl = command.acl;
  if (acl & kAclString) return "string";
  if (acl & kAclKeyspace) return "generic";
  if (acl & kAclConnection) return "connection";
  return "server";
}

void ReplyArguments(std::span<const ArgDoc> arguments, Reply& reply) {
  reply.Bulk("arguments");
  reply.Array(arguments.size());
  for (const ArgDoc& argument : arguments) {
    const std::vector<std::string> flags = SplitWordsOf(argument.flags);
    reply.Map(2u + (argument.key_spec_index >= 0) + !argument.token.empty() +
              !argument.since.empty() + !flags.empty() + !argument.children.empty());
    ReplyText("name", argument.name, reply);
    ReplyText("type", argument.type, reply);
    if (argument.key_spec_index >= 0) {
      reply.Bulk("key_spec_index");
      reply.Integer(argument.key_spec_index);
    }
    if (!argument.token.empty()) ReplyText("token", argument.token, reply);
    if (!argument.since.empty()) ReplyText("since", argument.since, reply);
    if (!flags.empty()) {
      reply.Bulk("flags");
      reply.Set(flags.size());
      for (const std::string& flag : flags) reply.Simple(flag);
    }
    if (!argument.children.empty()) ReplyArguments(argument.children, reply);
  }
}

void ReplyDocs(const Command& command, Reply& reply) {
  const bool has_subcommands = !command.subcommands.empty();
  reply.Map(3u + has_subcommands + !command.complexity.empty() + !command.history.empty() +
            !command.arguments.empty());
  ReplyText("summary", command.summary, reply);
  ReplyText("since", command.since.empty() ? "1.0.0" : command.since, reply);
  ReplyText("group", GroupOf(command), reply);
  if (!command.complexity.empty()) ReplyText("complexity", command.complexity, reply);
  if (!command.history.empty()) {
    reply.Bulk("history");
    reply.Set(command.history.size() / 2);
    for (size_t i = 0; i + 1 < command.history.size(); i += 2) {
      reply.Array(2);
      reply.Bulk(command.history[i]);
      reply.Bulk(command.history[i + 1]);
    }
  }
  if (!command.arguments.empty()) ReplyArguments(command.arguments, reply);
  if (!has_subcommands) return;
  reply.Bulk("subcommands");
  reply.Map(command.subcommands.size());
  for (const Command& subcommand : command.subcommands) {
    reply.Bulk(subcommand.name);
    ReplyDocs(subcommand, reply);
  }
}

void Docs(const Args& args, Session& session, Reply& reply) {
  std::vector<const Command*> commands;
  if (args.size() == 2) {
    commands = TopLevel(session);
  } else {
    for (const std::string_view name : args.subspan(2)) {
      const Command* command = session.server().commands().Find(name).command;
      if (command != nullptr) commands.push_back(command);
    }
  }
  reply.Map(commands.size());
  for (const Command* command : commands) {
    reply.Bulk(command->name);
    ReplyDocs(*command, reply);
  }
}

// COMMAND LIST [FILTERBY MODULE name | ACLCAT category | PATTERN pattern]
void List(const Args& args, Session& session, Reply& reply) {
  if (args.size() != 2 && (args.size() != 5 || !IsWord(args[2], "FILTERBY"))) {
    return reply.Error(kErrSyntax);
  }
  std::vector<std::string_view> names;
  for (const Command* command : session.server().commands().all()) {
    bool shown = args.size() == 2 && command->name.find('|') == std::string_view::npos;
    if (args.size() == 5 && IsWord(args[3], "PATTERN")) {
      shown = GlobMatch(args[4], command->name, /*nocase=*/true);
    } else if (args.size() == 5 && IsWord(args[3], "ACLCAT")) {
      for (const Name& name : kCategoryNames) {
        shown |= (Categories(*command) & name.bit) && name.text.substr(1) == ToLower(args[4]);
      }
    } else if (args.size() == 5 && !IsWord(args[3], "MODULE")) {
      return reply.Error(kErrSyntax);
    }
    if (shown) names.push_back(command->name);
  }
  reply.Set(names.size());
  for (const std::string_view name : names) reply.Bulk(name);
}

void ReplyKeys(const Args& args, bool with_flags, Session& session, Reply& reply) {
  const Args call = args.subspan(2);
  const Command* command = session.server().commands().Resolve(call).command;
  if (command == nullptr) return reply.Error("ERR Invalid command specified");
  const auto count = static_cast<int>(call.size());
  if ((command->arity > 0 && count != command->arity) || count < -command->arity) {
    return reply.Error("ERR Invalid number of arguments specified for command");
  }
  if (command->key_specs.empty()) {
    return reply.Error("ERR The command has no key arguments");
  }
  std::vector<KeyPlace> places;
  if (!FindKeyPlaces(*command, call, &places)) {
    return reply.Error("ERR Invalid arguments specified for command");
  }
  reply.Array(places.size());
  for (const KeyPlace& place : places) {
    if (with_flags) reply.Array(2);
    reply.Bulk(call[place.arg_index]);
    if (!with_flags) continue;
    const std::vector<std::string> flags = SplitWordsOf(place.spec->flags);
    reply.Set(flags.size());
    for (const std::string& flag : flags) reply.Simple(flag);
  }
}

void GetKeys(const Args& args, Session& session, Reply& reply) {
  ReplyKeys(args, false, session, reply);
}
void GetKeysAndFlags(const Args& args, Session& session, Reply& reply) {
  ReplyKeys(args, true, session, reply);
}

void Help(const Args&, Session&, Reply& reply) {
  ReplyHelp("COMMAND",
            {"(no subcommand)", "    Return details about all commands.", "COUNT",
             "    Return the total number of commands in this server.", "LIST",
             "    Return a list of all commands in this server.", "INFO [<command-name> ...]",
             "    Return details about multiple commands.", "DOCS [<command-name> ...]",
             "    Return documentation details about multiple commands.", "GETKEYS <full-command>",
             "    Return the keys from a full command.", "GETKEYSANDFLAGS <full-command>",
             "    Return the keys and the access flags from a full command."},
            reply);
}

// COMMAND alone is a command as well as a container.
void CommandAlone(const Args& args, Session& session, Reply& reply) {
  All(args, session, reply);
}

constexpr uint32_t kFlags = kCmdLoading | kCmdStale;

constexpr Command kSubcommands[] = {
    {.name = "command|count", .arity = 2, .flags = kFlags, .acl = kAclConnection, .session = Count},
    {.name = "command|docs", .arity = -2, .flags = kFlags, .acl = kAclConnection, .session = Docs},
    {.name = "command|getkeys",
     .arity = -3,
     .flags = kFlags,
     .acl = kAclConnection,
     .session = GetKeys},
    {.name = "command|getkeysandflags",
     .arity = -3,
     .flags = kFlags,
     .acl = kAclConnection,
     .session = GetKeysAndFlags},
    {.name = "command|help", .arity = 2, .flags = kFlags, .acl = kAclConnection, .session = Help},
    {.name = "command|info", .arity = -2, .flags = kFlags, .acl = kAclConnection, .session = Info},
    {.name = "command|list", .arity = -2, .flags = kFlags, .acl = kAclConnection, .session = List},
};

constexpr Command kCommands[] = {
    {.name = "command",
     .arity = -1,
     .flags = kFlags,
     .acl = kAclConnection,
     .session = CommandAlone,
     .subcommands = kSubcommands},
};

}  // namespace

std::span<const Command> CommandCommands() {
  return kCommands;
}

}  // namespace hearth
