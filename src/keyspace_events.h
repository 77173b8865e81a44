#pragma once

// KeyspaceEvents: what happens to keys, published on channels (`notify-keyspace-events`).
//
// An event goes to "__keyspace@<db>__:<key>" with its name as the message, to
// "__keyevent@<db>__:<name>" with the key, or to both, as the flags K and E say. A Tx gathers its
// events and tells them when it ends, before its keys are unlocked: events of a key come in the
// order of its changes. Subscribers get an event once the change that it tells of is in the log.
//
// Thread: any.

#include <atomic>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "engine/key_event.h"

namespace hearth {

class PubSub;

// EventClass bits, and the two channels beside them.
inline constexpr uint32_t kEventToKeyChannel = 1u << 30;
inline constexpr uint32_t kEventToNameChannel = 1u << 31;

// "AKE" and the like; nullopt when a letter is unknown.
std::optional<uint32_t> ParseEventFlags(std::string_view text);
// As CONFIG GET prints them.
std::string FormatEventFlags(uint32_t flags);
// The classes that a Tx is to gather: none without a channel to tell them on.
uint32_t WantedEventClasses(uint32_t flags);

class KeyspaceEvents {
 public:
  explicit KeyspaceEvents(PubSub& pubsub) : pubsub_(pubsub) {}

  void SetFlags(uint32_t flags) { flags_.store(flags, std::memory_order_relaxed); }
  // barrier: of the changes that the events tell of.
  void Publish(const std::vector<KeyEvent>& events, uint64_t barrier);

 private:
  PubSub& pubsub_;
  std::atomic<uint32_t> flags_{0};
};

}  // namespace hearth
