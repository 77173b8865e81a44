#pragma once

// PubSub: who listens to which channel, and how a message reaches them.
//
// Names are known twice. The directory, which all share, tells how many clients of which worker
// have subscribed to a name: that is all PUBLISH reads. The rosters, one a worker, tell which:
// that is all a delivery reads. So a message costs two locks, one letter to each worker that has
// receivers, and one copy of bytes into each receiver's output.
//
// All messages have one order, in which every worker's mail has those that it gets: clients of
// different workers see the same. A message leaves its publisher's worker at once; receivers of
// that same worker get it from DeliverHere, after the running command has written its reply. A
// client that subscribed after a message was published does not get it.
//
// Thread:   Publish: any, under any lock of the engine. What reads the directory: any. Subscribe,
//           Unsubscribe, Forget, DeliverHere: the worker's of the client.
// Lifetime: outlives its workers' threads; a Subscriber is forgotten before it goes.
// Limits:   kMailBytesMax of undelivered messages a worker, then publishers wait (MailIsFull).

#include <array>
#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <shared_mutex>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "net/worker.h"

namespace hearth {

enum class NameKind : uint8_t { kChannel, kPattern, kShardChannel };
inline constexpr size_t kNameKindCount = 3;

struct NameHash {
  using is_transparent = void;
  size_t operator()(std::string_view name) const { return std::hash<std::string_view>{}(name); }
};
template <typename Value>
using NameMap = std::unordered_map<std::string, Value, NameHash, std::equal_to<>>;

// One client's subscriptions.
class Subscriber {
 public:
  explicit Subscriber(Connection& connection) : connection_(connection) {}

  size_t count(NameKind kind) const { return places_[static_cast<size_t>(kind)].size(); }
  size_t count() const {
    return count(NameKind::kChannel) + count(NameKind::kPattern) + count(NameKind::kShardChannel);
  }
  std::vector<std::string> Names(NameKind kind) const;

 private:
  friend class PubSub;

  Connection& connection_;
  // Each name with the client's place in the roster's list.
  std::array<NameMap<size_t>, kNameKindCount> places_;
};

class PubSub {
 public:
  explicit PubSub(const std::vector<std::unique_ptr<Worker>>& workers);
  ~PubSub();
  PubSub(const PubSub&) = delete;
  PubSub& operator=(const PubSub&) = delete;

  // False: it was subscribed already.
  bool Subscribe(Subscriber& subscriber, NameKind kind, std::string_view name);
  // False: it was not subscribed.
  bool Unsubscribe(Subscriber& subscriber, NameKind kind, std::string_view name);
  // Ends all of the client's subscriptions.
  void Forget(Subscriber& subscriber);

  // Sends to the subscribers of a channel (and to those of patterns that match it) or of a shard
  // channel; returns how many there are. What they get is held until `barrier` is released.
  // `forward`, unless empty, runs at the message's place in the order, once.
  size_t Publish(NameKind kind, std::string_view channel, std::string_view payload,
                 uint64_t barrier, const std::function<void()>& forward = {});
  // Whether anybody listens to anything; else there is no need to publish.
  bool has_subscribers() const { return subscriptions_.load(std::memory_order_relaxed) != 0; }
  // Gives the calling worker's clients what that worker published, unless they are far behind.
  void DeliverHere(Worker& worker) {
    if (HasDeliveries(worker)) [[unlikely]]
      DeliverOwn(*rosters_[static_cast<size_t>(worker.index())]);
  }
  bool HasDeliveries(Worker& worker) const {
    return rosters_[static_cast<size_t>(worker.index())]->has_own;
  }
  // Whether some worker is behind with its deliveries.
  bool MailIsFull() const { return mail_bytes_.load(std::memory_order_relaxed) > kMailBytesMax; }

  size_t NameCount(NameKind kind) const;
  size_t SubscriberCount(NameKind kind, std::string_view name) const;
  // The names that have subscribers and match the pattern.
  std::vector<std::string> Names(NameKind kind, std::string_view pattern) const;

  static constexpr size_t kMailBytesMax = 64 << 20;

 private:
  struct Message;
  using MessagePtr = std::shared_ptr<const Message>;
  struct Audience {
    uint32_t total = 0;
    std::vector<uint32_t> by_worker;
  };
  struct Subscription {
    Subscriber* subscriber;
    uint64_t since;  // the value of clock_ when it began
  };
  // What belongs to one worker.
  struct Roster {
    explicit Roster(Worker& worker) : worker(worker) {}

    Worker& worker;
    std::array<NameMap<std::vector<Subscription>>, kNameKindCount> lists;
    bool has_own = false;  // the worker's: it published some of the mail
    std::mutex mail_mutex;
    std::vector<MessagePtr> mail;
    size_t mail_bytes = 0;
    bool drain_posted = false;
  };

  static void AddAudience(const Audience& audience, std::vector<bool>* wanted);
  // The message of a channel and whose workers want it; null: none.
  MessagePtr Make(NameKind kind, std::string_view channel, std::string_view payload,
                  uint64_t barrier, std::vector<bool>* wanted, size_t* receivers) const;
  void Send(const MessagePtr& message, const std::vector<bool>& wanted);
  void Drain(Roster& roster, bool is_task);
  void DeliverOwn(Roster& roster);
  static void Deliver(Roster& roster, const Message& message);
  static void DeliverTo(Roster& roster, const Message& message, NameKind kind,
                        const std::string& name, size_t parts, std::string_view body);

  std::vector<std::unique_ptr<Roster>> rosters_;
  std::atomic<size_t> subscriptions_{0};
  std::atomic<size_t> mail_bytes_{0};
  std::mutex order_mutex_;  // before those of the mail

  mutable std::shared_mutex mutex_;  // of the directory
  std::array<NameMap<Audience>, kNameKindCount> directory_;
  uint64_t clock_ = 0;  // counts subscriptions
};

}  // namespace hearth
