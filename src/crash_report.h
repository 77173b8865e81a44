#pragma once

// A crash leaves a report at the end of the log: the signal, the check or exception that ended the
// program, the thread, its stack and the command it ran (`crash-log-enabled`; without the command's
// arguments: `hide-user-data-from-log`). Then the signal has its usual effect, so that a core is
// dumped as the system is set up to.
//
// Thread: InstallCrashReport before any other thread; EnableCrashReport any.
// Limits: none of a thread that has run out of its stack. A report that takes longer than 10 s is
//         given up, and ends the process.

#include <cstdint>
#include <string>

#include "src/command.h"

namespace hearth {

// The command that its thread runs, for the report. What the words are in outlives it.
class RunningCommand {
 public:
  RunningCommand(const Args& args, uint64_t client_id) : args_(args), client_id_(client_id) {
    current_ = this;
  }
  ~RunningCommand() { current_ = outer_; }
  RunningCommand(const RunningCommand&) = delete;
  RunningCommand& operator=(const RunningCommand&) = delete;

  // Of this thread, or null.
  static const RunningCommand* Current() { return current_; }
  const Args& args() const { return args_; }
  uint64_t client_id() const { return client_id_; }

 private:
  static inline thread_local const RunningCommand* current_ = nullptr;

  const RunningCommand* const outer_ = current_;
  const Args& args_;
  const uint64_t client_id_;
};

// log_file empty = standard output. A no-op under sanitizers, which have reports of their own.
void InstallCrashReport(const std::string& log_file);
void EnableCrashReport(bool enabled, bool shows_arguments);

}  // namespace hearth
