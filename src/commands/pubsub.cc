// Pub/sub commands. Tested by tests/src/pubsub_test.cc.
#include "src/commands/pubsub.h"

#include <algorithm>
#include <optional>

#include "src/commands/groups.h"
#include "src/effects.h"
#include "src/pubsub.h"
#include "src/replication/replication.h"
#include "src/server.h"
#include "src/session.h"

namespace hearth {
namespace {

// What a confirmation counts: shard channels by themselves, all others together.
size_t CountedWith(const Subscriber& subscriber, NameKind kind) {
  if (kind == NameKind::kShardChannel) return subscriber.count(kind);
  return subscriber.count(NameKind::kChannel) + subscriber.count(NameKind::kPattern);
}

// A confirmation is a push: CLIENT REPLY does not silence it.
void Confirm(std::string_view verb, std::optional<std::string_view> name, size_t count,
             Reply& reply) {
  reply.Unmuted([&] {
    reply.Push(3);
    reply.Bulk(verb);
    name ? reply.Bulk(*name) : reply.Null();
    reply.Integer(static_cast<int64_t>(count));
  });
}

void Subscribe(NameKind kind, std::string_view verb, const Args& args, Session& session,
               Reply& reply) {
  Subscriber& subscriber = session.subscriber();
  for (const std::string_view name : args.subspan(1)) {
    session.server().pubsub().Subscribe(subscriber, kind, name);
    Confirm(verb, name, CountedWith(subscriber, kind), reply);
  }
  session.FollowSubscriptions();
}

void Unsubscribe(NameKind kind, std::string_view verb, const Args& args, Session& session,
                 Reply& reply) {
  Subscriber& subscriber = session.subscriber();
  const auto leave = [&](std::string_view name) {
    session.server().pubsub().Unsubscribe(subscriber, kind, name);
    Confirm(verb, name, CountedWith(subscriber, kind), reply);
  };
  for (const std::string_view name : args.subspan(1)) leave(name);
  if (args.size() == 1) {
    const std::vector<std::string> names = subscriber.Names(kind);
    for (const std::string& name : names) leave(name);
    if (names.empty()) Confirm(verb, std::nullopt, CountedWith(subscriber, kind), reply);
  }
  session.FollowSubscriptions();
}

// What the publisher wrote and saw before, also within a transaction or script that goes on.
uint64_t BarrierOf(Session& session) {
  const uint64_t barrier = session.connection().barrier();
  const Tx* const open = session.open_tx();
  return open == nullptr ? barrier : std::max(barrier, open->barrier());
}

// Whoever gets the message may act on what its publisher wrote before: it waits as a reply does.
void Publish(NameKind kind, const Args& args, Session& session, Reply& reply,
             const std::function<void()>& forward) {
  // Events of what a transaction or script did until now come first.
  if (Tx* const open = session.open_tx()) open->TellEvents();
  const size_t receivers =
      session.server().pubsub().Publish(kind, args[1], args[2], BarrierOf(session), forward);
  reply.Integer(static_cast<int64_t>(receivers));
}

void ReplyNames(NameKind kind, const Args& args, Session& session, Reply& reply) {
  if (args.size() > 3) return reply.Error(WrongSubcommand("PUBSUB", args[1]));
  const std::vector<std::string> names =
      session.server().pubsub().Names(kind, args.size() == 3 ? args[2] : "*");
  reply.Array(names.size());
  for (const std::string& name : names) reply.Bulk(name);
}

void ReplyCounts(NameKind kind, const Args& args, Session& session, Reply& reply) {
  reply.Array((args.size() - 2) * 2);
  for (const std::string_view name : args.subspan(2)) {
    reply.Bulk(name);
    reply.Integer(static_cast<int64_t>(session.server().pubsub().SubscriberCount(kind, name)));
  }
}

}  // namespace

// SUBSCRIBE channel [channel...] and its like: one confirmation a name
void SubscribeChannels(const Args& args, Session& session, Reply& reply) {
  Subscribe(NameKind::kChannel, "subscribe", args, session, reply);
}
void SubscribePatterns(const Args& args, Session& session, Reply& reply) {
  Subscribe(NameKind::kPattern, "psubscribe", args, session, reply);
}
void SubscribeShardChannels(const Args& args, Session& session, Reply& reply) {
  Subscribe(NameKind::kShardChannel, "ssubscribe", args, session, reply);
}

// UNSUBSCRIBE [channel...] and its like: without names, all that there are
void UnsubscribeChannels(const Args& args, Session& session, Reply& reply) {
  Unsubscribe(NameKind::kChannel, "unsubscribe", args, session, reply);
}
void UnsubscribePatterns(const Args& args, Session& session, Reply& reply) {
  Unsubscribe(NameKind::kPattern, "punsubscribe", args, session, reply);
}
void UnsubscribeShardChannels(const Args& args, Session& session, Reply& reply) {
  Unsubscribe(NameKind::kShardChannel, "sunsubscribe", args, session, reply);
}

// To followers that speak Redis' protocol: within a transaction, with what it does.
void PassOn(const Args& args, Session& session) {
  Replication& replication = session.server().replication();
  if (!replication.command_stream().active()) [[likely]]
    return;
  StreamCommand command{session.db(), StreamWords(args)};
  if (Effects* const effects = Effects::Current()) return effects->Add(std::move(command));
  replication.command_stream().AppendLoose(command);
  replication.replicas().OnCommit();
}

// Replicas get the messages in the order in which this server's clients do.
std::function<void()> ForwardTo(const Args& args, Session& session, bool to_replicas) {
  Replication& replication = session.server().replication();
  to_replicas = to_replicas && replication.replicas().count() != 0;
  if (!to_replicas && !replication.command_stream().active()) [[likely]]
    return {};
  return [&args, &session, &replication, to_replicas] {
    if (to_replicas) replication.ForwardMessage(args[1], args[2], BarrierOf(session));
    PassOn(args, session);
  };
}

// PUBLISH channel message -> how many clients it goes to
void PublishToChannel(const Args& args, Session& session, Reply& reply) {
  const bool comes_of_here =
      !session.server().replication().is_replica() || session.applies_stream();
  Publish(NameKind::kChannel, args, session, reply, ForwardTo(args, session, comes_of_here));
}
void PublishToShardChannel(const Args& args, Session& session, Reply& reply) {
  Publish(NameKind::kShardChannel, args, session, reply, ForwardTo(args, session, false));
}

// PUBSUB CHANNELS [pattern]
void PubSubChannels(const Args& args, Session& session, Reply& reply) {
  ReplyNames(NameKind::kChannel, args, session, reply);
}
void PubSubShardChannels(const Args& args, Session& session, Reply& reply) {
  ReplyNames(NameKind::kShardChannel, args, session, reply);
}

// PUBSUB NUMSUB [channel...] -> each with its count
void PubSubNumSub(const Args& args, Session& session, Reply& reply) {
  ReplyCounts(NameKind::kChannel, args, session, reply);
}
void PubSubShardNumSub(const Args& args, Session& session, Reply& reply) {
  ReplyCounts(NameKind::kShardChannel, args, session, reply);
}

// PUBSUB NUMPAT -> how many patterns there are, not how many clients have them
void PubSubNumPat(const Args&, Session& session, Reply& reply) {
  reply.Integer(static_cast<int64_t>(session.server().pubsub().NameCount(NameKind::kPattern)));
}

void PubSubHelp(const Args&, Session&, Reply& reply) {
  ReplyHelp("PUBSUB",
            {"CHANNELS [<pattern>]",
             "    Return the currently active channels matching a <pattern> (default: '*').",
             "NUMPAT", "    Return number of subscriptions to patterns.", "NUMSUB [<channel> ...]",
             "    Return the number of subscribers for the specified channels, excluding",
             "    pattern subscriptions(default: no channels).", "SHARDCHANNELS [<pattern>]",
             "    Return the currently active shard level channels matching a <pattern> (default: "
             "'*').",
             "SHARDNUMSUB [<shardchannel> ...]",
             "    Return the number of subscribers for the specified shard level channel(s)"},
            reply);
}

}  // namespace hearth
