// Tested by tests/src/commands/stream_group_test.cc.
#include "src/commands/stream_progress.h"

#include <algorithm>
#include <cstdint>

namespace hearth {

bool MayHaveHoles(const StreamKey& stream, StreamId first) {
  const StreamId removed = stream.state().max_removed_id;
  return stream.entries().size() > 0 && !removed.is_zero() && first <= removed;
}

int64_t EntriesUpTo(const StreamKey& stream, StreamId id) {
  const StreamState& state = stream.state();
  const auto added = static_cast<int64_t>(state.entries_added);
  const auto size = static_cast<int64_t>(stream.entries().size());
  if (added == 0) return 0;
  if (size == 0 && id <= state.last_id) return added;
  // A removal behind the id leaves unknown how many came before it.
  if (!id.is_zero() && id < state.max_removed_id) return StreamGroup::kUnknown;
  if (id == state.last_id) return added;
  if (id > state.last_id) return StreamGroup::kUnknown;
  const StreamId first = stream.entries().first_id();
  if (state.max_removed_id.is_zero() || state.max_removed_id < first) {
    if (id < first) return added - size;
    if (id == first) return added - size + 1;
  }
  return StreamGroup::kUnknown;
}

int64_t EntriesReadAfter(const StreamKey& stream, StreamId id, int64_t entries_read) {
  if (entries_read != StreamGroup::kUnknown && !MayHaveHoles(stream, id)) {
    return std::min(entries_read, INT64_MAX - 1) + 1;  // ENTRIESREAD may say any number
  }
  return stream.state().entries_added > 0 ? EntriesUpTo(stream, id) : entries_read;
}

std::optional<int64_t> LagOf(const StreamKey& stream, const StreamGroup& group) {
  const StreamState& state = stream.state();
  const size_t size = stream.entries().size();
  if (state.entries_added == 0 || size == 0) return 0;
  const StreamId first = stream.entries().first_id();
  if (group.last_id < first && state.max_removed_id < first) return static_cast<int64_t>(size);
  if (group.entries_read != StreamGroup::kUnknown && !MayHaveHoles(stream, group.last_id)) {
    return static_cast<int64_t>(state.entries_added) - group.entries_read;
  }
  const int64_t read = EntriesUpTo(stream, group.last_id);
  if (read == StreamGroup::kUnknown) return std::nullopt;
  return static_cast<int64_t>(state.entries_added) - read;
}

}  // namespace hearth
