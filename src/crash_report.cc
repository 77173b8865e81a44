// Tested by tests/crash/report_test.py.
#include "src/crash_report.h"

#include <dlfcn.h>
#include <execinfo.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <unistd.h>

#include <atomic>
#include <climits>
#include <cstdio>
#include <cstring>
#include <exception>

#include "engine/check.h"
#include "src/numbers.h"
#include "src/slow_log.h"

namespace hearth {
namespace {

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr bool kIsSanitized = true;
#else
constexpr bool kIsSanitized = false;
#endif
constexpr int kSignals[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT};
constexpr int kFramesMax = 64;
constexpr size_t kWordsMax = 32, kWordBytesMax = 128;  // of the command that ran
constexpr unsigned kReportSecondsMax = 10;

// What a handler reads: nothing is allocated there.
char g_log_path[PATH_MAX];
char g_program_path[PATH_MAX];
char g_reason[1024];
std::atomic<bool> g_enabled{true}, g_shows_arguments{true}, g_has_reason{false};
std::atomic<pid_t> g_reporter{0};

// The first counts.
void NoteReason(const char* reason) {
  if (g_has_reason.exchange(true)) return;
  std::snprintf(g_reason, sizeof(g_reason), "%s", reason);
}

[[noreturn]] void OnTerminate() {
  try {
    if (const std::exception_ptr exception = std::current_exception()) {
      std::rethrow_exception(exception);
    }
    NoteReason("std::terminate was called");
  } catch (const std::exception& exception) {
    char reason[sizeof(g_reason)];
    std::snprintf(reason, sizeof(reason), "uncaught exception: %s", exception.what());
    NoteReason(reason);
  } catch (...) {
    NoteReason("uncaught exception of an unknown type");
  }
  std::abort();
}

template <typename... Values>
void WriteLine(int fd, const char* format, Values... values) {
  char line[PATH_MAX + 256];
  const int begin = std::snprintf(line, sizeof(line), "%d:M # ", static_cast<int>(getpid()));
  const auto left = sizeof(line) - static_cast<size_t>(begin);
  std::snprintf(line + begin, left - 1, format, values...);
  std::strcat(line, "\n");
  [[maybe_unused]] const ssize_t size = ::write(fd, line, std::strlen(line));
}

// "file +offset": glibc's own lines name the program by what ps shows.
void WriteFrame(int fd, void* frame) {
  Dl_info own, found;
  if (dladdr(frame, &found) == 0) return WriteLine(fd, "%p", frame);
  const bool is_own = dladdr(g_reason, &own) != 0 && own.dli_fbase == found.dli_fbase;
  WriteLine(fd, "%s +0x%zx %s", is_own ? g_program_path : found.dli_fname,
            static_cast<size_t>(static_cast<char*>(frame) - static_cast<char*>(found.dli_fbase)),
            found.dli_sname == nullptr ? "" : found.dli_sname);
}

// A word's start as a string literal of C; what does not fit is told by its size.
void WriteWord(int fd, size_t index, std::string_view word) {
  char text[4 * kWordBytesMax + 1];
  size_t size = 0;
  for (const char c : word.substr(0, kWordBytesMax)) {
    const bool is_plain = c >= ' ' && c <= '~' && c != '"' && c != '\\';
    size += static_cast<size_t>(std::snprintf(text + size, sizeof(text) - size,
                                              is_plain ? "%c" : "\\x%02x",
                                              static_cast<unsigned char>(c)));
  }
  text[size] = '\0';
  if (word.size() > kWordBytesMax)
    return WriteLine(fd, "argv[%zu]: \"%s\"... (%zu bytes)", index, text, word.size());
  WriteLine(fd, "argv[%zu]: \"%s\"", index, text);
}

// Nothing is allocated; the words of CONFIG and ACL, of which some are secret, are left out.
void WriteCommand(int fd, const RunningCommand& command) {
  const Args& args = command.args();
  WriteLine(fd, "------ COMMAND of client %llu, %zu arguments ------",
            static_cast<unsigned long long>(command.client_id()), args.size());
  const bool is_known_by_name = IsWord(args[0], "CONFIG") || IsWord(args[0], "ACL");
  const size_t shown = !g_shows_arguments ? 1 : is_known_by_name ? 2 : kWordsMax;
  for (size_t i = 0; i < args.size() && i < shown; ++i) {
    WriteWord(fd, i, !is_known_by_name && IsSecretArgument(args, i) ? kRedacted : args[i]);
  }
}

void WriteReport(int signal, const siginfo_t& info) {
  const int file =
      g_log_path[0] == '\0' ? -1 : ::open(g_log_path, O_WRONLY | O_APPEND | O_CREAT, 0600);
  const int fd = file < 0 ? STDOUT_FILENO : file;
  char thread[16] = "?";
  pthread_getname_np(pthread_self(), thread, sizeof(thread));
  WriteLine(fd, "=== HEARTH BUG REPORT START ===");
  WriteLine(fd, "Hearth %s crashed by signal: %d (SIG%s), si_code: %d, in thread %s",
            HEARTH_VERSION, signal, sigabbrev_np(signal), info.si_code, thread);
  if (info.si_code > 0 && (signal == SIGSEGV || signal == SIGBUS)) {
    WriteLine(fd, "Accessing address: %p", info.si_addr);
  }
  if (g_has_reason) WriteLine(fd, "=== ASSERTION FAILED === %s", g_reason);
  WriteLine(fd, "------ STACK TRACE ------");
  void* frames[kFramesMax];
  const int count = backtrace(frames, kFramesMax);
  for (int i = 0; i < count; ++i) WriteFrame(fd, frames[i]);
  WriteLine(fd, "The functions' names: addr2line -Cfie FILE OFFSET...");
  if (const RunningCommand* const command = RunningCommand::Current()) WriteCommand(fd, *command);
  WriteLine(fd, "=== HEARTH BUG REPORT END ===");
}

void OnCrash(int signal, siginfo_t* info, void*) {
  pid_t nobody = 0;
  if (!g_reporter.compare_exchange_strong(nobody, gettid()) && nobody != gettid()) {
    for (;;) pause();  // another thread reports, and ends the process
  }
  if (nobody == 0 && g_enabled.load()) {
    ::signal(SIGALRM, SIG_DFL);
    alarm(kReportSecondsMax);
    WriteReport(signal, *info);
  }
  // The signal comes again when the handler has returned.
  ::signal(signal, SIG_DFL);
  raise(signal);
}

}  // namespace

void InstallCrashReport(const std::string& log_file) {
  if (kIsSanitized) return;
  std::snprintf(g_log_path, sizeof(g_log_path), "%s", log_file.c_str());
  const ssize_t size = readlink("/proc/self/exe", g_program_path, sizeof(g_program_path) - 1);
  g_program_path[size < 0 ? 0 : size] = '\0';
  void* frame;
  (void)backtrace(&frame, 1);  // loads what it needs: a handler should not
  SetCheckListener(NoteReason);
  std::set_terminate(OnTerminate);
  struct sigaction action {};
  action.sa_sigaction = OnCrash;
  action.sa_flags = SA_SIGINFO;
  for (const int signal : kSignals) sigaction(signal, &action, nullptr);
}

void EnableCrashReport(bool enabled, bool shows_arguments) {
  g_enabled = enabled;
  g_shows_arguments = shows_arguments;
}

}  // namespace hearth
