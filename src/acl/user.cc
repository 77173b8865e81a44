// Tested by tests/src/acl/user_test.cc.
#include "src/acl/user.h"

#include <openssl/crypto.h>
#include <openssl/sha.h>

#include <algorithm>
#include <array>

#include "engine/check.h"
#include "src/numbers.h"
#include "src/redis_text.h"

namespace hearth {
namespace {

constexpr std::string_view kSyntax = "Syntax error";
constexpr std::string_view kNoSuchPassword =
    "The password you are trying to remove from the user does not exist";
constexpr std::string_view kBadHash =
    "The password hash must be exactly 64 characters and contain only lowercase hexadecimal "
    "characters";
constexpr size_t kHashTextSize = 2 * SHA256_DIGEST_LENGTH;

std::string HashOf(std::string_view password) {
  std::array<unsigned char, SHA256_DIGEST_LENGTH> digest;
  SHA256(reinterpret_cast<const unsigned char*>(password.data()), password.size(), digest.data());
  std::string text;
  for (const unsigned char byte : digest) {
    text += "0123456789abcdef"[byte >> 4];
    text += "0123456789abcdef"[byte & 15];
  }
  return text;
}

bool IsHash(std::string_view text) {
  return text.size() == kHashTextSize &&
         text.find_first_not_of("0123456789abcdef") == std::string_view::npos;
}

}  // namespace

AclUser::AclUser(std::string name, uint64_t identity, const AclContext& context)
    : name_(std::move(name)), identity_(identity), selectors_{AclSelector(context.all_channels)} {}

AclUser AclUser::Default(uint64_t identity, const AclContext& context) {
  AclUser user("default", identity, context);
  for (const char* rule : {"+@all", "~*", "&*", "on", "nopass"}) {
    HEARTH_CHECK(user.Apply(rule, context).empty());
  }
  return user;
}

std::string_view AclUser::Apply(std::string_view rule, const AclContext& context) {
  if (rule.empty()) return {};
  if (IsWord(rule, "ON") || IsWord(rule, "OFF")) {
    enabled_ = IsWord(rule, "ON");
  } else if (IsWord(rule, "NOPASS") || IsWord(rule, "RESETPASS")) {
    no_password_ = IsWord(rule, "NOPASS");
    password_hashes_.clear();
  } else if (IsWord(rule, "SKIP-SANITIZE-PAYLOAD") || IsWord(rule, "SANITIZE-PAYLOAD")) {
    skips_sanitizing_ = IsWord(rule, "SKIP-SANITIZE-PAYLOAD");
  } else if (rule[0] == '>' || rule[0] == '#') {
    return AddPassword(rule);
  } else if (rule[0] == '<' || rule[0] == '!') {
    return RemovePassword(rule);
  } else if (rule.size() >= 2 && rule.front() == '(' && rule.back() == ')') {
    return ApplySelector(rule.substr(1, rule.size() - 2), context);
  } else if (IsWord(rule, "CLEARSELECTORS")) {
    selectors_.erase(selectors_.begin() + 1, selectors_.end());
  } else if (IsWord(rule, "RESET")) {
    Reset(context);
  } else {
    return selectors_[0].Apply(rule, context);
  }
  return {};
}

std::string_view AclUser::ApplySelector(std::string_view words, const AclContext& context) {
  AclSelector selector(context.all_channels);
  const auto rules = SplitWords(words);
  if (!rules) return kSyntax;
  for (const std::string& rule : *rules) {
    const std::string_view error = selector.Apply(rule, context);
    if (!error.empty()) return error;
  }
  selectors_.push_back(std::move(selector));
  return {};
}

std::string_view AclUser::AddPassword(std::string_view rule) {
  const std::string_view text = rule.substr(1);
  if (rule[0] == '#' && !IsHash(text)) return kBadHash;
  std::string hash = rule[0] == '#' ? std::string(text) : HashOf(text);
  if (std::ranges::find(password_hashes_, hash) == password_hashes_.end()) {
    password_hashes_.push_back(std::move(hash));
  }
  no_password_ = false;
  return {};
}

std::string_view AclUser::RemovePassword(std::string_view rule) {
  const std::string_view text = rule.substr(1);
  if (rule[0] == '!' && !IsHash(text)) return kBadHash;
  return std::erase(password_hashes_, rule[0] == '!' ? std::string(text) : HashOf(text)) > 0
             ? std::string_view()
             : kNoSuchPassword;
}

void AclUser::Reset(const AclContext& context) {
  *this = AclUser(std::move(name_), identity_, context);
}

bool AclUser::AllowsEverything() const {
  return std::ranges::any_of(selectors_, &AclSelector::AllowsEverything);
}

bool AclUser::PasswordMatches(std::string_view password) const {
  if (no_password_) return true;
  const std::string hash = HashOf(password);
  bool matches = false;
  for (const std::string& known : password_hashes_) {
    matches |= CRYPTO_memcmp(known.data(), hash.data(), kHashTextSize) == 0;
  }
  return matches;
}

std::vector<std::string_view> AclUser::FlagNames() const {
  std::vector<std::string_view> names{enabled_ ? "on" : "off"};
  if (no_password_) names.push_back("nopass");
  names.push_back(skips_sanitizing_ ? "skip-sanitize-payload" : "sanitize-payload");
  return names;
}

std::string AclUser::Describe() const {
  std::string text;
  for (const std::string_view flag : FlagNames()) text += std::string(flag) + " ";
  for (const std::string& hash : password_hashes_) text += "#" + hash + " ";
  text += selectors_[0].Describe();
  for (size_t i = 1; i < selectors_.size(); ++i) text += " (" + selectors_[i].Describe() + ")";
  return text;
}

bool MergeAclSelectors(std::span<const std::string> words, std::vector<std::string>* merged,
                       std::string* unmatched) {
  bool open = false;
  for (const std::string& word : words) {
    if (open) {
      merged->back() += " " + word;
      open = !word.ends_with(')');
    } else {
      merged->push_back(word);
      open = word.starts_with('(') && !word.ends_with(')');
      if (open) *unmatched = word;
    }
  }
  return !open;
}

}  // namespace hearth
