// Tested by tests/src/recovery_test.cc and tests/recovery/recovery_test.py.
#include "src/recovery.h"

#include <ctime>
#include <filesystem>

#include "engine/checkpoint.h"
#include "engine/snapshot_copy.h"
#include "engine/watermark.h"
#include "src/config.h"
#include "src/engine_options.h"
#include "src/log.h"
#include "src/numbers.h"

namespace hearth {
namespace {

constexpr uint64_t kRowsBetweenLogs = 5'000'000;
constexpr char kMarkName[] = "/RECOVERING";
constexpr size_t kShownBytesMax = 2000;  // of the group that was left out

// What RECOVERING holds. A recovery ends with a new history: who finds that the store's is another
// than this, and goes on from it, was only to remove the mark.
std::string MarkText(const std::string& history_id) {
  return "until the recovery of the history " + history_id + " has ended\n";
}

bool HasEnded(const std::string& dir, Engine& engine) {
  std::string text;
  const std::string before = engine.log().history().id2;
  return !before.empty() &&
         ReadWholeFile(rocksdb::FileSystem::Default().get(), dir + kMarkName, &text).ok() &&
         text == MarkText(before);
}

// As ParseRecoveryTarget reads it.
std::string TimeText(uint64_t unix_ms) {
  const auto seconds = static_cast<time_t>(unix_ms / 1000);
  tm utc{};
  gmtime_r(&seconds, &utc);
  char text[64];
  const size_t size = std::strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%S", &utc);
  std::snprintf(text + size, sizeof(text) - size, ".%03uZ", static_cast<unsigned>(unix_ms % 1000));
  return text;
}

std::optional<uint64_t> ParseTime(std::string_view text) {
  if (!text.ends_with('Z')) return std::nullopt;
  const std::string whole(text.substr(0, text.size() - 1));
  tm utc{};
  const char* rest = ::strptime(whole.c_str(), "%Y-%m-%dT%H:%M:%S", &utc);
  if (rest == nullptr) return std::nullopt;
  uint64_t fraction_ms = 0;
  if (*rest == '.') {
    const std::string digits(rest + 1);
    if (digits.empty() || digits.size() > 3 ||
        digits.find_first_not_of("0123456789") != digits.npos)
      return std::nullopt;
    fraction_ms = std::stoul((digits + "00").substr(0, 3));
  } else if (*rest != '\0') {
    return std::nullopt;
  }
  const time_t seconds = ::timegm(&utc);
  if (seconds < 0) return std::nullopt;
  return static_cast<uint64_t>(seconds) * 1000 + fraction_ms;
}

void LogReport(const RecoveryReport& report, const std::string& dir) {
  Log(LogLevel::kNotice, "Recovered " + dir + " from sequence " + std::to_string(report.begin_seq) +
                             " to " + std::to_string(report.end_seq) + " of " +
                             TimeText(report.end_ms) + ", " + std::to_string(report.group_count) +
                             " groups");
  if (!report.reached_target) {
    Log(LogLevel::kNotice, std::string("The write-ahead log ends there") +
                               (report.is_torn ? ", within a group that is not whole" : ""));
    return;
  }
  Log(LogLevel::kNotice,
      "The first group that was left out is of " + TimeText(report.next_ms) + ":");
  std::string_view text = report.next_text;
  const bool is_long = text.size() > kShownBytesMax;
  if (is_long) text = text.substr(0, kShownBytesMax);
  while (!text.empty()) {
    const size_t end = text.find('\n');
    Log(LogLevel::kNotice, "  " + std::string(text.substr(0, end)));
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
  }
  if (is_long) Log(LogLevel::kNotice, "  ...");
}

}  // namespace

std::optional<RecoveryTarget> ParseRecoveryTarget(std::string_view text) {
  RecoveryTarget target;
  if (text == "end") return target;
  if (text == "flush") {
    target.before_flush = true;
    return target;
  }
  if (const auto seq = ParseInt64(text); seq && *seq >= 0) {
    target.seq = static_cast<uint64_t>(*seq);
    return target;
  }
  const auto time_ms = ParseTime(text);
  if (!time_ms) return std::nullopt;
  target.commit_ms = *time_ms;
  return target;
}

bool WantsRecovery(const Config& config) {
  return !config.Text("recover-wal").empty() || config.Text("recover-until") != "end";
}

std::string RefuseCutRecovery(const std::string& dir) {
  const std::string mark = dir + kMarkName;
  std::error_code error;
  if (!std::filesystem::exists(mark, error)) return {};
  return "The store in " + dir + " is what a recovery left that did not come to its end: run it " +
         "again with recover-wal, or remove " + mark + " to serve what was recovered";
}

std::string Recover(const Config& config) {
  const std::string wal_dir = config.Text("recover-wal");
  if (wal_dir.empty()) return "recover-until needs recover-wal";
  const auto target = ParseRecoveryTarget(config.Text("recover-until"));
  if (!target) {
    return "recover-until is none of: end, flush, a sequence, a time as 2026-01-31T23:59:59Z";
  }
  EngineOptions options = EngineOptionsOf(config);
  if (Status status = PrepareDataDir(config.Text("dir"), &options.store.dir); !status.ok()) {
    return status.message();
  }
  const std::string dir = options.store.dir;
  std::error_code error;
  if (!std::filesystem::exists(dir + "/CURRENT", error)) return "There is no store in " + dir;
  for (const std::string& own : {dir, options.store.wal_dir}) {
    if (!own.empty() && std::filesystem::equivalent(own, wal_dir, error)) {
      return "recover-wal names the log of the store itself: recover a snapshot of it";
    }
  }
  if (!std::filesystem::is_directory(wal_dir, error)) return "There is no directory " + wal_dir;
  const std::string mark = dir + kMarkName;
  const bool goes_on = std::filesystem::exists(mark, error);
  if (!goes_on && dir != config.Text("dir") && !IsSnapshotCopy(dir)) {
    return dir + " is a copy of " + config.Text("dir") + " that was recovered or served already, " +
           "and has a history of its own: remove it to begin from the snapshot again";
  }
  options.replica = true;
  options.warm_on_start = false;
  std::unique_ptr<Engine> engine;
  if (Status status = Engine::Open(std::move(options), &engine); !status.ok()) {
    return status.message();
  }
  const bool has_ended = goes_on && HasEnded(dir, *engine);
  if (!has_ended) {
    if (Status status = WriteFileAtomically(rocksdb::FileSystem::Default().get(), dir,
                                            kMarkName + 1, MarkText(engine->log().history().id));
        !status.ok()) {
      return status.message();
    }
  }
  Log(LogLevel::kNotice, "Recovering " + dir + " by the write-ahead log in " + wal_dir + " until " +
                             config.Text("recover-until"));
  RecoveryReport report;
  report.end_seq = engine->log().committed_seq();
  uint64_t logged_seq = report.end_seq;
  const auto progress = [&](uint64_t seq) {
    if (seq - logged_seq < kRowsBetweenLogs) return;
    logged_seq = seq;
    Log(LogLevel::kNotice, "Recovering: at sequence " + std::to_string(seq));
  };
  Status status;
  if (has_ended) {
    EndSnapshotCopy(dir);
    status = engine->store().Flush(/*wait=*/true);
  } else {
    status = RecoverFromWal(*engine, wal_dir, *target, progress, &report);
  }
  // As a replica it kept files for replicas of its own, of what it was.
  if (const Status off = engine->feed().SetActive(false); !off.ok()) {
    Log(LogLevel::kWarning, "Retained write-ahead logs can't be removed: " + off.message());
  }
  const Status shutdown = engine->Shutdown();
  if (!status.ok()) {
    return "The recovery stopped behind sequence " + std::to_string(report.end_seq) + ": " +
           status.message();
  }
  if (!shutdown.ok()) return shutdown.message();
  std::filesystem::remove(mark, error);
  if (error) return "cannot remove " + mark + ": " + error.message();
  if (Status synced = SyncPath(dir); !synced.ok()) return synced.message();
  if (has_ended) {
    Log(LogLevel::kNotice, "A run before this one had recovered " + dir + " up to sequence " +
                               std::to_string(engine->log().history().id2_seq));
  } else {
    LogReport(report, dir);
  }
  return {};
}

}  // namespace hearth
