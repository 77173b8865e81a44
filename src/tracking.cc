// Tested by tests/src/tracking_test.cc.
#include "src/tracking.h"

#include <algorithm>
#include <set>
#include <utility>

#include "src/session.h"

namespace hearth {
namespace {

constexpr std::string_view kChannel = "__redis__:invalidate";

std::string Bulk(std::string_view text) {
  return "$" + std::to_string(text.size()) + "\r\n" + std::string(text) + "\r\n";
}

// The keys as RESP; null, the one of a string as in Redis, stands for all.
std::string KeysText(const TrackedKeys::Keys& keys, int protocol) {
  if (!keys) return protocol == 2 ? "$-1\r\n" : "_\r\n";
  std::string text = "*" + std::to_string(keys->size()) + "\r\n";
  for (const std::string& key : *keys) text += Bulk(key);
  return text;
}

// Tells a client in the form of its protocol. RESP2 knows no pushes: only what was redirected to a
// subscriber is told there.
void Invalidate(Session& session, const TrackedKeys::Keys& keys, uint64_t barrier,
                bool redirected) {
  const int protocol = session.connection().reply().protocol();
  if (protocol == 3) {
    session.Push(2, Bulk("invalidate") + KeysText(keys, protocol), barrier);
  } else if (redirected && session.has_subscribed()) {
    session.Push(3, Bulk("message") + Bulk(kChannel) + KeysText(keys, protocol), barrier);
  }
}

// Null when the client has left.
Session* FindSession(Worker& worker, uint64_t client) {
  const std::shared_ptr<Connection> connection = worker.FindConnection(client);
  if (!connection || connection->is_closing()) return nullptr;
  return static_cast<Session*>(connection->handler());
}

KeyReader ReaderOf(Session& session) {
  return {session.id(), static_cast<uint32_t>(session.connection().worker().index())};
}

}  // namespace

Tracking::Tracking(TrackedKeys& keys, const std::vector<std::unique_ptr<Worker>>& workers)
    : keys_(keys),
      mail_(
          workers, [this](Worker& worker, const Letter& letter) { Deliver(worker, letter); },
          Shrink) {}

void Tracking::Enable(Session& session, TrackingOptions options) {
  std::vector<std::string> fresh;
  std::vector<std::string> kept;
  if (ClientTracking* const old = session.tracking())
    kept = std::move(old->options.prefixes);
  else
    keys_.Begin();
  if (options.bcast) {
    fresh = std::move(options.prefixes);
    const bool has_all = std::find(kept.begin(), kept.end(), "") != kept.end();
    if (fresh.empty() && !has_all) fresh.emplace_back();
    for (const std::string& prefix : fresh) keys_.AddPrefix(prefix, ReaderOf(session));
  }
  options.prefixes = std::move(kept);
  options.prefixes.insert(options.prefixes.end(), fresh.begin(), fresh.end());
  std::sort(options.prefixes.begin(), options.prefixes.end());  // as CLIENT TRACKINGINFO tells them
  session.SetTracking(std::make_unique<ClientTracking>(ClientTracking{std::move(options)}));
}

std::shared_ptr<void> Tracking::Disable(Session& session) {
  ClientTracking* const tracking = session.tracking();
  if (tracking == nullptr) return nullptr;
  for (const std::string& prefix : tracking->options.prefixes) {
    keys_.RemovePrefix(prefix, session.id());
  }
  session.SetTracking(nullptr);
  return keys_.End();
}

bool Tracking::Wants(Session& session) {
  const ClientTracking* const tracking = session.tracking();
  if (tracking == nullptr || tracking->options.bcast) return false;
  if (tracking->options.optin) return tracking->caching_given;
  return !(tracking->options.optout && tracking->caching_given);
}

void Tracking::Remember(Session& session, std::span<const KeyRef> keys) {
  if (Wants(session)) Remember(ReaderOf(session), keys);
}

void Tracking::Remember(KeyReader reader, std::span<const KeyRef> keys) {
  KeyChanges evicted;
  for (const KeyRef& ref : keys) keys_.Remember(ref.key, reader, &evicted);
  if (!evicted.empty()) Tell(evicted, /*barrier=*/0);
}

void Tracking::EvictExcess() {
  constexpr size_t kKeysACron = 4096;
  KeyChanges evicted;
  keys_.EvictExcess(kKeysACron, &evicted);
  if (!evicted.empty()) Tell(evicted, /*barrier=*/0);
}

void Tracking::Send(size_t worker_index, Letter letter) {
  size_t size_bytes = 0;
  if (letter.keys) {
    for (const std::string& key : *letter.keys) size_bytes += key.size() + sizeof(key);
  }
  mail_.Send(worker_index, std::move(letter), size_bytes);
}

void Tracking::Tell(const KeyChanges& changes, uint64_t barrier) {
  if (changes.all) {
    for (size_t i = 0; i < mail_.worker_count(); ++i) Send(i, {.keys = {}, .barrier = barrier});
  }
  for (const KeyChanges::Key& key : changes.keys) {
    if (key.readers.empty()) continue;
    const auto keys = std::make_shared<const std::vector<std::string>>(1, key.name);
    for (const KeyReader& reader : key.readers) {
      Send(reader.worker,
           {.client = reader.id, .keys = keys, .writer = changes.writer, .barrier = barrier});
    }
  }
  keys_.ForEachPrefix(changes,
                      [&](const std::vector<KeyReader>& readers, const TrackedKeys::Keys& keys) {
                        for (const KeyReader& reader : readers) {
                          Send(reader.worker, {.client = reader.id,
                                               .keys = keys,
                                               .of_prefix = true,
                                               .writer = changes.writer,
                                               .barrier = barrier});
                        }
                      });
}

void Tracking::Deliver(Worker& worker, const Letter& letter) {
  if (letter.tracker != 0) return DeliverRedirected(worker, letter);
  if (letter.client != 0) {
    Session* const session = FindSession(worker, letter.client);
    if (session == nullptr || session->tracking() == nullptr) return;
    if (letter.is_broken) return NoteBroken(*session);
    if (letter.of_prefix == session->tracking()->options.bcast) DeliverTo(*session, letter);
    return;
  }
  worker.ForEachConnection([&](Connection& connection) {
    auto* const session = static_cast<Session*>(connection.handler());
    if (session == nullptr || connection.is_closing() || !session->tracking()) return;
    DeliverTo(*session, letter);
  });
}

void Tracking::DeliverTo(Session& session, const Letter& letter) {
  const TrackingOptions& options = session.tracking()->options;
  if (options.noloop && letter.keys && letter.writer == session.id()) return;
  if (options.redirect == 0) {
    return Invalidate(session, letter.keys, letter.barrier, /*redirected=*/false);
  }
  Letter redirected = letter;
  redirected.client = options.redirect;
  redirected.tracker = session.id();
  redirected.tracker_worker = static_cast<uint32_t>(session.connection().worker().index());
  if (options.redirect_worker != redirected.tracker_worker) {
    return Send(options.redirect_worker, std::move(redirected));
  }
  DeliverRedirected(session.connection().worker(), redirected);
}

void Tracking::DeliverRedirected(Worker& worker, const Letter& letter) {
  if (Session* const session = FindSession(worker, letter.client)) {
    return Invalidate(*session, letter.keys, letter.barrier, /*redirected=*/true);
  }
  Send(letter.tracker_worker, {.client = letter.tracker, .keys = {}, .is_broken = true});
}

void Tracking::NoteBroken(Session& session) {
  ClientTracking& tracking = *session.tracking();
  tracking.broken_redirect = true;
  if (session.connection().reply().protocol() == 2) return;
  session.Push(
      2, Bulk("tracking-redir-broken") + ":" + std::to_string(tracking.options.redirect) + "\r\n",
      /*barrier=*/0);
}

// All that the letters say, and more: whatever their readers keep is no longer true.
void Tracking::Shrink(std::vector<Letter>* letters) {
  std::set<uint64_t> told;
  std::vector<Letter> fewer;
  uint64_t barrier = 0;
  for (const Letter& letter : *letters) barrier = std::max(barrier, letter.barrier);
  fewer.push_back({.keys = {}, .barrier = barrier});
  for (Letter& letter : *letters) {
    if (!letter.is_broken && letter.tracker == 0) continue;
    if (!told.insert(letter.client).second) continue;
    letter.keys = nullptr;
    letter.barrier = barrier;
    fewer.push_back(std::move(letter));
  }
  letters->swap(fewer);
}

}  // namespace hearth
