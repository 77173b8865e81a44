// Tested by tests/src/pubsub_test.cc.
#include "src/pubsub.h"

#include <utility>

#include "engine/check.h"
#include "src/redis_text.h"
#include "src/session.h"

namespace hearth {
namespace {

// What a worker delivers of its mail before its clients' sockets have their turn.
constexpr size_t kDrainBytesMax = 1 << 20;
constexpr auto kDrainPause = std::chrono::milliseconds(1);

void AppendBulk(std::string* out, std::string_view text) {
  *out += '$';
  *out += std::to_string(text.size());
  *out += "\r\n";
  *out += text;
  *out += "\r\n";
}

std::string Bulks(std::initializer_list<std::string_view> texts) {
  size_t size = 0;
  for (const std::string_view text : texts) size += text.size() + 24;
  std::string out;
  out.reserve(size);
  for (const std::string_view text : texts) AppendBulk(&out, text);
  return out;
}

}  // namespace

// A message and its wire forms, behind the headers that RESP2 and RESP3 write differently.
struct PubSub::Message {
  NameKind kind;
  std::string channel;
  uint64_t at = 0;  // clock_ when it was published
  uint64_t barrier = 0;
  std::string body;  // for subscribers of the channel; empty: there are none
  std::vector<std::pair<std::string, std::string>> by_pattern;  // pattern, body
  size_t size_bytes = 0;
};

std::vector<std::string> Subscriber::Names(NameKind kind) const {
  std::vector<std::string> names;
  for (const auto& [name, place] : places_[static_cast<size_t>(kind)]) names.push_back(name);
  return names;
}

PubSub::PubSub(const std::vector<std::unique_ptr<Worker>>& workers) {
  for (const auto& worker : workers) rosters_.push_back(std::make_unique<Roster>(*worker));
}

PubSub::~PubSub() = default;

bool PubSub::Subscribe(Subscriber& subscriber, NameKind kind, std::string_view name) {
  const auto k = static_cast<size_t>(kind);
  const auto [mine, added] = subscriber.places_[k].try_emplace(std::string(name), 0);
  if (!added) return false;
  const auto worker_index = static_cast<size_t>(subscriber.connection_.worker().index());
  uint64_t since;
  {
    std::lock_guard lock(mutex_);
    Audience& audience = directory_[k][mine->first];
    if (audience.by_worker.empty()) audience.by_worker.resize(rosters_.size());
    ++audience.total;
    ++audience.by_worker[worker_index];
    since = ++clock_;
  }
  subscriptions_.fetch_add(1, std::memory_order_relaxed);
  std::vector<Subscription>& list = rosters_[worker_index]->lists[k][mine->first];
  mine->second = list.size();
  list.push_back({&subscriber, since});
  return true;
}

bool PubSub::Unsubscribe(Subscriber& subscriber, NameKind kind, std::string_view name) {
  const auto k = static_cast<size_t>(kind);
  const auto mine = subscriber.places_[k].find(name);
  if (mine == subscriber.places_[k].end()) return false;
  const auto worker_index = static_cast<size_t>(subscriber.connection_.worker().index());
  auto& lists = rosters_[worker_index]->lists[k];
  const auto found = lists.find(name);
  HEARTH_CHECK(found != lists.end());
  std::vector<Subscription>& list = found->second;
  // The last takes the place.
  list[mine->second] = list.back();
  list[mine->second].subscriber->places_[k].find(name)->second = mine->second;
  list.pop_back();
  if (list.empty()) lists.erase(found);
  {
    std::lock_guard lock(mutex_);
    const auto entry = directory_[k].find(name);
    --entry->second.by_worker[worker_index];
    if (--entry->second.total == 0) directory_[k].erase(entry);
  }
  subscriptions_.fetch_sub(1, std::memory_order_relaxed);
  subscriber.places_[k].erase(mine);
  return true;
}

void PubSub::Forget(Subscriber& subscriber) {
  for (size_t k = 0; k < kNameKindCount; ++k) {
    const auto kind = static_cast<NameKind>(k);
    for (const std::string& name : subscriber.Names(kind)) Unsubscribe(subscriber, kind, name);
  }
}

void PubSub::AddAudience(const Audience& audience, std::vector<bool>* wanted) {
  for (size_t i = 0; i < wanted->size(); ++i) {
    if (audience.by_worker[i] > 0) (*wanted)[i] = true;
  }
}

PubSub::MessagePtr PubSub::Make(NameKind kind, std::string_view channel, std::string_view payload,
                                uint64_t barrier, std::vector<bool>* wanted,
                                size_t* receivers) const {
  if (!has_subscribers()) return nullptr;
  std::shared_ptr<Message> message;
  const auto make = [&] {
    if (message) return;
    message = std::make_shared<Message>();
    message->kind = kind;
    message->channel = channel;
    message->barrier = barrier;
  };
  wanted->resize(rosters_.size());
  {
    std::shared_lock lock(mutex_);
    const auto& names = directory_[static_cast<size_t>(kind)];
    if (const auto found = names.find(channel); found != names.end()) {
      make();
      *receivers += found->second.total;
      AddAudience(found->second, wanted);
      message->body =
          Bulks({kind == NameKind::kChannel ? "message" : "smessage", channel, payload});
    }
    if (kind == NameKind::kChannel) {
      for (const auto& [pattern, audience] : directory_[static_cast<size_t>(NameKind::kPattern)]) {
        if (!GlobMatch(pattern, channel)) continue;
        make();
        *receivers += audience.total;
        AddAudience(audience, wanted);
        message->by_pattern.emplace_back(pattern, Bulks({"pmessage", pattern, channel, payload}));
      }
    }
    if (!message) return nullptr;
    message->at = clock_;
  }
  message->size_bytes = sizeof(Message) + message->channel.size() + message->body.size();
  for (const auto& [pattern, body] : message->by_pattern) {
    message->size_bytes += pattern.size() + body.size();
  }
  return message;
}

size_t PubSub::Publish(NameKind kind, std::string_view channel, std::string_view payload,
                       uint64_t barrier, const std::function<void()>& forward) {
  size_t receivers = 0;
  std::vector<bool> wanted;
  const MessagePtr message = Make(kind, channel, payload, barrier, &wanted, &receivers);
  if (!message && !forward) return 0;
  std::lock_guard lock(order_mutex_);
  if (message) Send(message, wanted);
  if (forward) forward();
  return receivers;
}

void PubSub::Send(const MessagePtr& message, const std::vector<bool>& wanted) {
  const Worker* here = Worker::Current();
  for (size_t i = 0; i < wanted.size(); ++i) {
    if (!wanted[i]) continue;
    Roster& roster = *rosters_[i];
    mail_bytes_.fetch_add(message->size_bytes, std::memory_order_relaxed);
    std::lock_guard lock(roster.mail_mutex);
    roster.mail.push_back(message);
    roster.mail_bytes += message->size_bytes;
    if (&roster.worker == here) {
      roster.has_own = true;
    } else if (!std::exchange(roster.drain_posted, true)) {
      roster.worker.Post([this, &roster] { Drain(roster, /*is_task=*/true); });
    }
  }
}

void PubSub::DeliverOwn(Roster& roster) {
  roster.has_own = false;
  Drain(roster, /*is_task=*/false);
}

// A task ends the drain that was posted, or posts the next.
void PubSub::Drain(Roster& roster, bool is_task) {
  std::vector<MessagePtr> mail;
  {
    std::lock_guard lock(roster.mail_mutex);
    // Sockets have their turns first.
    if (!is_task && roster.drain_posted && roster.mail_bytes >= kDrainBytesMax) return;
    size_t bytes = 0, count = 0;
    while (count < roster.mail.size() && bytes < kDrainBytesMax) {
      bytes += roster.mail[count++]->size_bytes;
    }
    if (count == roster.mail.size()) {
      mail.swap(roster.mail);
      if (is_task) roster.drain_posted = false;
    } else {
      const auto end = roster.mail.begin() + static_cast<ptrdiff_t>(count);
      mail.assign(roster.mail.begin(), end);
      roster.mail.erase(roster.mail.begin(), end);
      roster.drain_posted = true;
      roster.worker.RunAfter(kDrainPause, [this, &roster] { Drain(roster, /*is_task=*/true); });
    }
    roster.mail_bytes -= bytes;
    mail_bytes_.fetch_sub(bytes, std::memory_order_relaxed);
  }
  for (const MessagePtr& message : mail) Deliver(roster, *message);
}

void PubSub::Deliver(Roster& roster, const Message& message) {
  if (!message.body.empty()) {
    DeliverTo(roster, message, message.kind, message.channel, 3, message.body);
  }
  for (const auto& [pattern, body] : message.by_pattern) {
    DeliverTo(roster, message, NameKind::kPattern, pattern, 4, body);
  }
}

void PubSub::DeliverTo(Roster& roster, const Message& message, NameKind kind,
                       const std::string& name, size_t parts, std::string_view body) {
  const auto& lists = roster.lists[static_cast<size_t>(kind)];
  const auto found = lists.find(name);
  if (found == lists.end()) return;
  for (const Subscription& subscription : found->second) {
    Connection& connection = subscription.subscriber->connection_;
    if (subscription.since > message.at || connection.is_closing()) continue;
    static_cast<Session*>(connection.handler())->Push(parts, body, message.barrier);
  }
}

size_t PubSub::NameCount(NameKind kind) const {
  std::shared_lock lock(mutex_);
  return directory_[static_cast<size_t>(kind)].size();
}

size_t PubSub::SubscriberCount(NameKind kind, std::string_view name) const {
  std::shared_lock lock(mutex_);
  const auto& names = directory_[static_cast<size_t>(kind)];
  const auto found = names.find(name);
  return found == names.end() ? 0 : found->second.total;
}

std::vector<std::string> PubSub::Names(NameKind kind, std::string_view pattern) const {
  std::vector<std::string> names;
  std::shared_lock lock(mutex_);
  for (const auto& [name, audience] : directory_[static_cast<size_t>(kind)]) {
    if (GlobMatch(pattern, name)) names.push_back(name);
  }
  return names;
}

}  // namespace hearth
