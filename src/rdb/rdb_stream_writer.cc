// Tested by tests/src/rdb/rdb_stream_test.cc and tests/rdb/restore_test.py.
#include <algorithm>

#include "src/rdb/listpack.h"
#include "src/rdb/rdb_output.h"
#include "src/rdb/rdb_stream.h"

namespace hearth::rdb {
namespace {

constexpr int64_t kFlagsNone = 0;
constexpr int64_t kFlagSameFields = 2;

// No node exceeds this, whatever the limits.
constexpr size_t kNodeBytesMax = size_t{1} << 30;

// The wrapping difference, which a reader adds again.
int64_t Difference(uint64_t value, uint64_t from) {
  return static_cast<int64_t>(value - from);
}

bool SameFields(const RdbStreamEntry& a, const RdbStreamEntry& b) {
  return std::equal(a.fields.begin(), a.fields.end(), b.fields.begin(), b.fields.end(),
                    [](const auto& x, const auto& y) { return x.first == y.first; });
}

size_t EntrySizeMax(const RdbStreamEntry& entry) {
  size_t size = 5 * ListpackWriter::ElementSizeMax(0);
  for (const auto& [field, value] : entry.fields) {
    size += ListpackWriter::ElementSizeMax(field.size());
    size += ListpackWriter::ElementSizeMax(value.size());
  }
  return size;
}

void AppendEntry(const RdbStreamEntry& master, const RdbStreamEntry& entry,
                 ListpackWriter* listpack) {
  const size_t start = listpack->count();
  const bool same_fields = SameFields(master, entry);
  listpack->AppendInteger(same_fields ? kFlagSameFields : kFlagsNone);
  listpack->AppendInteger(Difference(entry.id.ms, master.id.ms));
  listpack->AppendInteger(Difference(entry.id.seq, master.id.seq));
  if (!same_fields) listpack->AppendInteger(static_cast<int64_t>(entry.fields.size()));
  for (const auto& [field, value] : entry.fields) {
    if (!same_fields) listpack->Append(field);
    listpack->Append(value);
  }
  listpack->AppendInteger(static_cast<int64_t>(listpack->count() - start));
}

// How many entries from `from` on make one node: one at least, then while the limits hold.
size_t NodeEntryCount(const std::vector<RdbStreamEntry>& entries, size_t from,
                      const RdbEncodingLimits& limits) {
  size_t bytes_max = limits.stream_node_max_bytes;
  if (bytes_max == 0 || bytes_max > kNodeBytesMax) bytes_max = kNodeBytesMax;
  const size_t count_max =
      limits.stream_node_max_entries == 0 ? SIZE_MAX : limits.stream_node_max_entries;
  size_t bytes = 0, count = 0;
  while (from + count < entries.size() && count < count_max) {
    bytes += EntrySizeMax(entries[from + count]);
    if (count > 0 && bytes > bytes_max) break;
    ++count;
  }
  return count;
}

std::string MakeNode(const std::vector<RdbStreamEntry>& entries, size_t from, size_t count) {
  const RdbStreamEntry& master = entries[from];
  ListpackWriter listpack;
  listpack.AppendInteger(static_cast<int64_t>(count));
  listpack.AppendInteger(0);
  listpack.AppendInteger(static_cast<int64_t>(master.fields.size()));
  for (const auto& [field, value] : master.fields) listpack.Append(field);
  listpack.AppendInteger(0);
  for (size_t i = from; i < from + count; ++i) AppendEntry(master, entries[i], &listpack);
  return listpack.Finish();
}

void WriteNodes(const RdbStream& stream, const RdbEncodingLimits& limits, std::string* out) {
  std::string nodes;
  uint64_t node_count = 0;
  for (size_t from = 0; from < stream.entries.size(); ++node_count) {
    const size_t count = NodeEntryCount(stream.entries, from, limits);
    std::string id;
    AppendRawStreamId(stream.entries[from].id, &id);
    AppendString(id, false, &nodes);
    AppendString(MakeNode(stream.entries, from, count), limits.rdbcompression, &nodes);
    from += count;
  }
  AppendLength(node_count, out);
  out->append(nodes);
}

void WriteGroup(const RdbStreamGroup& group, bool compress, std::string* out) {
  AppendString(group.name, compress, out);
  AppendLengthStreamId(group.last_id, out);
  AppendLength(static_cast<uint64_t>(group.entries_read), out);

  std::vector<const RdbStreamPending*> pending;
  for (const auto& entry : group.pending) pending.push_back(&entry);
  std::sort(pending.begin(), pending.end(), [](auto* a, auto* b) { return a->id < b->id; });
  AppendLength(pending.size(), out);
  std::vector<std::vector<RdbStreamId>> ids_of_consumer(group.consumers.size());
  for (const auto* entry : pending) {
    AppendRawStreamId(entry->id, out);
    AppendFixed64(static_cast<uint64_t>(entry->delivery_time_ms), out);
    AppendLength(entry->delivery_count, out);
    ids_of_consumer.at(entry->consumer_index).push_back(entry->id);
  }

  AppendLength(group.consumers.size(), out);
  for (size_t i = 0; i < group.consumers.size(); ++i) {
    AppendString(group.consumers[i].name, compress, out);
    AppendFixed64(static_cast<uint64_t>(group.consumers[i].seen_time_ms), out);
    AppendLength(ids_of_consumer[i].size(), out);
    for (const auto& id : ids_of_consumer[i]) AppendRawStreamId(id, out);
  }
}

}  // namespace

void WriteStream(const RdbStream& stream, const RdbEncodingLimits& limits, std::string* out) {
  WriteNodes(stream, limits, out);
  AppendLength(stream.entries.size(), out);
  AppendLengthStreamId(stream.last_id, out);
  AppendLengthStreamId(stream.first_id, out);
  AppendLengthStreamId(stream.max_deleted_id, out);
  AppendLength(stream.entries_added, out);
  AppendLength(stream.groups.size(), out);
  for (const auto& group : stream.groups) WriteGroup(group, limits.rdbcompression, out);
}

}  // namespace hearth::rdb
