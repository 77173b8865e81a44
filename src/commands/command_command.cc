// COMMAND: the command table as clients read it. Tested by tests/src/command_commands_test.cc.
#include <algorithm>
#include <string>
#include <vector>

#include "src/commands/command_description.h"
#include "src/commands/groups.h"
#include "src/commands/introspection.h"
#include "src/errors.h"
#include "src/key_finder.h"
#include "src/numbers.h"
#include "src/redis_text.h"
#include "src/server.h"
#include "src/session.h"

namespace hearth {
namespace {

bool IsTopLevel(const Command& command) {
  return command.name.find('|') == std::string_view::npos;
}

std::vector<const Command*> TopLevel(Session& session) {
  std::vector<const Command*> found;
  for (const Command* command : session.server().commands().all()) {
    if (IsTopLevel(*command)) found.push_back(command);
  }
  return found;
}

constexpr std::string_view kIncomplete = " incomplete";  // of a specification, not of a key

// GETKEYS and GETKEYSANDFLAGS of the call in args[2...].
void ReplyKeys(const Args& args, bool with_flags, Session& session, Reply& reply) {
  const Args call = args.subspan(2);
  const Command* command = session.server().commands().Resolve(call).command;
  if (command == nullptr) return reply.Error("ERR Invalid command specified");
  // A shard channel is found like a key, but is none.
  const bool has_keys = std::ranges::any_of(
      command->key_specs, [](const KeySpec& spec) { return spec.flags != "not_key"; });
  if (!has_keys) return reply.Error("ERR The command has no key arguments");
  const auto count = static_cast<int>(call.size());
  if ((command->arity > 0 && count != command->arity) || count < -command->arity) {
    return reply.Error("ERR Invalid number of arguments specified for command");
  }
  std::vector<KeyPlace> places;
  if (!FindKeyPlaces(*command, call, &places) || places.empty()) {
    if (command->flags & kCmdNoMandatoryKeys) return reply.Array(0);
    return reply.Error("ERR Invalid arguments specified for command");
  }
  reply.Array(places.size());
  for (const KeyPlace& place : places) {
    if (with_flags) reply.Array(2);
    reply.Bulk(call[place.arg_index]);
    if (!with_flags) continue;
    std::string_view flags = place.spec->flags;
    if (flags.ends_with(kIncomplete)) flags.remove_suffix(kIncomplete.size());
    ReplyKeyFlags(flags, reply);
  }
}

}  // namespace

// COMMAND alone is a command as well as a container.
void CommandAll(const Args&, Session& session, Reply& reply) {
  const auto commands = TopLevel(session);
  reply.Array(commands.size());
  for (const Command* command : commands) ReplyCommandInfo(*command, reply);
}

void CommandCount(const Args&, Session& session, Reply& reply) {
  reply.Integer(static_cast<int64_t>(TopLevel(session).size()));
}

// COMMAND INFO [name...]
void CommandInfo(const Args& args, Session& session, Reply& reply) {
  if (args.size() == 2) return CommandAll(args, session, reply);
  reply.Array(args.size() - 2);
  for (const std::string_view name : args.subspan(2)) {
    const Command* command = session.server().commands().Find(name).command;
    command == nullptr ? reply.Null() : ReplyCommandInfo(*command, reply);
  }
}

// COMMAND DOCS [name...]
void CommandDocs(const Args& args, Session& session, Reply& reply) {
  std::vector<const Command*> commands;
  if (args.size() == 2) commands = TopLevel(session);
  for (const std::string_view name : args.subspan(2)) {
    const Command* command = session.server().commands().Find(name).command;
    if (command != nullptr) commands.push_back(command);
  }
  reply.Map(commands.size());
  for (const Command* command : commands) {
    reply.Bulk(command->name);
    ReplyCommandDocs(*command, reply);
  }
}

// COMMAND LIST [FILTERBY (MODULE name | ACLCAT category | PATTERN pattern)]
void CommandList(const Args& args, Session& session, Reply& reply) {
  const bool filtered = args.size() == 5 && IsWord(args[2], "FILTERBY");
  const bool by_pattern = filtered && IsWord(args[3], "PATTERN");
  const bool by_category = filtered && IsWord(args[3], "ACLCAT");
  const bool by_module = filtered && IsWord(args[3], "MODULE");
  if (args.size() != 2 && !by_pattern && !by_category && !by_module) {
    return reply.Error(kErrSyntax);
  }
  const auto category = by_category ? CategoryNamed(args[4]) : std::nullopt;
  std::vector<std::string_view> names;
  for (const Command* command : session.server().commands().all()) {
    bool shown = !filtered;
    if (by_pattern) shown = GlobMatch(args[4], command->name, /*nocase=*/true);
    if (by_category) shown = category && (CategoriesOf(*command) & *category);
    if (shown) names.push_back(command->name);
  }
  reply.Array(names.size());
  for (const std::string_view name : names) reply.Bulk(name);
}

void CommandGetKeys(const Args& args, Session& session, Reply& reply) {
  ReplyKeys(args, /*with_flags=*/false, session, reply);
}

void CommandGetKeysAndFlags(const Args& args, Session& session, Reply& reply) {
  ReplyKeys(args, /*with_flags=*/true, session, reply);
}

void CommandHelp(const Args&, Session&, Reply& reply) {
  ReplyHelp("COMMAND",
            {"(no subcommand)", "    Return details about all Redis commands.", "COUNT",
             "    Return the total number of commands in this Redis server.", "LIST",
             "    Return a list of all commands in this Redis server.", "INFO [<command-name> ...]",
             "    Return details about multiple Redis commands.",
             "    If no command names are given, documentation details for all",
             "    commands are returned.", "DOCS [<command-name> ...]",
             "    Return documentation details about multiple Redis commands.",
             "    If no command names are given, documentation details for all",
             "    commands are returned.", "GETKEYS <full-command>",
             "    Return the keys from a full Redis command.", "GETKEYSANDFLAGS <full-command>",
             "    Return the keys and the access flags from a full Redis command."},
            reply);
}

}  // namespace hearth
