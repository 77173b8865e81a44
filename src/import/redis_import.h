#pragma once

// RedisImport: takes over the files of a Redis that served from the same directory (redis_files.h),
// at the first start there: when no store has been made in it. The files stay as they are.
//
// Clients get -LOADING until everything is in the store. Before the store is made a mark is written
// (Replication::LoadMarkPath) that tells of the import and goes with its end: a server that finds
// it begins anew, so that what was imported in part is never served. Nothing is imported while
// `import-redis-files` is no, or by a replica.
//
// An AOF: as Redis loads it. Its last file may end within a command or a MULTI when
// `aof-load-truncated` is yes: what is whole counts. A command that is not known here, or a damaged
// byte, ends the import with an error; the errors that other commands answer are counted and
// logged, the first few. Keys keep their expiry, and what has expired behind an RDB file is left
// out.
//
// Thread:   Prepare, Begin and Run: the server's owner; the rest from any.
// Lifetime: the server's.
// Errors:   texts for people; the mark stays then.
// Limits:   kImportPendingBytesMax of commands under way, kImportPendingMax replies.

#include <atomic>
#include <cstdint>
#include <deque>
#include <string>

#include "src/import/redis_files.h"

namespace hearth {

class CommandScanner;
class Server;
class StreamClient;

inline constexpr size_t kImportPendingBytesMax = 4 << 20;
inline constexpr size_t kImportPendingMax = 10'000;

class RedisImport {
 public:
  explicit RedisImport(Server& server) : server_(server) {}

  // Before the store in the directory is opened: whether there is something to import.
  std::string Prepare(const std::string& store_dir);
  bool is_due() const { return is_due_.load(std::memory_order_acquire); }
  // The store could not be made, or was there: nothing is imported, unless that was begun before.
  void GiveUpNew();
  // Before clients are let in. Requires: is_due().
  std::string Begin();
  // Returns once it is done, or the server is to stop: "" too, and the next start begins anew.
  std::string Run();

  struct Progress {
    std::atomic<int64_t> began_ms{0};  // wall clock; 0: there was none
    std::atomic<uint64_t> total_bytes{0}, loaded_bytes{0};
    std::atomic<uint64_t> key_count{0}, expired_count{0};  // of RDB files
  };
  const Progress& progress() const { return progress_; }

 private:
  class Input;
  struct Pending {
    std::string name;
    uint64_t offset;  // of the command in its file
  };

  std::string LoadFiles();
  std::string LoadFile(const RedisFiles::File& file, bool is_last);
  std::string LoadRdb(Input& input, StreamClient& client, std::string* rest);
  std::string RunCommands(Input& input, StreamClient& client, std::string_view rest, bool is_last);
  std::string TakeCommands(CommandScanner& scanner, StreamClient& client, Input& input);
  // Sends and takes replies until no more than that many are due.
  std::string Await(StreamClient& client, size_t reply_count_max, size_t unsent_bytes_max);
  void TakeReply(const std::string& error);
  std::string Truncated(const Input& input, uint64_t offset, bool is_last) const;
  void LogProgress();

  Server& server_;
  std::atomic<bool> is_due_{false};
  bool is_new_ = false;  // the mark was written by this start
  RedisFiles files_;
  Progress progress_;
  int64_t logged_us_ = 0;

  // Of the file that is read.
  uint64_t offset_ = 0;  // behind the last whole command
  bool in_multi_ = false;
  uint64_t multi_offset_ = 0;
  std::deque<Pending> pending_;
  std::string failure_;
  uint64_t error_count_ = 0;
};

}  // namespace hearth
