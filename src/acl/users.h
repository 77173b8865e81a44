#pragma once

// AclUsers: all users by name, as immutable snapshots that change as a whole.
//
// A session keeps a pointer to its user and the generation it was read in; only when the
// generation has moved on does it look its user up again. What a change means to connected
// clients is told as an AclChange.
//
// Thread:   any.
// Lifetime: as long as the server; snapshots as long as somebody holds them.
// Errors:   texts in Redis' words, without a code; empty = done. A change that fails changes
//           nothing.

#include <atomic>
#include <cstdint>
#include <map>
#include <mutex>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "src/acl/user.h"

namespace hearth {

// What connected clients have to follow at once.
struct AclChange {
  bool removed = false;            // users are gone: their clients go
  std::vector<uint64_t> narrowed;  // identities of users that may listen to less than before
  bool authentication = false;     // whether new clients must authenticate has changed

  bool concerns_clients() const { return removed || !narrowed.empty() || authentication; }
};

class AclUsers {
 public:
  explicit AclUsers(const CommandTable& commands);

  // Moves on with every change; never 0.
  uint64_t generation() const { return generation_.load(std::memory_order_acquire); }

  AclUserPtr Find(std::string_view name) const;
  AclUserPtr default_user() const { return Find("default"); }
  // Sorted by name.
  std::vector<AclUserPtr> All() const;
  // The default user is on and needs no password: clients need not authenticate.
  bool waives_authentication() const { return waives_.load(std::memory_order_relaxed); }
  // The default user needs no password, be it on or off.
  bool default_has_no_password() const { return no_password_.load(std::memory_order_relaxed); }

  // The user when it is on and the password is one of its own; else null.
  AclUserPtr Authenticate(std::string_view name, std::string_view password) const;

  // ACL SETUSER: all rules or none.
  std::string Set(std::string_view name, std::span<const std::string> rules, AclChange* change);
  // How many of them there were.
  size_t Delete(std::span<const std::string_view> names, AclChange* change);
  // requirepass: "" = none.
  void SetDefaultPassword(std::string_view password, AclChange* change);
  // acl-pubsub-default
  void SetAllChannelsByDefault(bool all_channels) { all_channels_ = all_channels; }

  // A `user` line of the configuration: name and rules. A second one of a name is an error.
  std::string Declare(std::span<const std::string> words);
  // An ACL file: all of it or nothing. `path` stands in the errors.
  std::string Load(std::string_view path, std::string_view contents, AclChange* change);
  // "user alice on ..." for every user.
  std::vector<std::string> Lines() const;

 private:
  using Users = std::map<std::string, AclUserPtr, std::less<>>;

  AclContext context() const { return {commands_, all_channels_.load()}; }
  std::string LoadLine(std::string_view line, const std::string& place, Users* users) const;
  // Requires: the lock. Publishes what was changed.
  void Publish();
  void NoteChange(const AclUser& old_user, const AclUser& new_user, AclChange* change) const;

  const CommandTable& commands_;
  std::atomic<bool> all_channels_{false};
  std::atomic<uint64_t> generation_{1};
  std::atomic<bool> waives_{true}, no_password_{true};
  mutable std::mutex mutex_;
  Users users_;
  mutable std::atomic<uint64_t> next_identity_{1};
  std::vector<std::string> declared_;
};

}  // namespace hearth
