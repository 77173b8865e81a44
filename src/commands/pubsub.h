#pragma once

// Pub/sub commands (pubsub.cc), for the table of their rows.

#include "src/command.h"

namespace hearth {

void SubscribeChannels(const Args& args, Session& session, Reply& reply);
void SubscribePatterns(const Args& args, Session& session, Reply& reply);
void SubscribeShardChannels(const Args& args, Session& session, Reply& reply);
void UnsubscribeChannels(const Args& args, Session& session, Reply& reply);
void UnsubscribePatterns(const Args& args, Session& session, Reply& reply);
void UnsubscribeShardChannels(const Args& args, Session& session, Reply& reply);
void PublishToChannel(const Args& args, Session& session, Reply& reply);
void PublishToShardChannel(const Args& args, Session& session, Reply& reply);
void PubSubChannels(const Args& args, Session& session, Reply& reply);
void PubSubShardChannels(const Args& args, Session& session, Reply& reply);
void PubSubNumSub(const Args& args, Session& session, Reply& reply);
void PubSubShardNumSub(const Args& args, Session& session, Reply& reply);
void PubSubNumPat(const Args& args, Session& session, Reply& reply);
void PubSubHelp(const Args& args, Session& session, Reply& reply);

}  // namespace hearth
