// What a selector allows, and its rule words. Tested by tests/src/acl/user_test.cc.
#include <algorithm>

#include "src/acl/user.h"
#include "src/commands/command_description.h"
#include "src/numbers.h"
#include "src/redis_text.h"

namespace hearth {
namespace {

constexpr std::string_view kSyntax = "Syntax error";
constexpr std::string_view kAfterAllKeys =
    "Adding a pattern after the * pattern (or the 'allkeys' flag) is not valid and does not have "
    "any effect. Try 'resetkeys' to start with an empty list of patterns";
constexpr std::string_view kAfterAllChannels =
    "Adding a pattern after the * pattern (or the 'allchannels' flag) is not valid and does not "
    "have any effect. Try 'resetchannels' to start with an empty list of channels";
constexpr std::string_view kFirstArgOfSubcommand =
    "Allowing first-arg of a subcommand is not supported";

bool EqualsNoCase(std::string_view a, std::string_view b) {
  return a.size() == b.size() && ToLower(a) == ToLower(b);
}

// "RW" up to the '~' of "%RW~pattern": the access and the pattern's place. False: a syntax error.
bool ParseAccess(std::string_view rule, uint8_t* access, size_t* pattern_at) {
  *access = 0;
  for (size_t i = 1; i < rule.size(); ++i) {
    const char c = rule[i];
    if (c == '~') {
      *pattern_at = i + 1;
      return *access != 0;
    }
    const uint8_t bit = c == 'R' || c == 'r'   ? kAclKeyRead
                        : c == 'W' || c == 'w' ? kAclKeyWrite
                                               : 0;
    if (bit == 0 || (*access & bit) != 0) return false;
    *access |= bit;
  }
  *pattern_at = rule.size();  // as Redis: "%R" is the empty pattern
  return *access != 0;
}

std::string_view AccessPrefix(uint8_t access, std::string_view pattern, bool is_alone) {
  // "~*" would read back as allkeys, behind or before which no pattern may stand.
  if (access == kAclKeyAll && pattern == "*" && !is_alone) return "%RW~";
  return access == kAclKeyAll ? "~" : access == kAclKeyRead ? "%R~" : "%W~";
}

}  // namespace

bool HasAclSpace(std::string_view text) {
  return text.find_first_of(std::string_view(" \t\n\v\f\r\0", 7)) != std::string_view::npos;
}

std::string_view AclSelector::Apply(std::string_view rule, const AclContext& context) {
  if (IsWord(rule, "ALLKEYS") || rule == "~*" || IsWord(rule, "RESETKEYS")) {
    all_keys_ = !IsWord(rule, "RESETKEYS");
    keys_.clear();
  } else if (IsWord(rule, "ALLCHANNELS") || rule == "&*" || IsWord(rule, "RESETCHANNELS")) {
    all_channels_ = !IsWord(rule, "RESETCHANNELS");
    channels_.clear();
  } else if (IsWord(rule, "ALLCOMMANDS") || IsWord(rule, "+@ALL")) {
    SetAllCommands(true);
  } else if (IsWord(rule, "NOCOMMANDS") || IsWord(rule, "-@ALL")) {
    SetAllCommands(false);
  } else if (rule.starts_with('~') || rule.starts_with('%')) {
    return AddKeyPattern(rule);
  } else if (rule.starts_with('&')) {
    return AddChannel(rule.substr(1));
  } else if (rule.starts_with("+@") || rule.starts_with("-@")) {
    return ApplyCategory(rule.substr(2), rule[0] == '+', context.commands);
  } else if (rule.starts_with('+')) {
    return AllowCommand(rule.substr(1), context.commands);
  } else if (rule.starts_with('-')) {
    return ForbidCommand(rule.substr(1), context.commands);
  } else {
    return kSyntax;
  }
  return {};
}

std::string_view AclSelector::AddKeyPattern(std::string_view rule) {
  if (all_keys_) return kAfterAllKeys;
  uint8_t access = kAclKeyAll;
  size_t pattern_at = 1;
  if (rule[0] == '%' && !ParseAccess(rule, &access, &pattern_at)) return kSyntax;
  const std::string_view pattern = rule.substr(pattern_at);
  if (HasAclSpace(pattern)) return kSyntax;
  const auto known = std::ranges::find(keys_, pattern, &KeyPattern::pattern);
  if (known != keys_.end()) {
    known->access |= access;
  } else {
    keys_.push_back({std::string(pattern), access});
  }
  return {};
}

std::string_view AclSelector::AddChannel(std::string_view pattern) {
  if (all_channels_) return kAfterAllChannels;
  if (HasAclSpace(pattern)) return kSyntax;
  if (std::ranges::find(channels_, pattern) == channels_.end()) channels_.emplace_back(pattern);
  return {};
}

// "get", "config|get", or "select|0": a first argument of a command that is forbidden as a whole.
std::string_view AclSelector::AllowCommand(std::string_view name, const CommandTable& commands) {
  const size_t bar = name.rfind('|');
  if (bar == std::string_view::npos) {
    const Command* command = commands.FindOriginal(name).command;
    if (command == nullptr) return kAclUnknownCommand;
    SetCommand(*command, true, commands);
    NoteRule(command->name, true);
    return {};
  }
  const CommandTable::Found container = commands.FindOriginal(name.substr(0, bar));
  if (container.command == nullptr) return kAclUnknownCommand;
  if (container.command->name.find('|') != std::string_view::npos) return kFirstArgOfSubcommand;
  const std::string_view argument = name.substr(bar + 1);
  if (argument.empty() || HasAclSpace(argument)) return kSyntax;
  if (container.command->subcommands.empty()) {
    std::vector<std::string>& known = first_args_[container.index];
    if (std::ranges::none_of(known, [&](auto& one) { return EqualsNoCase(one, argument); })) {
      known.emplace_back(argument);
    }
  } else {
    const Command* command = commands.FindOriginal(name).command;
    if (command == nullptr) return kAclUnknownCommand;
    SetCommand(*command, true, commands);
  }
  NoteRule(name, true);
  return {};
}

std::string_view AclSelector::ForbidCommand(std::string_view name, const CommandTable& commands) {
  const Command* command = commands.FindOriginal(name).command;
  if (command == nullptr) return kAclUnknownCommand;
  SetCommand(*command, false, commands);
  NoteRule(command->name, false);
  return {};
}

std::string_view AclSelector::ApplyCategory(std::string_view name, bool allow,
                                            const CommandTable& commands) {
  const auto category = CategoryNamed(name);
  if (!category) return kAclUnknownCommand;
  NoteRule("@" + std::string(name), allow);
  for (const Command* command : commands.all()) {
    if (CategoriesOf(*command) & *category) SetCommand(*command, allow, commands);
  }
  return {};
}

void AclSelector::SetAllCommands(bool allow) {
  allow ? commands_.set() : commands_.reset();
  all_commands_ = future_commands_ = allow;
  rules_.clear();
  first_args_.clear();
}

void AclSelector::SetBit(uint32_t index, bool allow) {
  commands_.set(index, allow);
  first_args_.erase(index);
  if (!allow) all_commands_ = false;
}

void AclSelector::SetCommand(const Command& command, bool allow, const CommandTable& commands) {
  SetBit(commands.FindOriginal(command.name).index, allow);
  for (const Command& subcommand : command.subcommands) {
    SetBit(commands.FindOriginal(subcommand.name).index, allow);
  }
}

void AclSelector::NoteRule(std::string_view name, bool allow) {
  const std::string lower = ToLower(name);
  std::erase_if(rules_, [&](const std::string& rule) {
    const std::string_view old = std::string_view(rule).substr(1);
    return old == lower || old.starts_with(lower + "|");
  });
  rules_.push_back((allow ? "+" : "-") + lower);
}

bool AclSelector::AllowsCommand(const Command& command, uint32_t index, const Args& args) const {
  if (all_commands_ || (command.flags & kCmdNoAuth) || commands_.test(index)) return true;
  if (first_args_.empty() || args.size() < 2) return false;
  const auto allowed = first_args_.find(index);
  return allowed != first_args_.end() &&
         std::ranges::any_of(allowed->second, [&](const std::string& argument) {
           return EqualsNoCase(argument, args[1]);
         });
}

bool AclSelector::AllowsKey(std::string_view key, uint8_t access) const {
  return all_keys_ || std::ranges::any_of(keys_, [&](const KeyPattern& known) {
           return (known.access & access) == access && GlobMatch(known.pattern, key);
         });
}

bool AclSelector::AllowsEveryKey(uint8_t access) const {
  return all_keys_ || std::ranges::any_of(keys_, [&](const KeyPattern& known) {
           return known.pattern == "*" && (known.access & access) == access;
         });
}

bool AclSelector::AllowsChannel(std::string_view channel, bool is_pattern) const {
  return all_channels_ || std::ranges::any_of(channels_, [&](const std::string& known) {
           return is_pattern ? known == channel : GlobMatch(known, channel);
         });
}

std::string AclSelector::DescribeCommands() const {
  std::string text = future_commands_ ? "+@all" : "-@all";
  for (const std::string& rule : rules_) text += " " + rule;
  return text;
}

std::string AclSelector::DescribeKeys() const {
  if (all_keys_) return "~*";
  std::string text;
  for (const KeyPattern& known : keys_) {
    text += (text.empty() ? "" : " ") +
            std::string(AccessPrefix(known.access, known.pattern, keys_.size() == 1)) +
            known.pattern;
  }
  return text;
}

std::string AclSelector::DescribeChannels() const {
  if (all_channels_) return "&*";
  std::string text;
  for (const std::string& channel : channels_) text += (text.empty() ? "&" : " &") + channel;
  return text;
}

std::string AclSelector::Describe() const {
  const std::string keys = DescribeKeys(), channels = DescribeChannels();
  return keys + (keys.empty() ? "" : " ") + (all_channels_ ? "" : "resetchannels ") + channels +
         (channels.empty() ? "" : " ") + DescribeCommands();
}

}  // namespace hearth
