// Tested by tests/src/acl/users_test.cc.
#include "src/acl/users.h"

#include <algorithm>

#include "engine/check.h"

namespace hearth {
namespace {

// Whether the user may listen to all that the other may, as far as the rules themselves tell.
bool MayListenToAllOf(const AclUser& user, const AclUser& other) {
  if (std::ranges::any_of(user.selectors(), &AclSelector::all_channels)) return true;
  for (const AclSelector& selector : other.selectors()) {
    if (selector.all_channels()) return false;
    for (const std::string& channel : selector.channels()) {
      const bool kept = std::ranges::any_of(user.selectors(), [&](const AclSelector& one) {
        return one.AllowsChannel(channel, /*is_pattern=*/true);
      });
      if (!kept) return false;
    }
  }
  return true;
}

std::vector<std::string> SplitAtSpaces(std::string_view line) {
  std::vector<std::string> words;
  for (size_t start = 0; start <= line.size();) {
    const size_t end = std::min(line.find(' ', start), line.size());
    words.emplace_back(line.substr(start, end - start));
    start = end + 1;
  }
  return words;
}

// A rule, or a selector with its rules, as the log may show it.
std::string WithoutPassword(const std::string& rule) {
  constexpr std::string_view kSigns = "<>#!";
  for (size_t i = 0; i < rule.size(); ++i) {
    const bool begins = i == 0 || rule[i - 1] == '(' || rule[i - 1] == ' ';
    if (begins && kSigns.find(rule[i]) != kSigns.npos) return rule.substr(0, i + 1) + "(redacted)";
  }
  return rule;
}

std::string_view Trim(std::string_view text) {
  const size_t first = text.find_first_not_of(" \t\r\n");
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(" \t\r\n") - first + 1);
}

}  // namespace

AclUsers::AclUsers(const CommandTable& commands) : commands_(commands) {
  HEARTH_CHECK(commands.all().size() <= kAclCommandCountMax);
  users_["default"] = std::make_shared<AclUser>(AclUser::Default(next_identity_++, context()));
}

AclUserPtr AclUsers::Find(std::string_view name) const {
  std::lock_guard lock(mutex_);
  const auto found = users_.find(name);
  return found == users_.end() ? nullptr : found->second;
}

std::vector<AclUserPtr> AclUsers::All() const {
  std::lock_guard lock(mutex_);
  std::vector<AclUserPtr> all;
  for (const auto& [name, user] : users_) all.push_back(user);
  return all;
}

AclUserPtr AclUsers::Authenticate(std::string_view name, std::string_view password) const {
  AclUserPtr user = Find(name);
  if (!user || !user->enabled() || !user->PasswordMatches(password)) return nullptr;
  return user;
}

void AclUsers::Publish() {
  const AclUser& user = *users_.find("default")->second;
  no_password_ = user.no_password();
  waives_ = user.no_password() && user.enabled();
  generation_.fetch_add(1, std::memory_order_release);
}

void AclUsers::NoteChange(const AclUser& old_user, const AclUser& new_user,
                          AclChange* change) const {
  if (!MayListenToAllOf(new_user, old_user)) change->narrowed.push_back(old_user.identity());
  change->authentication |=
      old_user.name() == "default" && (old_user.enabled() != new_user.enabled() ||
                                       old_user.no_password() != new_user.no_password());
}

std::string AclUsers::Set(std::string_view name, std::span<const std::string> rules,
                          AclChange* change) {
  std::vector<std::string> merged;
  std::string unmatched;
  if (!MergeAclSelectors(rules, &merged, &unmatched)) {
    return "Unmatched parenthesis in acl selector starting at '" + unmatched + "'.";
  }
  std::lock_guard lock(mutex_);
  const auto found = users_.find(name);
  const AclUserPtr old = found == users_.end() ? nullptr : found->second;
  AclUser user = old ? *old : AclUser(std::string(name), next_identity_++, context());
  for (const std::string& rule : merged) {
    const std::string_view error = user.Apply(rule, context());
    if (!error.empty()) {
      return "Error in ACL SETUSER modifier '" + rule + "': " + std::string(error);
    }
  }
  if (old) NoteChange(*old, user, change);
  users_[std::string(name)] = std::make_shared<AclUser>(std::move(user));
  Publish();
  return {};
}

size_t AclUsers::Delete(std::span<const std::string_view> names, AclChange* change) {
  std::lock_guard lock(mutex_);
  size_t count = 0;
  for (const std::string_view name : names) {
    const auto found = users_.find(name);
    if (found == users_.end() || name == "default") continue;
    users_.erase(found);
    ++count;
  }
  if (count == 0) return 0;
  change->removed = true;
  Publish();
  return count;
}

void AclUsers::SetDefaultPassword(std::string_view password, AclChange* change) {
  const std::string rule = password.empty() ? "nopass" : ">" + std::string(password);
  const std::string rules[] = {"resetpass", rule};
  HEARTH_CHECK(Set("default", rules, change).empty());
}

std::string AclUsers::Declare(std::span<const std::string> words) {
  const auto failed = [](const std::string& word, std::string_view why) {
    return "Error in user declaration '" + WithoutPassword(word) + "': " + std::string(why);
  };
  if (words.empty()) return "wrong number of arguments";
  const std::string& name = words[0];
  if (HasAclSpace(name)) return "Spaces not allowed in ACL usernames";
  std::lock_guard lock(mutex_);
  if (std::ranges::find(declared_, name) != declared_.end()) {
    return failed(name, "Duplicate user found. A user can only be defined once in config files");
  }
  std::vector<std::string> merged;
  std::string unmatched;
  if (!MergeAclSelectors(words.subspan(1), &merged, &unmatched)) {
    return failed(unmatched, "Unmatched parenthesis in selector definition.");
  }
  const auto known = users_.find(name);
  AclUser user(name, known == users_.end() ? next_identity_++ : known->second->identity(),
               context());
  for (const std::string& rule : merged) {
    const std::string_view error = user.Apply(rule, context());
    if (!error.empty()) return failed(rule, error);
  }
  declared_.push_back(name);
  users_[name] = std::make_shared<AclUser>(std::move(user));
  Publish();
  return {};
}

// One line of an ACL file; place = "path:line". Returns what is wrong with it.
std::string AclUsers::LoadLine(std::string_view line, const std::string& place,
                               Users* users) const {
  const std::vector<std::string> words = SplitAtSpaces(line);
  if (words[0] != "user" || words.size() < 2) {
    return place + " should start with user keyword followed by the username. ";
  }
  const std::string& name = words[1];
  if (HasAclSpace(name))
    return "'" + place + ": username '" + name + "' contains invalid characters. ";
  if (users->contains(name)) {
    return "WARNING: Duplicate user '" + name + "' found on line " +
           place.substr(place.rfind(':') + 1) + ". ";
  }
  std::vector<std::string> merged;
  std::string unmatched;
  if (!MergeAclSelectors(std::span(words).subspan(2), &merged, &unmatched)) {
    return place + ": Unmatched parenthesis in selector definition.";
  }
  const AclUserPtr old = Find(name);
  AclUser user(name, old ? old->identity() : next_identity_++, context());
  std::string errors;
  bool has_syntax_error = false;
  for (const std::string& word : merged) {
    const std::string_view rule = Trim(word);
    const std::string_view error = user.Apply(rule, context());
    if (error == kAclUnknownCommand) {
      errors += place + ": Error in applying operation '" + std::string(rule) +
                "': " + std::string(error) + ". ";
    } else if (!error.empty() && !has_syntax_error) {
      errors += place + ": " + std::string(error) + ". ";
      has_syntax_error = true;
    }
  }
  (*users)[name] = std::make_shared<AclUser>(std::move(user));
  return errors;
}

std::string AclUsers::Load(std::string_view path, std::string_view contents, AclChange* change) {
  Users users;
  std::string errors;
  int number = 0;
  for (size_t start = 0; start <= contents.size();) {
    const size_t end = std::min(contents.find('\n', start), contents.size());
    const std::string_view line = Trim(contents.substr(start, end - start));
    start = end + 1;
    ++number;
    if (line.empty()) continue;
    errors += LoadLine(line, std::string(path) + ":" + std::to_string(number), &users);
  }
  if (!errors.empty()) {
    return errors +
           "WARNING: ACL errors detected, no change to the previously active ACL rules was "
           "performed";
  }
  std::lock_guard lock(mutex_);
  const AclUserPtr old_default = users_.find("default")->second;
  if (!users.contains("default")) {
    users["default"] =
        std::make_shared<AclUser>(AclUser::Default(old_default->identity(), context()));
  }
  for (const auto& [name, old] : users_) {
    const auto found = users.find(name);
    if (found == users.end()) {
      change->removed = true;
    } else {
      NoteChange(*old, *found->second, change);
    }
  }
  users_ = std::move(users);
  Publish();
  return {};
}

std::vector<std::string> AclUsers::Lines() const {
  std::vector<std::string> lines;
  for (const AclUserPtr& user : All())
    lines.push_back("user " + user->name() + " " + user->Describe());
  return lines;
}

}  // namespace hearth
