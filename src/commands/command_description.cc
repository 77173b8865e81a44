// Tested by tests/src/command_commands_test.cc.
#include "src/commands/command_description.h"

#include <algorithm>
#include <iterator>
#include <sstream>
#include <string>
#include <vector>

#include "src/redis_text.h"

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
                               {kCmdNoMulti, "no_multi"},
                               {kCmdNoMandatoryKeys, "no_mandatory_keys"},
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

std::vector<std::string> Words(std::string_view text) {
  std::istringstream words{std::string(text)};
  return {std::istream_iterator<std::string>(words), {}};
}

void ReplyNames(std::span<const Name> names, uint32_t bits, Reply& reply) {
  size_t count = 0;
  for (const Name& name : names) count += (bits & name.bit) != 0;
  reply.Set(count);
  for (const Name& name : names) {
    if (bits & name.bit) reply.Simple(name.text);
  }
}

void ReplyField(std::string_view name, int64_t value, Reply& reply) {
  reply.Bulk(name);
  reply.Integer(value);
}

void ReplyField(std::string_view name, std::string_view value, Reply& reply) {
  reply.Bulk(name);
  reply.Bulk(value);
}

void ReplyBeginSearch(const KeySpec& spec, Reply& reply) {
  static constexpr std::string_view kTypes[] = {"index", "keyword", "unknown"};
  reply.Map(2);
  ReplyField("type", kTypes[static_cast<size_t>(spec.begin)], reply);
  reply.Bulk("spec");
  if (spec.begin == KeySpec::Begin::kUnknown) return reply.Map(0);
  if (spec.begin == KeySpec::Begin::kIndex) {
    reply.Map(1);
    return ReplyField("index", spec.index, reply);
  }
  reply.Map(2);
  ReplyField("keyword", spec.keyword, reply);
  ReplyField("startfrom", spec.index, reply);
}

void ReplyFindKeys(const KeySpec& spec, Reply& reply) {
  static constexpr std::string_view kTypes[] = {"range", "keynum", "unknown"};
  reply.Map(2);
  ReplyField("type", kTypes[static_cast<size_t>(spec.find)], reply);
  reply.Bulk("spec");
  if (spec.find == KeySpec::Find::kUnknown) return reply.Map(0);
  reply.Map(3);
  if (spec.find == KeySpec::Find::kRange) {
    ReplyField("lastkey", spec.last, reply);
    ReplyField("keystep", spec.step, reply);
    return ReplyField("limit", spec.limit, reply);
  }
  ReplyField("keynumidx", spec.key_num_index, reply);
  ReplyField("firstkey", spec.first_key, reply);
  ReplyField("keystep", spec.step, reply);
}

void ReplyKeySpec(const KeySpec& spec, Reply& reply) {
  reply.Map(spec.notes.empty() ? 3 : 4);
  if (!spec.notes.empty()) ReplyField("notes", spec.notes, reply);
  reply.Bulk("flags");
  ReplyKeyFlags(spec.flags, reply);
  reply.Bulk("begin_search");
  ReplyBeginSearch(spec, reply);
  reply.Bulk("find_keys");
  ReplyFindKeys(spec, reply);
}

// The first-last-step triple that clients used before key specifications: over all ranges that
// begin at an index.
void ReplyKeyRange(const Command& command, Reply& reply) {
  int first = 0, last = 0, step = 0;
  for (const KeySpec& spec : command.key_specs) {
    if (spec.begin != KeySpec::Begin::kIndex || spec.find != KeySpec::Find::kRange) continue;
    const int spec_last = spec.last < 0 ? spec.last : spec.index + spec.last;
    if (first == 0 || spec.index < first) first = spec.index;
    if (last >= 0) last = spec_last < 0 ? spec_last : std::max(last, spec_last);
    step = std::max(step, spec.step);
  }
  reply.Integer(first);
  reply.Integer(last);
  reply.Integer(step);
}

void ReplyArguments(std::span<const ArgDoc> arguments, Reply& reply) {
  reply.Array(arguments.size());
  for (const ArgDoc& argument : arguments) {
    reply.Map(2u + (argument.key_spec_index >= 0) + !argument.token.empty() +
              !argument.since.empty() + !argument.deprecated_since.empty() +
              !argument.flags.empty() + !argument.children.empty());
    ReplyField("name", argument.name, reply);
    ReplyField("type", argument.type, reply);
    if (argument.key_spec_index >= 0) ReplyField("key_spec_index", argument.key_spec_index, reply);
    if (!argument.token.empty()) ReplyField("token", argument.token, reply);
    if (!argument.since.empty()) ReplyField("since", argument.since, reply);
    if (!argument.deprecated_since.empty()) {
      ReplyField("deprecated_since", argument.deprecated_since, reply);
    }
    if (!argument.flags.empty()) {
      const std::vector<std::string> flags = Words(argument.flags);
      reply.Bulk("flags");
      reply.Set(flags.size());
      for (const std::string& flag : flags) reply.Simple(flag);
    }
    if (argument.children.empty()) continue;
    reply.Bulk("arguments");
    ReplyArguments(argument.children, reply);
  }
}

void ReplyHistory(const Command& command, Reply& reply) {
  reply.Bulk("history");
  reply.Set(command.history.size() / 2);
  for (size_t i = 0; i + 1 < command.history.size(); i += 2) {
    reply.Array(2);
    reply.Bulk(command.history[i]);
    reply.Bulk(command.history[i + 1]);
  }
}

}  // namespace

void ReplyKeyFlags(std::string_view flags, Reply& reply) {
  const std::vector<std::string> words = Words(flags);
  reply.Set(words.size());
  for (const std::string& word : words) reply.Simple(word);
}

uint32_t CategoriesOf(const Command& command) {
  uint32_t acl = command.acl;
  if (command.flags & kCmdWrite) acl |= kAclWrite;
  if ((command.flags & kCmdReadonly) && !(acl & kAclScripting)) acl |= kAclRead;
  if (command.flags & kCmdAdmin) acl |= kAclAdmin | kAclDangerous;
  if (command.flags & kCmdPubsub) acl |= kAclPubsub;
  acl |= (command.flags & kCmdFast) ? kAclFast : kAclSlow;
  if (command.flags & kCmdBlocking) acl |= kAclBlocking;
  return acl;
}

std::optional<AclCategory> CategoryNamed(std::string_view name) {
  const std::string lower = ToLower(name);
  for (const Name& category : kCategoryNames) {
    if (category.text.substr(1) == lower) return static_cast<AclCategory>(category.bit);
  }
  return std::nullopt;
}

std::vector<std::string_view> CategoryNames() {
  std::vector<std::string_view> names;
  for (const Name& category : kCategoryNames) names.push_back(category.text.substr(1));
  return names;
}

void ReplyCommandInfo(const Command& command, Reply& reply) {
  reply.Array(10);
  reply.Bulk(command.name);
  reply.Integer(command.arity);
  ReplyNames(kFlagNames, command.flags, reply);
  ReplyKeyRange(command, reply);
  ReplyNames(kCategoryNames, CategoriesOf(command), reply);
  reply.Set(command.tips.size());
  for (const std::string_view tip : command.tips) reply.Bulk(tip);
  reply.Set(command.key_specs.size());
  for (const KeySpec& spec : command.key_specs) ReplyKeySpec(spec, reply);
  reply.Set(command.subcommands.size());
  for (const Command& subcommand : command.subcommands) ReplyCommandInfo(subcommand, reply);
}

void ReplyCommandDocs(const Command& command, Reply& reply) {
  reply.Map(3u + !command.complexity.empty() + !command.doc_flags.empty() +
            !command.deprecated_since.empty() + !command.replaced_by.empty() +
            !command.history.empty() + !command.arguments.empty() + !command.subcommands.empty());
  ReplyField("summary", command.summary, reply);
  ReplyField("since", command.since, reply);
  ReplyField("group", command.group, reply);
  if (!command.complexity.empty()) ReplyField("complexity", command.complexity, reply);
  if (!command.doc_flags.empty()) {
    reply.Bulk("doc_flags");
    reply.Set(1);
    reply.Simple(command.doc_flags);
  }
  if (!command.deprecated_since.empty()) {
    ReplyField("deprecated_since", command.deprecated_since, reply);
  }
  if (!command.replaced_by.empty()) ReplyField("replaced_by", command.replaced_by, reply);
  if (!command.history.empty()) ReplyHistory(command, reply);
  if (!command.arguments.empty()) {
    reply.Bulk("arguments");
    ReplyArguments(command.arguments, reply);
  }
  if (command.subcommands.empty()) return;
  reply.Bulk("subcommands");
  reply.Map(command.subcommands.size());
  for (const Command& subcommand : command.subcommands) {
    reply.Bulk(subcommand.name);
    ReplyCommandDocs(subcommand, reply);
  }
}

}  // namespace hearth
