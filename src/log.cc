// Tested by tests/src/log_test.cc.
#include "src/log.h"

#include <spdlog/pattern_formatter.h>
#include <spdlog/sinks/basic_file_sink.h>
#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/sinks/syslog_sink.h>
#include <spdlog/spdlog.h>
#include <syslog.h>

#include <iterator>
#include <memory>
#include <mutex>

namespace hearth {
namespace {

// Redis marks the level with one character.
class LevelMark final : public spdlog::custom_flag_formatter {
 public:
  void format(const spdlog::details::log_msg& message, const std::tm&,
              spdlog::memory_buf_t& out) override {
    switch (message.level) {
      case spdlog::level::trace:
        out.push_back('.');
        break;
      case spdlog::level::debug:
        out.push_back('-');
        break;
      case spdlog::level::info:
        out.push_back('*');
        break;
      default:
        out.push_back('#');
    }
  }
  std::unique_ptr<custom_flag_formatter> clone() const override {
    return std::make_unique<LevelMark>();
  }
};

spdlog::level::level_enum ToSpdlog(LogLevel level) {
  switch (level) {
    case LogLevel::kDebug:
      return spdlog::level::trace;
    case LogLevel::kVerbose:
      return spdlog::level::debug;
    case LogLevel::kNotice:
      return spdlog::level::info;
    case LogLevel::kWarning:
      return spdlog::level::warn;
    case LogLevel::kNothing:
      break;
  }
  return spdlog::level::off;
}

std::mutex g_mutex;
std::shared_ptr<spdlog::logger> g_logger;
std::string g_file;
spdlog::sink_ptr g_syslog_sink;  // stays when the file is opened anew

int FacilityNamed(std::string_view name) {
  constexpr int kLocal[] = {LOG_LOCAL0, LOG_LOCAL1, LOG_LOCAL2, LOG_LOCAL3,
                            LOG_LOCAL4, LOG_LOCAL5, LOG_LOCAL6, LOG_LOCAL7};
  if (!name.starts_with("local")) return LOG_USER;
  const auto index = static_cast<size_t>(name.back() - '0');
  return index < std::size(kLocal) ? kLocal[index] : LOG_USER;
}

std::string OpenLog(LogLevel level) {
  spdlog::sink_ptr sink;
  std::string error;
  try {  // spdlog reports a file that cannot be opened so
    if (g_file.empty()) {
      sink = std::make_shared<spdlog::sinks::stdout_sink_mt>();
    } else {
      sink = std::make_shared<spdlog::sinks::basic_file_sink_mt>(g_file);
    }
  } catch (const spdlog::spdlog_ex& failure) {
    error = failure.what();
    sink = std::make_shared<spdlog::sinks::stdout_sink_mt>();
  }
  auto logger = std::make_shared<spdlog::logger>("hearth", std::move(sink));
  if (g_syslog_sink) logger->sinks().push_back(g_syslog_sink);
  auto formatter = std::make_unique<spdlog::pattern_formatter>();
  formatter->add_flag<LevelMark>('*').set_pattern("%P:M %d %b %Y %H:%M:%S.%e %* %v");
  logger->set_formatter(std::move(formatter));
  logger->set_level(ToSpdlog(level));
  logger->flush_on(spdlog::level::trace);
  logger->set_error_handler([](const std::string&) {});  // a full log disk stops nothing
  g_logger = std::move(logger);
  return error;
}

}  // namespace

LogLevel LogLevelNamed(std::string_view name) {
  if (name == "debug") return LogLevel::kDebug;
  if (name == "verbose") return LogLevel::kVerbose;
  if (name == "warning") return LogLevel::kWarning;
  if (name == "nothing") return LogLevel::kNothing;
  return LogLevel::kNotice;
}

std::string SetUpLog(LogLevel level, const std::string& file, const SyslogTarget* syslog_target) {
  std::lock_guard lock(g_mutex);
  g_file = file;
  g_syslog_sink.reset();
  if (syslog_target != nullptr) {
    g_syslog_sink = std::make_shared<spdlog::sinks::syslog_sink_mt>(
        syslog_target->ident, LOG_PID | LOG_NDELAY | LOG_NOWAIT,
        FacilityNamed(syslog_target->facility), /*enable_formatting=*/false);
  }
  return OpenLog(level);
}

void SetLogLevel(LogLevel level) {
  std::lock_guard lock(g_mutex);
  if (g_logger) g_logger->set_level(ToSpdlog(level));
}

void ReopenLog() {
  std::lock_guard lock(g_mutex);
  if (!g_logger || g_file.empty()) return;
  const spdlog::level::level_enum level = g_logger->level();
  (void)OpenLog(LogLevel::kNotice);
  g_logger->set_level(level);
}

void Log(LogLevel level, const std::string& line) {
  std::shared_ptr<spdlog::logger> logger;
  {
    std::lock_guard lock(g_mutex);
    logger = g_logger;
  }
  if (logger) logger->log(ToSpdlog(level), spdlog::string_view_t(line));
}

}  // namespace hearth
