// Tested by tests/src/command_commands_test.cc.
//
// The rows of the pub/sub commands: what COMMAND INFO and COMMAND DOCS of Redis 7.0 print.
#include "src/commands/groups.h"
#include "src/commands/pubsub.h"

namespace hearth {
namespace {

constexpr ArgDoc kChannelsArguments[] = {
    {.name = "channel", .type = "string", .flags = "multiple"},
};

constexpr ArgDoc kOptionalChannelsArguments[] = {
    {.name = "channel", .type = "string", .flags = "optional multiple"},
};

constexpr ArgDoc kShardChannelsArguments[] = {
    {.name = "shardchannel", .type = "string", .flags = "multiple"},
};

constexpr ArgDoc kOptionalShardChannelsArguments[] = {
    {.name = "shardchannel", .type = "string", .flags = "optional multiple"},
};

constexpr ArgDoc kPsubscribePatternArguments[] = {
    {.name = "pattern", .type = "pattern"},
};

constexpr ArgDoc kPsubscribeArguments[] = {
    {.name = "pattern",
     .type = "block",
     .flags = "multiple",
     .children = kPsubscribePatternArguments},
};

constexpr ArgDoc kPunsubscribeArguments[] = {
    {.name = "pattern", .type = "pattern", .flags = "optional multiple"},
};

constexpr ArgDoc kPatternArguments[] = {
    {.name = "pattern", .type = "pattern", .flags = "optional"},
};

constexpr ArgDoc kPublishArguments[] = {
    {.name = "channel", .type = "string"},
    {.name = "message", .type = "string"},
};

constexpr ArgDoc kSpublishArguments[] = {
    {.name = "shardchannel", .type = "string"},
    {.name = "message", .type = "string"},
};

constexpr KeySpec kShardChannelsKeys[] = {
    {.flags = "not_key", .last = -1},
};

constexpr KeySpec kShardChannelKeys[] = {
    {.flags = "not_key"},
};

constexpr uint32_t kListenFlags =
    kCmdPubsub | kCmdNoscript | kCmdLoading | kCmdStale | kCmdInSubscribed;
constexpr uint32_t kAskFlags = kCmdPubsub | kCmdLoading | kCmdStale;

constexpr Command kPubsubSubcommands[] = {
    {.name = "pubsub|channels",
     .arity = -2,
     .flags = kAskFlags,
     .acl = 0,
     .session = PubSubChannels,
     .summary = "List active channels",
     .since = "2.8.0",
     .group = "pubsub",
     .complexity = "O(N) where N is the number of active channels, and assuming constant time "
                   "pattern matching (relatively short channels and patterns)",
     .arguments = kPatternArguments},
    {.name = "pubsub|help",
     .arity = 2,
     .flags = kCmdLoading | kCmdStale,
     .acl = 0,
     .session = PubSubHelp,
     .summary = "Show helpful text about the different subcommands",
     .since = "6.2.0",
     .group = "pubsub",
     .complexity = "O(1)"},
    {.name = "pubsub|numpat",
     .arity = 2,
     .flags = kAskFlags,
     .acl = 0,
     .session = PubSubNumPat,
     .summary = "Get the count of unique patterns pattern subscriptions",
     .since = "2.8.0",
     .group = "pubsub",
     .complexity = "O(1)"},
    {.name = "pubsub|numsub",
     .arity = -2,
     .flags = kAskFlags,
     .acl = 0,
     .session = PubSubNumSub,
     .summary = "Get the count of subscribers for channels",
     .since = "2.8.0",
     .group = "pubsub",
     .complexity = "O(N) for the NUMSUB subcommand, where N is the number of requested "
                   "channels",
     .arguments = kOptionalChannelsArguments},
    {.name = "pubsub|shardchannels",
     .arity = -2,
     .flags = kAskFlags,
     .acl = 0,
     .session = PubSubShardChannels,
     .summary = "List active shard channels",
     .since = "7.0.0",
     .group = "pubsub",
     .complexity = "O(N) where N is the number of active shard channels, and assuming constant "
                   "time pattern matching (relatively short shard channels).",
     .arguments = kPatternArguments},
    {.name = "pubsub|shardnumsub",
     .arity = -2,
     .flags = kAskFlags,
     .acl = 0,
     .session = PubSubShardNumSub,
     .summary = "Get the count of subscribers for shard channels",
     .since = "7.0.0",
     .group = "pubsub",
     .complexity = "O(N) for the SHARDNUMSUB subcommand, where N is the number of requested "
                   "shard channels",
     .arguments = kOptionalShardChannelsArguments},
};

constexpr Command kCommands[] = {
    {.name = "psubscribe",
     .arity = -2,
     .flags = kListenFlags,
     .acl = 0,
     .session = SubscribePatterns,
     .summary = "Listen for messages published to channels matching the given patterns",
     .since = "2.0.0",
     .group = "pubsub",
     .complexity = "O(N) where N is the number of patterns the client is already subscribed "
                   "to.",
     .arguments = kPsubscribeArguments},
    {.name = "publish",
     .arity = 3,
     .flags = kAskFlags | kCmdFast | kCmdMayReplicate,
     .acl = 0,
     .session = PublishToChannel,
     .summary = "Post a message to a channel",
     .since = "2.0.0",
     .group = "pubsub",
     .complexity = "O(N+M) where N is the number of clients subscribed to the receiving "
                   "channel and M is the total number of subscribed patterns (by any client).",
     .arguments = kPublishArguments},
    {.name = "punsubscribe",
     .arity = -1,
     .flags = kListenFlags,
     .acl = 0,
     .session = UnsubscribePatterns,
     .summary = "Stop listening for messages posted to channels matching the given patterns",
     .since = "2.0.0",
     .group = "pubsub",
     .complexity = "O(N+M) where N is the number of patterns the client is already subscribed "
                   "and M is the number of total patterns subscribed in the system (by any "
                   "client).",
     .arguments = kPunsubscribeArguments},
    {.name = "pubsub",
     .arity = -2,
     .flags = 0,
     .acl = 0,
     .subcommands = kPubsubSubcommands,
     .summary = "A container for Pub/Sub commands",
     .since = "2.8.0",
     .group = "pubsub",
     .complexity = "Depends on subcommand."},
    {.name = "spublish",
     .arity = 3,
     .flags = kAskFlags | kCmdFast | kCmdMayReplicate,
     .acl = 0,
     .key_specs = kShardChannelKeys,
     .session = PublishToShardChannel,
     .summary = "Post a message to a shard channel",
     .since = "7.0.0",
     .group = "pubsub",
     .complexity = "O(N) where N is the number of clients subscribed to the receiving shard "
                   "channel.",
     .arguments = kSpublishArguments},
    {.name = "ssubscribe",
     .arity = -2,
     .flags = kListenFlags,
     .acl = 0,
     .key_specs = kShardChannelsKeys,
     .session = SubscribeShardChannels,
     .summary = "Listen for messages published to the given shard channels",
     .since = "7.0.0",
     .group = "pubsub",
     .complexity = "O(N) where N is the number of shard channels to subscribe to.",
     .arguments = kShardChannelsArguments},
    {.name = "subscribe",
     .arity = -2,
     .flags = kListenFlags,
     .acl = 0,
     .session = SubscribeChannels,
     .summary = "Listen for messages published to the given channels",
     .since = "2.0.0",
     .group = "pubsub",
     .complexity = "O(N) where N is the number of channels to subscribe to.",
     .arguments = kChannelsArguments},
    {.name = "sunsubscribe",
     .arity = -1,
     .flags = kListenFlags,
     .acl = 0,
     .key_specs = kShardChannelsKeys,
     .session = UnsubscribeShardChannels,
     .summary = "Stop listening for messages posted to the given shard channels",
     .since = "7.0.0",
     .group = "pubsub",
     .complexity = "O(N) where N is the number of clients already subscribed to a shard "
                   "channel.",
     .arguments = kOptionalShardChannelsArguments},
    {.name = "unsubscribe",
     .arity = -1,
     .flags = kListenFlags,
     .acl = 0,
     .session = UnsubscribeChannels,
     .summary = "Stop listening for messages posted to the given channels",
     .since = "2.0.0",
     .group = "pubsub",
     .complexity = "O(N) where N is the number of clients already subscribed to a channel.",
     .arguments = kOptionalChannelsArguments},
};

}  // namespace

std::span<const Command> PubSubCommands() {
  return kCommands;
}

}  // namespace hearth
