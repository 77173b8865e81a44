#pragma once

// Tracking: server assisted client side caching (CLIENT TRACKING): which clients are told that
// what they keep has changed, and how the news reaches them.
//
// A client in the default mode is told once of each key that it has read (TrackedKeys); in BCAST
// mode, of every change of keys with its prefixes. News goes to the worker of the client that
// tracks, and from there, with REDIRECT, to the worker of the client it has named. It is written
// behind the reply of the command that caused it, behind each reply that it makes stale, and
// leaves when the change is committed. News that a worker is too slow for, and a failed commit,
// become one message that everything is invalid: nothing is ever lost.
//
// Thread:   Tell any; the rest the worker's of the session.
// Lifetime: outlives its workers' threads.
// Limits:   those of TrackedKeys and WorkerMail; a client's output those of its class.

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "engine/tracked_keys.h"
#include "engine/tx.h"
#include "src/worker_mail.h"

namespace hearth {

class Session;

// What CLIENT TRACKING asks for.
struct TrackingOptions {
  bool bcast = false, optin = false, optout = false, noloop = false;
  uint64_t redirect = 0;  // the client that is told instead; 0 = none
  uint32_t redirect_worker = 0;
  std::vector<std::string> prefixes;
};

// A client that tracks.
struct ClientTracking {
  TrackingOptions options;
  bool caching_given = false;  // CLIENT CACHING, for the next command
  bool broken_redirect = false;
};

class Tracking {
 public:
  Tracking(TrackedKeys& keys, const std::vector<std::unique_ptr<Worker>>& workers);

  // Requires: options fit each other and what the client tracks already.
  void Enable(Session& session, TrackingOptions options);
  // What it returns is to be freed where that may take its time.
  std::shared_ptr<void> Disable(Session& session);

  // Whether the keys that the session's command reads are to be remembered.
  static bool Wants(Session& session);
  // The client has read keys; Wants is asked first. Requires: the Tx that read them is open.
  void Remember(Session& session, std::span<const KeyRef> keys);
  // The same for a client whose session is not at hand: one that was blocked.
  void Remember(KeyReader reader, std::span<const KeyRef> keys);

  void Tell(const KeyChanges& changes, uint64_t barrier);
  void DeliverHere(Worker& worker) { mail_.DeliverHere(worker); }
  bool HasDeliveries(Worker& worker) const { return mail_.HasDeliveries(worker); }
  // Keeps to `tracking-table-max-keys`; a cron's.
  void EvictExcess();

  TrackedKeys& keys() { return keys_; }

 private:
  struct Letter {
    uint64_t client = 0;     // 0: all that track
    TrackedKeys::Keys keys;  // null: everything
    bool of_prefix = false;  // for clients in BCAST mode
    uint64_t writer = 0;     // a client that is not told of it in NOLOOP mode
    uint64_t barrier = 0;
    uint64_t tracker = 0;  // of a redirected letter: the client that has read, and its worker
    uint32_t tracker_worker = 0;
    bool is_broken = false;  // to the tracker: the client that it named is gone
  };

  void Deliver(Worker& worker, const Letter& letter);
  void DeliverTo(Session& session, const Letter& letter);
  void DeliverRedirected(Worker& worker, const Letter& letter);
  static void NoteBroken(Session& session);
  static void Shrink(std::vector<Letter>* letters);
  void Send(size_t worker_index, Letter letter);

  TrackedKeys& keys_;
  WorkerMail<Letter> mail_;
};

}  // namespace hearth
