// hearth-server: reads the configuration, serves until a signal or SHUTDOWN ends it.
// Tested by the suites that start it.
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <string>
#include <thread>
#include <vector>

#ifdef HEARTH_SYSTEMD
#include <systemd/sd-daemon.h>
#endif
#ifdef __SANITIZE_ADDRESS__
#include <sanitizer/lsan_interface.h>
#endif

#include "engine/dir_lock.h"
#include "engine/snapshot_copy.h"
#include "src/config.h"
#include "src/crash_report.h"
#include "src/import/redis_import.h"
#include "src/log.h"
#include "src/metrics.h"
#include "src/process_title.h"
#include "src/recovery.h"
#include "src/server.h"

namespace hearth {
namespace {

constexpr char kUsage[] =
    "Usage: hearth-server [/path/to/hearth.conf] [--directive value ...]\n"
    "       hearth-server - (reads the configuration from stdin) [--directive value ...]\n"
    "       hearth-server --help | --version\n\n"
    "Examples:\n"
    "       hearth-server\n"
    "       hearth-server /etc/hearth/hearth.conf --port 7777\n"
    "       hearth-server --dir /var/lib/hearth --maxmemory 4gb --appendfsync always\n"
    "       hearth-server --dir snapshots/<name> --recover-wal /var/lib/hearth"
    " --recover-until flush\n";

constexpr char kInvalidTitle[] = "template format is invalid or contains unknown variables";

void Notify([[maybe_unused]] const char* state) {
#ifdef HEARTH_SYSTEMD
  (void)sd_notify(0, state);
#endif
}

// Until the process ends nobody else opens what the server does. Says who has it.
std::string LockFolders(const Config& config, DirLock* dir_lock, DirLock* wal_dir_lock) {
  std::string dir;
  if (const Status status = PrepareDataDir(config.Text("dir"), &dir); !status.ok()) {
    return status.message();
  }
  if (const Status status = dir_lock->Take(dir); !status.ok()) return status.message();
  const std::string wal_dir = config.Text("wal-dir");
  std::error_code error;
  if (wal_dir.empty() || std::filesystem::equivalent(wal_dir, dir, error)) return {};
  return wal_dir_lock->Take(wal_dir).message();
}

// Goes on in the background, as redis-server does with daemonize yes.
void Daemonize() {
  if (fork() != 0) _exit(0);
  setsid();
  const int null = open("/dev/null", O_RDWR);
  for (const int fd : {0, 1, 2}) dup2(null, fd);
  if (null > 2) close(null);
}

void LogBanner(const Config& config) {
  Log(LogLevel::kNotice, "Hearth " HEARTH_VERSION " is starting");
  Log(LogLevel::kNotice, " Port: " + std::to_string(config.Int("port")));
  Log(LogLevel::kNotice, " PID: " + std::to_string(getpid()));
  Log(LogLevel::kNotice, " Directory: " + config.Text("dir"));
  for (const std::string& note : config.Notes()) Log(LogLevel::kNotice, note);
}

// Waits for signals on a thread of its own; all other threads have them blocked. Ends before the
// server that it tells.
class SignalWatch {
 public:
  SignalWatch(Server& server, const sigset_t& signals)
      : thread_([this, &server, signals] { Main(server, signals); }) {}
  ~SignalWatch() {
    ended_ = true;
    pthread_kill(thread_.native_handle(), kWakeSignal);
    thread_.join();
  }
  SignalWatch(const SignalWatch&) = delete;
  SignalWatch& operator=(const SignalWatch&) = delete;

  static constexpr int kWakeSignal = SIGUSR2;

 private:
  void Main(Server& server, const sigset_t& signals) {
    while (!ended_) {
      int signal = 0;
      if (sigwait(&signals, &signal) != 0 || signal == kWakeSignal) continue;
      if (signal == SIGHUP) {
        ReopenLog();
        continue;
      }
      Log(LogLevel::kNotice, std::string("Received ") + (signal == SIGINT ? "SIGINT" : "SIGTERM") +
                                 " scheduling shutdown...");
      const Config& config = server.config();
      const std::string words =
          " " + config.Text(signal == SIGINT ? "shutdown-on-sigint" : "shutdown-on-sigterm") + " ";
      const auto says = [&](const char* word) { return words.find(word) != words.npos; };
      // Whoever insists does not wait for replicas.
      const bool insists = signal == SIGINT && server.shutdown().is_waiting();
      server.shutdown().Begin({.save = says(" save "),
                               .now = insists || says(" now "),
                               .force = says(" force ") || says(" nosave ")},
                              nullptr);
    }
  }

  std::atomic<bool> ended_{false};
  std::thread thread_;
};

int Run(int argc, char** argv) {
  const std::vector<std::string> args(argv + 1, argv + argc);
  const std::string program = argv[0];
  Config config;
  if (std::string error = config.Load(args); !error.empty()) {
    std::fprintf(stderr, "%s\n", error.c_str());
    return 1;
  }
  const bool shows_title = config.Bool("set-proc-title");
  if (!FormatProcessTitle(config, program, 0)) {
    std::fprintf(stderr, "proc-title-template: %s\n", kInvalidTitle);
    return 1;
  }
  if (shows_title) BeginProcessTitles(argc, argv);
  if (config.Bool("daemonize")) Daemonize();
  umask(077);
  const SyslogTarget syslog_target{config.Text("syslog-ident"), config.Text("syslog-facility")};
  const std::string log_error =
      SetUpLog(LogLevelNamed(config.Text("loglevel")), config.Text("logfile"),
               config.Bool("syslog-enabled") ? &syslog_target : nullptr);
  if (!log_error.empty()) {
    std::fprintf(stderr, "Can't open the log file: %s\n", log_error.c_str());
    return 1;
  }
  InstallCrashReport(config.Text("logfile"));
  const auto enable_report = [&](std::string*) {
    EnableCrashReport(config.Bool("crash-log-enabled"), !config.Bool("hide-user-data-from-log"));
    return true;
  };
  std::string unused;
  (void)enable_report(&unused);
  config.OnChange("crash-log-enabled", enable_report);
  config.OnChange("hide-user-data-from-log", enable_report);
  LogBanner(config);
  std::error_code error;
  std::filesystem::create_directories(config.Text("dir"), error);
  // As CONFIG GET shows it to those who look for files there.
  if (const auto dir = std::filesystem::canonical(config.Text("dir"), error); !error) {
    config.Note("dir", dir.string());
  }
  if (!config.Text("wal-dir").empty()) {
    std::filesystem::create_directories(config.Text("wal-dir"), error);
  }

  if (WantsRecovery(config)) {
    const std::string failure = Recover(config);
    if (!failure.empty()) Log(LogLevel::kWarning, failure);
    return failure.empty() ? 0 : 1;
  }

  sigset_t signals;
  sigemptyset(&signals);
  for (const int signal : {SIGTERM, SIGINT, SIGHUP, SignalWatch::kWakeSignal}) {
    sigaddset(&signals, signal);
  }
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  signal(SIGPIPE, SIG_IGN);

  DirLock dir_lock, wal_dir_lock;
  if (const std::string failure = LockFolders(config, &dir_lock, &wal_dir_lock); !failure.empty()) {
    Log(LogLevel::kWarning, failure);
    return 1;
  }
  Server server(config);
  const auto show_title = [&](std::string* failure) {
    const auto title = FormatProcessTitle(config, program, server.port());
    if (!title) {
      *failure = kInvalidTitle;
      return false;
    }
    if (shows_title) SetProcessTitle(*title);
    return true;
  };
  config.OnChange("proc-title-template", show_title);
  if (const std::string failure = server.Start(); !failure.empty()) {
    Log(LogLevel::kWarning, failure);
    (void)server.Stop();
    return 1;
  }
  (void)show_title(&unused);
  auto metrics = std::make_unique<MetricsEndpoint>(server);
  if (const std::string failure = metrics->Start(); !failure.empty()) {
    Log(LogLevel::kWarning, failure);
    (void)server.Stop();
    return 1;
  }
  const std::string pidfile = config.Text("pidfile");
  if (!pidfile.empty()) {
    std::ofstream(pidfile) << getpid() << "\n";
    (void)chmod(pidfile.c_str(), 0644);  // others may watch
  }
  const SignalWatch signal_watch(server, signals);
  if (server.redis_import().is_due()) {
    Notify("STATUS=Importing the files of a Redis");
    if (const std::string failure = server.redis_import().Run(); !failure.empty()) {
      Log(LogLevel::kWarning, failure);
      metrics.reset();
      (void)server.Stop();
      return 1;
    }
  }
  if (config.Int("port") != 0) {
    Log(LogLevel::kNotice, "Running on port " + std::to_string(server.port()));
  }
  if (!server.is_stop_requested()) Log(LogLevel::kNotice, "Ready to accept connections");
  Notify("READY=1\nSTATUS=Ready to accept connections");
  server.WaitUntilStopped();

  Notify("STOPPING=1");
  metrics.reset();
  const Status status = server.Stop();
  if (!pidfile.empty()) unlink(pidfile.c_str());
  if (!status.ok()) {
    Log(LogLevel::kWarning, "The last sync failed: " + status.message());
  }
  Log(LogLevel::kNotice, "Hearth is now ready to exit, bye bye...");
  return status.ok() ? 0 : 1;
}

}  // namespace
}  // namespace hearth

int main(int argc, char** argv) {
  const std::vector<std::string> args(argv + 1, argv + argc);
  if (args.size() == 1 && (args[0] == "--version" || args[0] == "-v")) {
    std::printf("Hearth server v=" HEARTH_VERSION " bits=64\n");
    return 0;
  }
  if (args.size() == 1 && (args[0] == "--help" || args[0] == "-h")) {
    std::fputs(hearth::kUsage, stdout);
    return 0;
  }
  const int code = hearth::Run(argc, argv);
  // What is static is not destroyed: threads of libraries may still use it.
  std::fflush(stdout);
#ifdef __SANITIZE_ADDRESS__
  __lsan_do_leak_check();  // an exit without destructors does not
#endif
  _exit(code);
}
