#pragma once

// RedisFeed: what all followers that speak Redis' protocol share: the stream of commands, and the
// thread that writes RDB files for them.
//
// Thread:   any.
// Lifetime: the server's; Stop before its engine ends.
// Errors:   a file that can't be written is told to who asked for it.
// Limits:   one file is written at a time; one that is sent is read from a file without a name.

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <thread>

#include "engine/status.h"
#include "src/effects.h"
#include "src/replication/command_stream.h"

namespace hearth {

class Server;

// An RDB file that has no name any more.
class UnnamedFile {
 public:
  // Takes over an open file.
  UnnamedFile(int fd, uint64_t size_bytes) : fd_(fd), size_bytes_(size_bytes) {}
  ~UnnamedFile();
  UnnamedFile(const UnnamedFile&) = delete;
  UnnamedFile& operator=(const UnnamedFile&) = delete;

  uint64_t size_bytes() const { return size_bytes_; }
  // Reads exactly size bytes at offset; may wait for the disk. Requires: they are there.
  Status Read(uint64_t offset, size_t size, std::string* bytes) const;

 private:
  const int fd_;
  const uint64_t size_bytes_;
};

class RedisFeed {
 public:
  // What one follower asks for. The callbacks come from the feed's thread.
  struct Job {
    uint64_t follower = 0;
    bool has_stream = true;  // the stream is kept for it from the file's end on
    bool functions_only = false;
    std::atomic<bool> is_given_up{false};  // set by its follower, before it detaches
    // The file is about to be written; its follower goes on at start.
    std::function<void(const CommandStream::Start& start, uint64_t seq)> on_begin;
    // file: null when it failed.
    std::function<void(std::shared_ptr<UnnamedFile> file, const Status& status)> on_end;
  };

  explicit RedisFeed(Server& server);
  ~RedisFeed() { Stop(); }
  // Removes what an earlier run left; with the engine.
  void Start();
  void Stop();

  CommandStream& stream() { return stream_; }
  // Writes a file; answers by the callbacks.
  void WriteFile(std::shared_ptr<Job> job);
  // Whether a server at an address may have a file now: one a second. Who can't read what it gets
  // asks again at once.
  bool MayAsk(const std::string& address);
  // A follower is gone.
  void Leave(Job* job, uint64_t follower);
  // The data become others, or not this server's to give: all followers begin anew.
  void EndStream();
  // Once a second: followers hear a PING when it is due; a stream that nobody follows ends.
  void Tick();

 private:
  void Main();
  void Run(Job& job);
  Status WriteFile(Job& job, std::shared_ptr<UnnamedFile>* file);
  Status BeginStream(const Job& job, uint64_t* seq);
  void ReadLimits();
  void FollowLazyDirective(const char* name, LazyDeletion kind);

  Server& server_;
  CommandStream stream_;
  GoneEffects gone_{stream_};
  int64_t pinged_us_ = 0;
  std::mutex mutex_;
  std::condition_variable wanted_;
  std::deque<std::shared_ptr<Job>> jobs_;
  std::map<std::string, int64_t> asked_us_;  // by address
  std::atomic<bool> stopping_{false};
  std::thread thread_;
};

}  // namespace hearth
