#pragma once

// A crash leaves a report at the end of the log: the signal, the check or exception that ended the
// program, the thread and its stack (`crash-log-enabled`). Then the signal has its usual effect, so
// that a core is dumped as the system is set up to.
//
// Thread: InstallCrashReport before any other thread; EnableCrashReport any.
// Limits: none of a thread that has run out of its stack. A report that takes longer than 10 s is
//         given up, and ends the process.

#include <string>

namespace hearth {

// log_file empty = standard output. A no-op under sanitizers, which have reports of their own.
void InstallCrashReport(const std::string& log_file);
void EnableCrashReport(bool enabled);

}  // namespace hearth
