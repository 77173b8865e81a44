#pragma once

// StreamClient: runs the commands of a Redis primary as a client of this server: a socket pair
// whose other end is a connection of a worker, with a session that applies a stream (session.h).
//
// Thread:   one at a time; never a worker's.
// Lifetime: not longer than the server's workers.
// Errors:   false, and error() tells why; then it is of no more use.
// Limits:   what is pushed waits here until it is sent: the owner pushes no more than it allows
//           itself; replies are counted and dropped as they come.

#include <atomic>
#include <cstdint>
#include <deque>
#include <functional>
#include <initializer_list>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "engine/stream_place.h"

namespace hearth {

class Server;
class ReplicaLink;

// Whether an error says that this server could not do what was asked, not that it was asked for
// something that can't be done: behind it the data are not what they should be.
bool IsOfThisServer(std::string_view error);

// Whether an error says that a command is not known here, or not in this form. No stream of a
// primary whose commands are all known brings one.
bool IsUnknownHere(std::string_view error);

// Counts replies (RESP2), and keeps an error of each: the first that IsOfThisServer, else the
// first.
class ReplyCounter {
 public:
  // on_reply(error): a whole reply came; "" when there is no error in it. False: it is no RESP2.
  bool Take(std::string_view bytes, const std::function<void(const std::string& error)>& on_reply);

 private:
  bool TakeLine(std::string_view line);

  std::string line_;        // unfinished
  uint64_t bulk_left_ = 0;  // bytes of a bulk, its CRLF included
  uint64_t left_ = 1;       // replies and elements to come until the reply is whole
  std::string error_;
};

// Where the stream stands behind each command that is under way, for the session that runs them,
// and how that ends it. Thread: any.
class StreamPlaces {
 public:
  explicit StreamPlaces(std::string id) : id_(std::move(id)) {}

  void Push(uint64_t offset, uint32_t db);
  // Of the command that runs next; nullopt: it is none of the stream.
  std::optional<StreamPlace> Front() const;
  // It has run.
  void Pop();

  // The command that runs is not known here: nothing behind it runs.
  struct Refusal {
    uint64_t index = 0;  // of the command, counted from 0
    std::string why;
    bool is_within_exec = false;  // whose other commands have run
  };
  void Refuse(std::string why, bool is_within_exec);
  bool is_refused() const { return is_refused_.load(std::memory_order_acquire); }
  // Requires: is_refused().
  Refusal refusal() const;

 private:
  struct Place {
    uint64_t offset;
    uint32_t db;
  };
  const std::string id_;
  mutable std::mutex mutex_;
  std::deque<Place> places_;
  uint64_t run_count_ = 0;
  Refusal refusal_;  // the first
  std::atomic<bool> is_refused_{false};
};

class StreamClient {
 public:
  // link: whose end ends Run; null: nothing does. It outlives the client. places: null: what it
  // runs is no stream whose place is kept.
  explicit StreamClient(Server& server, ReplicaLink* link = nullptr,
                        std::shared_ptr<StreamPlaces> places = nullptr);
  ~StreamClient();
  StreamClient(const StreamClient&) = delete;
  StreamClient& operator=(const StreamClient&) = delete;

  using OnReply = std::function<void(const std::string& error)>;
  void Push(std::string_view command) { outbox_ += command; }
  // Sends and reads what goes now.
  bool Pump(const OnReply& on_reply);
  // Sends a command and waits for its reply. False: it failed, is answered by an error, or the link
  // is to end.
  // Requires: nothing else is under way.
  bool Run(std::initializer_list<std::string_view> words);

  // Until something can be read or sent, the link wakes, or a second is over.
  void Wait();

  size_t unsent_size() const { return outbox_.size() - sent_; }
  bool wants_write() const { return unsent_size() > 0; }
  int fd() const { return fd_; }
  const std::string& error() const { return error_; }

 private:
  bool Fail(std::string why);

  ReplicaLink* const link_;
  int fd_ = -1;
  std::string outbox_;
  size_t sent_ = 0;
  ReplyCounter replies_;
  std::string error_;
};

}  // namespace hearth
