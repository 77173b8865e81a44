// Tested by tests/src/import/redis_import_test.cc and tests/import/import_test.py.
#include "src/import/redis_import.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cinttypes>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <span>
#include <utility>

#include "engine/watermark.h"
#include "src/import/rdb_loader.h"
#include "src/log.h"
#include "src/numbers.h"
#include "src/replace_file.h"
#include "src/replication/command_scanner.h"
#include "src/replication/replication.h"
#include "src/replication/stream_client.h"
#include "src/server.h"

namespace hearth {
namespace {

namespace fs = std::filesystem;

constexpr char kCause[] = "The files of a Redis are being imported: ";
constexpr size_t kReadBytes = 256 * 1024;
constexpr int64_t kLogEveryUs = 5'000'000;
constexpr uint64_t kErrorsLoggedMax = 20;
constexpr char kRefused[] = "the store refuses writes";

// Whether there is, or was, a store: then nothing is imported.
bool HoldsStore(const std::string& dir) {
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(dir, error)) {
    const std::string name = entry.path().filename().string();
    if (name == "CURRENT" || name == kWatermarkName || name.starts_with("MANIFEST-") ||
        name.ends_with(".sst")) {
      return true;
    }
  }
  return false;
}

// Of an import that was not completed.
bool HasMark(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  std::string line;
  return std::getline(in, line) && line.starts_with(kCause);
}

std::string Seconds(int64_t us) {
  char text[32];
  std::snprintf(text, sizeof(text), "%.3f seconds", static_cast<double>(us) / 1e6);
  return text;
}

}  // namespace

// A file that is read from its beginning on.
class RedisImport::Input {
 public:
  Input(const RedisFiles::File& file, const std::function<void(uint64_t size)>& on_read,
        const Server& server)
      : path_(file.path),
        on_read_(on_read),
        server_(server),
        fd_(::open(file.path.c_str(), O_RDONLY | O_CLOEXEC)) {
    if (fd_ < 0) error_ = std::strerror(errno);
  }
  ~Input() {
    if (fd_ >= 0) ::close(fd_);
  }
  Input(const Input&) = delete;
  Input& operator=(const Input&) = delete;

  // 0: the end, an error, or the server is to stop.
  size_t Read(std::span<char> into) {
    while (error_.empty() && !into.empty() && !server_.is_stop_requested()) {
      const ssize_t size = ::read(fd_, into.data(), into.size());
      if (size < 0 && errno == EINTR) continue;
      if (size < 0) {
        error_ = std::strerror(errno);
        return 0;
      }
      on_read_(static_cast<uint64_t>(size));
      read_bytes_ += static_cast<uint64_t>(size);
      return static_cast<size_t>(size);
    }
    return 0;
  }

  const std::string& path() const { return path_; }
  const std::string& error() const { return error_; }
  uint64_t read_bytes() const { return read_bytes_; }

 private:
  const std::string path_;
  const std::function<void(uint64_t size)> on_read_;
  const Server& server_;
  const int fd_;
  uint64_t read_bytes_ = 0;
  std::string error_;
};

std::string RedisImport::Prepare(const std::string& store_dir) {
  const Config& config = server_.config();
  const std::string mark = LoadMarkPath(store_dir);
  const bool is_repeated = HasMark(mark);
  if (!is_repeated && HoldsStore(store_dir)) return {};
  if (!config.Bool("import-redis-files") || server_.replication().is_replica()) return {};
  RedisFileNames names{.dir = store_dir,
                       .dbfilename = config.Text("dbfilename"),
                       .appenddirname = config.Text("appenddirname"),
                       .appendfilename = config.Text("appendfilename")};
  if (config.IsGiven("appendonly")) names.appendonly = config.Bool("appendonly");
  if (std::string error = FindRedisFiles(names, &files_); !error.empty()) return error;
  if (files_.empty()) {
    if (!is_repeated) return {};
    return "The files of a Redis in " + store_dir +
           " were imported in part only, and they are not there any more: put them back, or begin "
           "without them by 'import-redis-files no'";
  }
  if (!is_repeated) {
    const std::string error = ReplaceFile(mark, kCause + files_.name + "\n");
    if (!error.empty()) return mark + ": " + error;
  }
  is_new_ = !is_repeated;
  is_due_ = true;
  return {};
}

void RedisImport::GiveUpNew() {
  if (!is_new_) return;
  ::unlink(LoadMarkPath(server_.config().Text("dir")).c_str());
  is_due_ = is_new_ = false;
}

std::string RedisImport::Begin() {
  progress_.began_ms = server_.clock().WallMs();
  progress_.total_bytes = files_.size_bytes();
  return server_.replication().BeginLoad(kCause + files_.name + "\n");
}

std::string RedisImport::Run() {
  const int64_t began_us = logged_us_ = LinkNowUs();
  Log(LogLevel::kNotice, "Importing the files of a Redis: " + files_.name);
  server_.keyspace().SetExpiryHeld(true);
  std::string error = server_.replication().DropData();
  if (error.empty()) error = LoadFiles();
  server_.keyspace().SetExpiryHeld(false);
  if (server_.is_stop_requested()) {
    Log(LogLevel::kWarning,
        "The import of " + files_.name + " was not completed: the next start begins it anew");
    return {};
  }
  if (error.empty()) error = server_.replication().EndLoad();
  if (!error.empty()) return "The import of " + files_.name + " has failed: " + error;
  is_due_ = false;
  Log(LogLevel::kNotice, std::string("DB loaded from ") +
                             (files_.is_aof ? "append only file: " : "disk: ") +
                             Seconds(LinkNowUs() - began_us));
  if (error_count_ > 0) {
    Log(LogLevel::kWarning,
        std::to_string(error_count_) + " commands of the append only file were answered by errors");
  }
  Log(LogLevel::kNotice, "The data are in the store now: " + files_.name + " is no longer needed");
  return {};
}

std::string RedisImport::LoadFiles() {
  for (size_t i = 0; i < files_.files.size(); ++i) {
    const RedisFiles::File& file = files_.files[i];
    const int64_t began_us = LinkNowUs();
    std::string error = LoadFile(file, i + 1 == files_.files.size());
    if (!error.empty() || server_.is_stop_requested()) return error;
    if (!files_.is_aof) continue;
    Log(LogLevel::kNotice, "DB loaded from file " + fs::path(file.path).filename().string() + ": " +
                               Seconds(LinkNowUs() - began_us));
  }
  CommitLog& log = server_.engine().log();
  return log.CommitAndWait(log.joined_seq()) ? "" : kRefused;
}

std::string RedisImport::LoadFile(const RedisFiles::File& file, bool is_last) {
  const auto count = [this](uint64_t size) {
    progress_.loaded_bytes += size;
    LogProgress();
  };
  Input input(file, count, server_);
  StreamClient client(server_);
  offset_ = 0;
  in_multi_ = false;
  pending_.clear();
  // A file begins with RDB's word, with commands, or not at all.
  char head[5];
  size_t head_size = 0;
  while (head_size < sizeof(head)) {
    const size_t size = input.Read(std::span(head).subspan(head_size));
    if (size == 0) break;
    head_size += size;
  }
  std::string rest(head, head_size);
  std::string error;
  if (!files_.is_aof || rest == "REDIS" || rest == "VALKE") {
    error = LoadRdb(input, client, &rest);
  }
  if (error.empty() && files_.is_aof) error = RunCommands(input, client, rest, is_last);
  return input.error().empty() ? error : file.path + ": " + input.error();
}

// *rest: the bytes that were read of the file, then those behind what it holds of RDB.
std::string RedisImport::LoadRdb(Input& input, StreamClient& client, std::string* rest) {
  size_t taken = 0;
  RdbFileReader reader(
      [&](std::span<char> into) {
        if (taken == rest->size()) return input.Read(into);
        const size_t size = std::min(into.size(), rest->size() - taken);
        std::memcpy(into.data(), rest->data() + taken, size);
        taken += size;
        return size;
      },
      kStreamCommandBytesMax);
  // Commands may follow that speak of keys that have expired.
  RdbLoader loader(server_, client, /*drops_expired=*/!files_.is_aof);
  std::string error;
  RdbEntry entry;
  do {
    entry = RdbEntry();
    if (const Status status = reader.Next(&entry); !status.ok()) {
      error = status.message();
    } else if (entry.kind != RdbEntry::Kind::kAux || entry.key == "lua") {
      error = loader.Load(entry);
    }
    progress_.key_count = loader.key_count();
    progress_.expired_count = loader.expired_count();
  } while (error.empty() && entry.kind != RdbEntry::Kind::kEnd);
  if (server_.is_stop_requested()) return {};
  offset_ = input.read_bytes() - (rest->size() - taken) - reader.rest().size();
  if (error.empty() && !loader.Commit()) error = kRefused;
  if (!error.empty()) {
    if (!entry.key.empty()) error += ", at key '" + entry.key.substr(0, 64) + "'";
    error += ", at offset " + std::to_string(offset_);
    return input.path() + ": " + error;
  }
  rest->assign(reader.rest());
  Log(LogLevel::kNotice, "Done loading RDB, keys loaded: " + std::to_string(loader.key_count()) +
                             ", keys expired: " + std::to_string(loader.expired_count()) + ".");
  if (!files_.is_aof && !rest->empty()) return input.path() + ": bytes follow its end";
  return {};
}

std::string RedisImport::RunCommands(Input& input, StreamClient& client, std::string_view rest,
                                     bool is_last) {
  CommandScanner scanner(/*takes_notes=*/true);
  scanner.Append(rest);
  size_t size = 0;
  do {
    if (std::string error = TakeCommands(scanner, client, input); !error.empty()) return error;
    size = input.Read(scanner.Prepare(kReadBytes));
    scanner.Commit(size);
  } while (size > 0);
  if (server_.is_stop_requested()) return {};
  if (std::string error = Await(client, 0, 0); !error.empty()) return input.path() + error;
  if (in_multi_) return Truncated(input, multi_offset_, is_last);
  return scanner.unfinished_size() > 0 ? Truncated(input, offset_, is_last) : "";
}

std::string RedisImport::TakeCommands(CommandScanner& scanner, StreamClient& client, Input& input) {
  ScannedCommand command;
  CommandScanner::Result result;
  while ((result = scanner.Next(&command)) == CommandScanner::Result::kCommand) {
    const uint64_t begin = std::exchange(offset_, offset_ + command.bytes.size());
    if (command.name.empty()) continue;
    if (IsWord(command.name, "MULTI")) {
      in_multi_ = true;
      multi_offset_ = begin;
    } else if (IsWord(command.name, "EXEC")) {
      in_multi_ = false;
    }
    pending_.push_back({std::string(command.name.substr(0, 32)), begin});
    client.Push(command.bytes);
    if (pending_.size() < kImportPendingMax && client.unsent_size() < kImportPendingBytesMax) {
      continue;
    }
    std::string error = Await(client, kImportPendingMax / 2, kImportPendingBytesMax / 2);
    if (!error.empty()) return input.path() + error;
    if (server_.is_stop_requested()) return {};
  }
  if (result != CommandScanner::Result::kDamaged) return {};
  return "Bad file format reading the append only file " + input.path() + " behind offset " +
         std::to_string(offset_) +
         ": make a backup of your AOF file, then use ./redis-check-aof --fix <filename>";
}

std::string RedisImport::Await(StreamClient& client, size_t reply_count_max,
                               size_t unsent_bytes_max) {
  for (;;) {
    const bool is_alive = client.Pump([this](const std::string& error) { TakeReply(error); });
    if (!failure_.empty()) return failure_;
    if (!is_alive) return ": " + client.error();
    if (pending_.size() <= reply_count_max && client.unsent_size() <= unsent_bytes_max) return {};
    if (server_.is_stop_requested()) return {};
    client.Wait();
  }
}

void RedisImport::TakeReply(const std::string& error) {
  if (pending_.empty()) {
    failure_ = ": a reply too many";
    return;
  }
  const Pending item = std::move(pending_.front());
  pending_.pop_front();
  if (error.empty() || !failure_.empty()) return;
  const std::string where = item.name + " at offset " + std::to_string(item.offset) + ": " + error;
  // Behind a SELECT that failed everything else would go into another database.
  if (IsOfThisServer(error) || IsUnknownHere(error) || IsWord(item.name, "SELECT") ||
      IsWord(item.name, "MULTI")) {
    failure_ = ": " + where;
  } else if (error_count_++ < kErrorsLoggedMax) {
    Log(LogLevel::kWarning, "An error while importing the append only file, " + where);
  }
}

// The file ends within what begins at the offset.
std::string RedisImport::Truncated(const Input& input, uint64_t offset, bool is_last) const {
  if (!is_last) {
    return "Unexpected end of file reading the append only file " + input.path() +
           ", which is not the last one, behind offset " + std::to_string(offset);
  }
  if (!server_.config().Bool("aof-load-truncated")) {
    return "Unexpected end of file reading the append only file " + input.path() +
           " behind offset " + std::to_string(offset) +
           ". You can: 1) Make a backup of your AOF file, then use ./redis-check-aof --fix "
           "<filename>. 2) Alternatively you can set the 'aof-load-truncated' configuration option "
           "to yes and restart the server.";
  }
  Log(LogLevel::kWarning,
      "!!! Warning: short read while loading the AOF file " + input.path() + "!!!");
  Log(LogLevel::kWarning,
      "AOF loaded anyway because aof-load-truncated is enabled: what is behind "
      "offset " +
          std::to_string(offset) + " is left out");
  return {};
}

void RedisImport::LogProgress() {
  const int64_t now_us = LinkNowUs();
  if (now_us - logged_us_ < kLogEveryUs) return;
  logged_us_ = now_us;
  const uint64_t total = progress_.total_bytes;
  Log(LogLevel::kNotice, "Importing: " + std::to_string(progress_.loaded_bytes >> 20) + " MB of " +
                             std::to_string(total >> 20) + " MB");
}

}  // namespace hearth
