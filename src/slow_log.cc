// Tested by tests/src/slow_log_test.cc.
#include "src/slow_log.h"

#include "src/numbers.h"
#include "src/redis_text.h"

namespace hearth {
namespace {

std::string Shorten(std::string_view arg) {
  if (arg.size() <= SlowLog::kArgBytesMax) return std::string(arg);
  return std::string(arg.substr(0, SlowLog::kArgBytesMax)) + "... (" +
         std::to_string(arg.size() - SlowLog::kArgBytesMax) + " more bytes)";
}

// MIGRATE's AUTH password, and AUTH2 user password; what stands behind KEYS is a key.
bool IsSecretOfMigrate(const Args& args, size_t index) {
  constexpr size_t kFirstOption = 6;
  for (size_t i = kFirstOption; i < index; ++i) {
    if (IsWord(args[i], "KEYS")) return false;
    const size_t secret_count = IsWord(args[i], "AUTH2") ? 2 : IsWord(args[i], "AUTH") ? 1 : 0;
    if (index <= i + secret_count) return true;
    i += secret_count;
  }
  return false;
}

}  // namespace

bool IsSecretArgument(const Args& args, size_t index) {
  if (index == 0) return false;
  if (IsWord(args[0], "AUTH")) return true;
  if (IsWord(args[0], "HELLO")) {
    return (index >= 2 && IsWord(args[index - 1], "AUTH")) ||
           (index >= 3 && IsWord(args[index - 2], "AUTH"));
  }
  if (IsWord(args[0], "MIGRATE")) return IsSecretOfMigrate(args, index);
  if (IsWord(args[0], "ACL")) return args.size() > 1 && IsWord(args[1], "SETUSER") && index >= 2;
  if (!IsWord(args[0], "CONFIG") || index < 3) return false;
  const std::string name = ToLower(args[index - 1]);
  return name == "requirepass" || name == "masterauth" || name == "masteruser" ||
         name == "primaryauth" || name == "primaryuser" || name.ends_with("-file-pass");
}

void SlowLog::Configure(int64_t threshold_us, size_t count_max) {
  threshold_us_ = threshold_us;
  std::lock_guard lock(mutex_);
  count_max_ = count_max;
  while (entries_.size() > count_max_) entries_.pop_back();
}

void SlowLog::Add(int64_t at_s, uint64_t took_us, const Args& args, std::string_view address,
                  std::string_view client_name) {
  Entry entry{.id = 0,
              .at_s = at_s,
              .took_us = took_us,
              .args = {},
              .address = std::string(address),
              .client_name = std::string(client_name)};
  const bool cut = args.size() > kArgsMax;
  const size_t kept = cut ? kArgsMax - 1 : args.size();
  for (size_t i = 0; i < kept; ++i) {
    entry.args.push_back(IsSecretArgument(args, i) ? std::string(kRedacted) : Shorten(args[i]));
  }
  if (cut) entry.args.push_back("... (" + std::to_string(args.size() - kept) + " more arguments)");
  std::lock_guard lock(mutex_);
  if (count_max_ == 0) return;
  entry.id = next_id_++;
  entries_.push_front(std::move(entry));
  if (entries_.size() > count_max_) entries_.pop_back();
}

std::vector<SlowLog::Entry> SlowLog::Latest(size_t count_max) const {
  std::lock_guard lock(mutex_);
  const size_t count = std::min(count_max, entries_.size());
  return {entries_.begin(), entries_.begin() + static_cast<ptrdiff_t>(count)};
}

size_t SlowLog::count() const {
  std::lock_guard lock(mutex_);
  return entries_.size();
}

void SlowLog::Reset() {
  std::lock_guard lock(mutex_);
  entries_.clear();
}

}  // namespace hearth
