// Tested by tests/src/scripting/script_test.cc.
#include "src/scripting/scripting.h"

#include <openssl/sha.h>

#include "src/slow_log.h"

namespace hearth {

std::vector<std::string> ShownWords(std::span<const std::string_view> words) {
  constexpr size_t kBytesMax = SlowLog::kArgBytesMax;
  const bool is_cut = words.size() > SlowLog::kArgsMax;
  const size_t count = is_cut ? SlowLog::kArgsMax - 1 : words.size();
  std::vector<std::string> shown;
  for (const std::string_view word : words.first(count)) {
    std::string& text = shown.emplace_back(word.substr(0, kBytesMax));
    if (word.size() <= kBytesMax) continue;
    text += "... (" + std::to_string(word.size() - kBytesMax) + " more bytes)";
  }
  if (is_cut) {
    shown.push_back("... (" + std::to_string(words.size() - count) + " more arguments)");
  }
  return shown;
}

std::string Sha1Hex(std::string_view text) {
  constexpr char kDigits[] = "0123456789abcdef";
  unsigned char digest[SHA_DIGEST_LENGTH];
  SHA1(reinterpret_cast<const unsigned char*>(text.data()), text.size(), digest);
  std::string hex(kShaSize, '0');
  for (size_t i = 0; i < sizeof(digest); ++i) {
    hex[2 * i] = kDigits[digest[i] >> 4];
    hex[2 * i + 1] = kDigits[digest[i] & 15];
  }
  return hex;
}

Scripting::Body Scripting::Find(std::string_view sha) {
  std::lock_guard lock(mutex_);
  const auto found = bodies_.find(sha);
  return found == bodies_.end() ? nullptr : found->second.body;
}

void Scripting::Add(const std::string& sha, std::string_view body, bool loaded) {
  std::lock_guard lock(mutex_);
  const auto [entry, is_new] = bodies_.try_emplace(sha);
  if (!is_new) {
    if (loaded && !entry->second.loaded) {
      entry->second.loaded = true;
      std::erase(eval_order_, sha);
    }
    return;
  }
  entry->second = {std::make_shared<const std::string>(body), loaded};
  body_bytes_ += body.size();
  if (loaded) return;
  eval_order_.push_back(sha);
  if (eval_order_.size() <= kEvalBodiesMax) return;
  const auto oldest = bodies_.find(eval_order_.front());
  body_bytes_ -= oldest->second.body->size();
  bodies_.erase(oldest);
  eval_order_.pop_front();
}

void Scripting::Flush() {
  std::lock_guard lock(mutex_);
  bodies_.clear();
  eval_order_.clear();
  body_bytes_ = 0;
  generation_.fetch_add(1, std::memory_order_release);
}

void Scripting::BeginLong(Running running, bool wrote) {
  std::lock_guard lock(running_mutex_);
  is_function_ = running.is_function;
  running_ = std::move(running);
  wrote_ = wrote;
  kill_requested_ = false;
  is_long_ = true;
}

bool Scripting::EndLong() {
  std::lock_guard lock(running_mutex_);
  running_ = {};
  is_long_ = is_busy_ = wrote_ = false;
  return !kill_requested_.exchange(false);
}

bool Scripting::TryBeginWrite() {
  std::lock_guard lock(running_mutex_);
  wrote_ = !kill_requested_;
  return wrote_;
}

Scripting::Running Scripting::running() {
  std::lock_guard lock(running_mutex_);
  return running_;
}

std::string_view Scripting::BusyError() const {
  return is_function_ ? "BUSY Redis is busy running a script. You can only call FUNCTION KILL or "
                        "SHUTDOWN NOSAVE."
                      : "BUSY Redis is busy running a script. You can only call SCRIPT KILL or "
                        "SHUTDOWN NOSAVE.";
}

std::string Scripting::Kill(bool function) {
  std::lock_guard lock(running_mutex_);
  if (!is_long_) return "NOTBUSY No scripts in execution right now.";
  if (wrote_) {
    return "UNKILLABLE Sorry the script already executed write commands against the dataset. You "
           "can either wait the script termination or kill the server in a hard way using the "
           "SHUTDOWN NOSAVE command.";
  }
  if (function != is_function_) return std::string(BusyError());
  kill_requested_ = true;
  return {};
}

size_t Scripting::count() {
  std::lock_guard lock(mutex_);
  return bodies_.size();
}

size_t Scripting::memory_bytes() {
  constexpr size_t kEntryBytes = 160;
  std::lock_guard lock(mutex_);
  return body_bytes_ + bodies_.size() * kEntryBytes;
}

}  // namespace hearth
