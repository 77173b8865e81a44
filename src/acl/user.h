#pragma once

// AclUser: one user's passwords and permissions, changed by rule words and printed as such.
//
// A user has one or more selectors; a command is allowed when one of them alone allows all of it.
// The first is the user's own, the others stand in parentheses.
//
// Thread:   a plain value; published ones are immutable (see AclUsers).
// Errors:   texts in Redis' words; empty = done. A word that fails changes nothing.
// Limits:   what a client may send; patterns match in O(pattern * text).

#include <bitset>
#include <cstdint>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "src/command_table.h"

namespace hearth {

enum AclKeyAccess : uint8_t { kAclKeyRead = 1, kAclKeyWrite = 2, kAclKeyAll = 3 };

inline constexpr std::string_view kAclUnknownCommand = "Unknown command or category name in ACL";
inline constexpr size_t kAclCommandCountMax = 1024;

// What rule words are read against.
struct AclContext {
  const CommandTable& commands;
  bool all_channels = false;  // acl-pubsub-default: what a new or reset user has
};

class AclSelector {
 public:
  explicit AclSelector(bool all_channels) : all_channels_(all_channels) {}

  [[nodiscard]] std::string_view Apply(std::string_view rule, const AclContext& context);

  bool AllowsEverything() const { return all_commands_ && all_keys_ && all_channels_; }
  bool all_keys() const { return all_keys_; }
  bool all_channels() const { return all_channels_; }
  const std::vector<std::string>& channels() const { return channels_; }
  // args: for rules of a command's first argument.
  bool AllowsCommand(const Command& command, uint32_t index, const Args& args) const;
  // Whether one pattern gives all of the access to the key.
  bool AllowsKey(std::string_view key, uint8_t access) const;
  bool AllowsEveryKey(uint8_t access) const;
  // A pattern of PSUBSCRIBE must be named literally.
  bool AllowsChannel(std::string_view channel, bool is_pattern) const;

  std::string DescribeCommands() const;  // "-@all +get"
  std::string DescribeKeys() const;      // "~a* %R~b"
  std::string DescribeChannels() const;  // "&a &b"
  // All of it as rule words.
  std::string Describe() const;

 private:
  struct KeyPattern {
    std::string pattern;
    uint8_t access;
  };

  std::string_view AddKeyPattern(std::string_view rule);
  std::string_view AddChannel(std::string_view pattern);
  std::string_view AllowCommand(std::string_view name, const CommandTable& commands);
  std::string_view ForbidCommand(std::string_view name, const CommandTable& commands);
  std::string_view ApplyCategory(std::string_view name, bool allow, const CommandTable& commands);
  void SetAllCommands(bool allow);
  // Sets a command's bit, and those of its subcommands.
  void SetCommand(const Command& command, bool allow, const CommandTable& commands);
  void SetBit(uint32_t index, bool allow);
  // Keeps the rule in order, in place of those it makes void.
  void NoteRule(std::string_view name, bool allow);

  bool all_commands_ = false;     // nothing was taken from +@all
  bool future_commands_ = false;  // begins with +@all
  bool all_keys_ = false;
  bool all_channels_;
  std::bitset<kAclCommandCountMax> commands_;
  std::map<uint32_t, std::vector<std::string>> first_args_;
  std::vector<std::string> rules_;  // behind +@all or -@all
  std::vector<KeyPattern> keys_;
  std::vector<std::string> channels_;
};

class AclUser {
 public:
  // Off, without passwords or permissions.
  AclUser(std::string name, uint64_t identity, const AclContext& context);
  // On, without a password, with all permissions.
  static AclUser Default(uint64_t identity, const AclContext& context);

  [[nodiscard]] std::string_view Apply(std::string_view rule, const AclContext& context);

  const std::string& name() const { return name_; }
  // Kept when the user changes, another one when it is deleted and made again.
  uint64_t identity() const { return identity_; }
  bool enabled() const { return enabled_; }
  bool no_password() const { return no_password_; }
  bool skips_sanitizing() const { return skips_sanitizing_; }
  // One selector allows everything.
  bool AllowsEverything() const;
  // Takes the same time for any text of the same length.
  bool PasswordMatches(std::string_view password) const;
  // Lower-case hexadecimal SHA-256.
  const std::vector<std::string>& password_hashes() const { return password_hashes_; }
  // The first is the user's own.
  const std::vector<AclSelector>& selectors() const { return selectors_; }

  std::vector<std::string_view> FlagNames() const;
  // "on nopass ~* &* +@all": what makes the same user.
  std::string Describe() const;

 private:
  std::string_view ApplySelector(std::string_view words, const AclContext& context);
  std::string_view AddPassword(std::string_view rule);
  std::string_view RemovePassword(std::string_view rule);
  void Reset(const AclContext& context);

  std::string name_;
  uint64_t identity_;
  bool enabled_ = false;
  bool no_password_ = false;
  bool skips_sanitizing_ = false;
  std::vector<std::string> password_hashes_;
  std::vector<AclSelector> selectors_;
};

using AclUserPtr = std::shared_ptr<const AclUser>;

// Whether the name can't be a user's, or the text a pattern's: it has a space or a NUL.
bool HasAclSpace(std::string_view text);

// Joins what belongs to one selector: "(+get" "~a)" is one word. False: the parenthesis of
// *unmatched is not closed.
bool MergeAclSelectors(std::span<const std::string> words, std::vector<std::string>* merged,
                       std::string* unmatched);

}  // namespace hearth
