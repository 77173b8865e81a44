// Tested by tests/src/keyspace_events_test.cc.
#include "src/keyspace_events.h"

#include "src/pubsub.h"

namespace hearth {
namespace {

struct FlagLetter {
  char letter;
  uint32_t flag;
};

constexpr uint32_t Bit(EventClass type) {
  return static_cast<uint32_t>(type);
}

// In the order that CONFIG GET prints; "A" stands for all of kInAll.
constexpr FlagLetter kInAll[] = {
    {'g', Bit(EventClass::kGeneric)}, {'$', Bit(EventClass::kString)},
    {'l', Bit(EventClass::kList)},    {'s', Bit(EventClass::kSet)},
    {'h', Bit(EventClass::kHash)},    {'z', Bit(EventClass::kSortedSet)},
    {'x', Bit(EventClass::kExpired)}, {'e', Bit(EventClass::kEvicted)},
    {'t', Bit(EventClass::kStream)},  {'d', Bit(EventClass::kModule)},
};
constexpr FlagLetter kOthers[] = {
    {'K', kEventToKeyChannel},
    {'E', kEventToNameChannel},
    {'m', Bit(EventClass::kKeyMiss)},
};
constexpr uint32_t kNewFlag = Bit(EventClass::kNew);

constexpr uint32_t AllFlags() {
  uint32_t flags = 0;
  for (const FlagLetter& each : kInAll) flags |= each.flag;
  return flags;
}

}  // namespace

std::optional<uint32_t> ParseEventFlags(std::string_view text) {
  uint32_t flags = 0;
  for (const char c : text) {
    uint32_t flag = c == 'A' ? AllFlags() : c == 'n' ? kNewFlag : 0;
    for (const FlagLetter& each : kInAll) flag |= c == each.letter ? each.flag : 0;
    for (const FlagLetter& each : kOthers) flag |= c == each.letter ? each.flag : 0;
    if (flag == 0) return std::nullopt;
    flags |= flag;
  }
  return flags;
}

// As Redis prints them: behind "A" there is no "n".
std::string FormatEventFlags(uint32_t flags) {
  std::string text;
  if ((flags & AllFlags()) == AllFlags()) {
    text = "A";
  } else {
    for (const FlagLetter& each : kInAll) {
      if (flags & each.flag) text += each.letter;
    }
    if (flags & kNewFlag) text += 'n';
  }
  for (const FlagLetter& each : kOthers) {
    if (flags & each.flag) text += each.letter;
  }
  return text;
}

uint32_t WantedEventClasses(uint32_t flags) {
  constexpr uint32_t kChannels = kEventToKeyChannel | kEventToNameChannel;
  return flags & kChannels ? flags & ~kChannels : 0;
}

void KeyspaceEvents::Publish(const std::vector<KeyEvent>& events, uint64_t barrier) {
  if (!pubsub_.has_subscribers()) return;
  const uint32_t flags = flags_.load(std::memory_order_relaxed);
  for (const KeyEvent& event : events) {
    if ((flags & Bit(event.type)) == 0) continue;  // a replica's wish
    const std::string db = std::to_string(event.db);
    if (flags & kEventToKeyChannel) {
      pubsub_.Publish(NameKind::kChannel, "__keyspace@" + db + "__:" + event.key, event.name,
                      barrier);
    }
    if (flags & kEventToNameChannel) {
      pubsub_.Publish(NameKind::kChannel, "__keyevent@" + db + "__:" + std::string(event.name),
                      event.key, barrier);
    }
  }
}

}  // namespace hearth
