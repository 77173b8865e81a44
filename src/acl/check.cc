// Tested by tests/src/acl/check_test.cc.
#include "src/acl/check.h"

#include <algorithm>
#include <optional>

#include "src/commands/pubsub.h"
#include "src/commands/sort.h"
#include "src/key_finder.h"

namespace hearth {
namespace {

// What the key specification's flags ask for.
uint8_t AccessOf(const KeySpec& spec) {
  uint8_t access = 0;
  if (spec.flags.find("access") != std::string_view::npos) access |= kAclKeyRead;
  for (const std::string_view change : {"insert", "delete", "update"}) {
    if (spec.flags.find(change) != std::string_view::npos) access |= kAclKeyWrite;
  }
  return access;
}

// The arguments that name channels.
struct Channels {
  size_t first = 0, end = 0;  // end 0: none
  bool are_patterns = false;
};

Channels ChannelsOf(const Command& command, const Args& args) {
  if (command.session == PublishToChannel || command.session == PublishToShardChannel) {
    return {1, 2};
  }
  if (command.session == SubscribeChannels || command.session == SubscribeShardChannels) {
    return {1, args.size()};
  }
  if (command.session == SubscribePatterns) return {1, args.size(), true};
  return {};
}

// One call's keys, found when the first selector asks.
class CallKeys {
 public:
  CallKeys(const Command& command, const Args& args) : command_(command), args_(args) {}

  const std::vector<KeyPlace>& Get() {
    if (!found_) {
      found_ = true;
      // Arguments that do not fit: the command will say so, and touches no key.
      if (!FindKeyPlaces(command_, args_, &places_)) places_.clear();
      std::erase_if(places_, [](const KeyPlace& place) {
        return place.spec->flags.find("not_key") != std::string_view::npos;
      });
    }
    return places_;
  }

 private:
  const Command& command_;
  const Args& args_;
  std::vector<KeyPlace> places_;
  bool found_ = false;
};

AclVerdict CheckSelector(const AclSelector& selector, const Command& command, uint32_t index,
                         const Args& args, CallKeys& keys) {
  if (!selector.AllowsCommand(command, index, args)) return {AclDenial::kCommand, 0};
  if (!selector.all_keys() && (!command.key_specs.empty() || command.places != nullptr)) {
    for (const KeyPlace& place : keys.Get()) {
      if (!selector.AllowsKey(args[place.arg_index], AccessOf(*place.spec))) {
        return {AclDenial::kKey, place.arg_index};
      }
    }
  }
  if (selector.all_channels()) return {};
  const Channels channels = ChannelsOf(command, args);
  for (size_t i = channels.first; i < channels.end; ++i) {
    if (!selector.AllowsChannel(args[i], channels.are_patterns)) {
      return {AclDenial::kChannel, static_cast<uint32_t>(i)};
    }
  }
  return {};
}

}  // namespace

AclVerdict CheckAcl(const AclUser& user, const Command& command, uint32_t command_index,
                    const Args& args) {
  CallKeys keys(command, args);
  AclVerdict worst{AclDenial::kCommand, 0};
  for (const AclSelector& selector : user.selectors()) {
    const AclVerdict verdict = CheckSelector(selector, command, command_index, args, keys);
    if (verdict.allowed()) return verdict;
    if (verdict.denial > worst.denial ||
        (verdict.denial == worst.denial && verdict.arg_index > worst.arg_index)) {
      worst = verdict;
    }
  }
  return worst;
}

std::string_view DeniedUnnamedKeys(const AclUser& user, const Command& command,
                                   uint32_t command_index, const Args& args) {
  if (command.data != Sort && command.data != SortRo) return {};
  const std::string_view denied = FirstSortPatternError(args, command.data == Sort);
  if (denied.empty()) return {};
  CallKeys keys(command, args);
  for (const AclSelector& selector : user.selectors()) {
    if (selector.AllowsEveryKey(kAclKeyRead) &&
        CheckSelector(selector, command, command_index, args, keys).allowed()) {
      return {};
    }
  }
  return denied;
}

std::string AclDenialText(const AclVerdict& verdict, const AclUser& user, const Command& command,
                          const Args& args, bool verbose) {
  if (verdict.denial == AclDenial::kCommand) {
    return "User " + user.name() + " has no permissions to run the '" + std::string(command.name) +
           "' command";
  }
  const std::string what = verdict.denial == AclDenial::kKey ? "key" : "channel";
  if (!verbose) return "No permissions to access a " + what;
  return "User " + user.name() + " has no permissions to access the '" +
         std::string(args[verdict.arg_index]) + "' " + what;
}

bool MayListen(const AclUser& user, std::string_view channel, bool is_pattern) {
  return std::ranges::any_of(user.selectors(), [&](const AclSelector& selector) {
    return selector.AllowsChannel(channel, is_pattern);
  });
}

}  // namespace hearth
