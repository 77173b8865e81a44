// Tested by tests/src/config_commands_test.cc.
#include "src/oom_score.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <mutex>
#include <optional>

#include "src/config.h"
#include "src/log.h"
#include "src/numbers.h"
#include "src/redis_text.h"

namespace hearth {
namespace {

constexpr const char* kPath = "/proc/self/oom_score_adj";
constexpr size_t kValueCount = 3;  // of a primary, a replica, a child
constexpr int64_t kValueMax = 2000;
constexpr int64_t kScoreMax = 1000;  // the kernel's

// The score is the process's, so is what it was.
std::mutex score_mutex;
std::optional<int64_t> score_before;  // nullopt: it is not set by us

std::optional<int64_t> ReadScore() {
  int64_t score = 0;
  if (std::ifstream(kPath) >> score) return score;
  return std::nullopt;
}

bool WriteScore(int64_t score) {
  const std::string text = std::to_string(score);
  const int fd = ::open(kPath, O_WRONLY | O_CLOEXEC);
  const bool good =
      fd >= 0 && ::write(fd, text.data(), text.size()) == static_cast<ssize_t>(text.size());
  const int error = errno;
  if (fd >= 0) ::close(fd);
  if (!good) {
    Log(LogLevel::kWarning, "Unable to write " + std::string(kPath) + ": " + std::strerror(error));
  }
  return good;
}

}  // namespace

std::string CheckOomScores(const std::string& text) {
  const auto words = SplitWords(text);
  if (!words || words->size() != kValueCount) return "wrong number of arguments";
  for (const std::string& word : *words) {
    const auto value = ParseInt64(word);
    if (!value || *value < -kValueMax || *value > kValueMax) {
      return "Invalid oom-score-adj-values, elements must be between -2000 and 2000.";
    }
  }
  return {};
}

std::string ApplyOomScore(const Config& config, bool is_replica) {
  const std::string mode = config.Text("oom-score-adj");
  const std::string values = config.Text("oom-score-adj-values");
  if (!CheckOomScores(values).empty()) return {};
  std::lock_guard lock(score_mutex);
  if (mode == "no" && !score_before) return {};
  int64_t score = score_before.value_or(0);
  if (mode != "no") {
    if (!score_before) score_before = ReadScore();
    score = *ParseInt64((*SplitWords(values))[is_replica ? 1 : 0]);
    if (mode != "absolute") score += score_before.value_or(0);
  }
  if (!WriteScore(std::clamp(score, -kScoreMax, kScoreMax))) {
    return "Failed to apply new oom_score_adj configuration, check server logs.";
  }
  if (mode == "no") score_before.reset();
  return {};
}

}  // namespace hearth
