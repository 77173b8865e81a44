// Tested by tests/oracle/command_stream_test.py.
#include "src/commands/stream_effects.h"

#include <algorithm>

#include "src/numbers.h"

namespace hearth {
namespace {

// Where the option's threshold stands in [2, end); 0 = there is no trim.
size_t ThresholdIndex(const Args& args, size_t end) {
  for (size_t i = 2; i < end; ++i) {
    if (!IsWord(args[i], "MAXLEN") && !IsWord(args[i], "MINID")) continue;
    return args[i + 1] == "~" || args[i + 1] == "=" ? i + 2 : i + 1;
  }
  return 0;
}

}  // namespace

void PassOnTrimmed(const Args& args, size_t id_index, const StreamTrim& trim, StreamId id,
                   const StreamKey& stream) {
  Effects* const effects = Effects::Current();
  if (effects == nullptr) [[likely]]
    return;
  std::vector<std::string_view> words(args.begin(), args.end());
  const std::string id_text = id.Text();
  if (id_index != 0) words[id_index] = id_text;
  std::string left;
  if (trim.approximate) {
    const size_t index = ThresholdIndex(args, id_index == 0 ? args.size() : id_index);
    const StreamEntries& entries = stream.entries();
    const StreamId first = entries.size() == 0 ? kStreamIdMax : entries.first_id();
    left = IsWord(args[index - 2], "MAXLEN") ? std::to_string(entries.size()) : first.Text();
    words[index - 1] = "=";
    words[index] = left;
  }
  effects->Instead(words);
}

void PassOnClaim(std::string_view key, const StreamGroup& group, StreamId id, StreamId last_id) {
  if (Effects* const effects = Effects::Current()) [[unlikely]] {
    const StreamPending& pending = *group.pending.find(id);
    effects->Instead({"XCLAIM", key, group.name, pending.consumer->name, "0", pending.id.Text(),
                      "TIME", std::to_string(pending.delivered_ms), "RETRYCOUNT",
                      std::to_string(std::min<uint64_t>(pending.delivery_count, INT64_MAX)),
                      "FORCE", "JUSTID", "LASTID", last_id.Text()});
  }
}

void PassOnGroup(std::string_view key, const StreamGroup& group) {
  if (Effects* const effects = Effects::Current()) [[unlikely]] {
    effects->Instead({"XGROUP", "SETID", key, group.name, group.last_id.Text(), "ENTRIESREAD",
                      std::to_string(group.entries_read)});
  }
}

void PassOnConsumer(std::string_view key, const StreamGroup& group, std::string_view consumer) {
  PassOnAs({"XGROUP", "CREATECONSUMER", key, group.name, consumer});
}

}  // namespace hearth
