#pragma once

// Log: the server's log, through spdlog, in Redis' line format:
// `<pid>:M 21 Nov 2026 02:37:01.123 * message`; in the system's log beside it, the message alone.
//
// Thread: any.
// Errors: a log that cannot be written is dropped, never fatal; SetUpLog tells.

#include <string>
#include <string_view>

namespace hearth {

enum class LogLevel { kDebug, kVerbose, kNotice, kWarning, kNothing };

// Redis' names: debug, verbose, notice, warning, nothing.
LogLevel LogLevelNamed(std::string_view name);

// Where the system's log puts the lines.
struct SyslogTarget {
  std::string ident;
  std::string facility;  // "user" or "local0" to "local7"; others are "user"
};

// file empty = standard output. Returns an error text, empty when the log can be written.
std::string SetUpLog(LogLevel level, const std::string& file,
                     const SyslogTarget* syslog_target = nullptr);
void SetLogLevel(LogLevel level);
// Opens the file anew (after a rotation).
void ReopenLog();

void Log(LogLevel level, const std::string& line);

}  // namespace hearth
