// Tested by tests/engine/stream_test.cc.
#include "engine/stream_entries.h"

#include <algorithm>
#include <charconv>
#include <cstdlib>
#include <cstring>
#include <new>

#include "engine/check.h"
#include "engine/collection_key.h"
#include "engine/collection_limits.h"

namespace hearth {
namespace {

constexpr uint8_t kSameNames = 1;
// Of a node's place in the map, beside its bytes.
constexpr size_t kNodeOverheadBytes = 112;
constexpr size_t kNodeCapacityMin = 48;
constexpr size_t kNodeGrowthMax = 4096;
// Redis' listpack: its header and end, and the most bytes that a node may have.
constexpr uint32_t kListpackFrameBytes = 7;
constexpr size_t kListpackBytesMax = size_t{1} << 30;

// What an element of so many bytes, header included, needs with the length behind it.
uint32_t WithBackLength(size_t size) {
  const size_t back = size <= 127 ? 1 : size < 16383 ? 2 : size < 2097151 ? 3 : 4;
  return static_cast<uint32_t>(size + back);
}

// The sizes of an integer and of a string in Redis' listpack ("listpack.md" in its repository).
uint32_t ListpackSize(int64_t value) {
  if (value >= 0 && value <= 127) return WithBackLength(1);
  if (value >= -4096 && value <= 4095) return WithBackLength(2);
  if (value >= INT16_MIN && value <= INT16_MAX) return WithBackLength(3);
  if (value >= -8388608 && value <= 8388607) return WithBackLength(4);
  if (value >= INT32_MIN && value <= INT32_MAX) return WithBackLength(5);
  return WithBackLength(9);
}

// Integers in their shortest form are stored as such.
bool IsInteger(std::string_view text, int64_t* value) {
  if (text.empty() || text.size() > 20) return false;
  const size_t first = text[0] == '-' ? 1 : 0;
  if (first == text.size() || text[first] < '0' || text[first] > '9') return false;
  if (text[first] == '0' && text.size() > 1) return false;
  const char* end = text.data() + text.size();
  const auto [rest, error] = std::from_chars(text.data(), end, *value);
  return error == std::errc() && rest == end;
}

uint32_t ListpackSize(std::string_view text) {
  int64_t value;
  if (IsInteger(text, &value)) return ListpackSize(value);
  const size_t header = text.size() < 64 ? 1 : text.size() < 4096 ? 2 : 5;
  return WithBackLength(header + text.size());
}

// Of an entry: flags, deltas, fields and the element count behind them.
uint32_t ListpackSizeOfEntry(StreamId id, StreamId base, StreamFields fields, bool same_names) {
  const auto count = static_cast<int64_t>(fields.size() / 2);
  uint32_t size = ListpackSize(int64_t{0}) + ListpackSize(static_cast<int64_t>(id.ms - base.ms)) +
                  ListpackSize(static_cast<int64_t>(id.seq - base.seq));
  if (!same_names) size += ListpackSize(count);
  for (size_t i = same_names ? 1 : 0; i < fields.size(); i += same_names ? 2 : 1) {
    size += ListpackSize(fields[i]);
  }
  return size + ListpackSize(same_names ? count + 3 : 2 * count + 4);
}

}  // namespace

struct StreamEntries::Parsed {
  StreamEntry entry;
  size_t next;  // offset of the entry behind it
};

StreamEntries::~StreamEntries() {
  for (auto& [base, node] : nodes_) std::free(node.bytes);
}

std::string_view StreamEntries::NamesOf(const Node& node, size_t* count) {
  std::string_view names(node.bytes, node.size);
  uint64_t number;
  HEARTH_CHECK(ReadVarint(&names, &number));
  *count = number;
  return names;
}

StreamEntries::Parsed StreamEntries::Parse(const Node& node, StreamId base, size_t offset) {
  std::string_view rest(node.bytes + offset, node.size - offset);
  const auto flags = static_cast<uint8_t>(rest.front());
  rest.remove_prefix(1);
  uint64_t ms_delta, seq, body_size, count;
  HEARTH_CHECK(ReadVarint(&rest, &ms_delta) && ReadVarint(&rest, &seq) &&
               ReadVarint(&rest, &body_size) && body_size <= rest.size());
  const StreamId id = {base.ms + ms_delta, ms_delta == 0 ? base.seq + seq : seq};
  std::string_view body = rest.substr(0, body_size);
  const size_t next = static_cast<size_t>(body.data() + body_size - node.bytes);
  if ((flags & kSameNames) != 0) {
    const std::string_view names = NamesOf(node, &count);
    return {StreamEntry(id, count, names, body), next};
  }
  HEARTH_CHECK(ReadVarint(&body, &count));
  return {StreamEntry(id, count, {}, body), next};
}

StreamEntries::Nodes::const_iterator StreamEntries::NodeOf(StreamId id) const {
  auto node = nodes_.upper_bound(id);
  return node == nodes_.begin() ? node : std::prev(node);
}

StreamId StreamEntries::first_id() const {
  if (nodes_.empty()) return {};
  const auto& [base, node] = *nodes_.begin();
  return Parse(node, base, node.begin).entry.id();
}

StreamId StreamEntries::last_id() const {
  if (!nodes_.empty() && nodes_.rbegin()->second.has_last) return nodes_.rbegin()->second.last_id;
  StreamId id;
  WalkBack(kStreamIdMin, kStreamIdMax, [&](const StreamEntry& entry) {
    id = entry.id();
    return false;
  });
  return id;
}

bool StreamEntries::Contains(StreamId id) const {
  bool found = false;
  Walk(id, id, [&](const StreamEntry&) {
    found = true;
    return false;
  });
  return found;
}

bool StreamEntries::EndsBefore(StreamId id) const {
  // The bound is often enough: it may be an entry that is gone.
  return nodes_.empty() || nodes_.rbegin()->second.last_id < id || last_id() < id;
}

size_t StreamEntries::Count(StreamId first, StreamId last, size_t count_max) const {
  if (nodes_.empty() || first > last) return 0;
  size_t count = 0;
  for (auto at = NodeOf(first); at != nodes_.end() && at->first <= last; ++at) {
    const Node& node = at->second;
    if (first <= at->first && node.last_id <= last) {
      count += node.count;
    } else {
      for (size_t offset = node.begin; offset < node.size;) {
        const Parsed parsed = Parse(node, at->first, offset);
        offset = parsed.next;
        if (parsed.entry.id() > last) break;
        if (parsed.entry.id() >= first) ++count;
      }
    }
    if (count >= count_max) return count_max;
  }
  return count;
}

void StreamEntries::Resize(Node* node, size_t capacity) {
  auto* bytes = static_cast<char*>(std::realloc(node->bytes, capacity));
  if (bytes == nullptr) throw std::bad_alloc();
  node->bytes = bytes;
  memory_bytes_ += capacity;
  memory_bytes_ -= node->capacity;
  node->capacity = static_cast<uint32_t>(capacity);
}

void StreamEntries::AppendBytes(Node* node, std::string_view bytes) {
  const size_t need = node->size + bytes.size();
  if (need > node->capacity) {
    const size_t spare = std::min(need, kNodeGrowthMax);
    Resize(node, std::max(kNodeCapacityMin, need + spare));
  }
  std::memcpy(node->bytes + node->size, bytes.data(), bytes.size());
  node->size = static_cast<uint32_t>(need);
}

StreamEntries::Nodes::iterator StreamEntries::FreeNode(Nodes::iterator node) {
  memory_bytes_ -= node->second.capacity + kNodeOverheadBytes;
  std::free(node->second.bytes);
  return nodes_.erase(node);
}

// Whether Redis would begin another node for an entry whose strings have so many bytes.
bool StreamEntries::IsFull(const Node& node, size_t more_size) {
  const CollectionLimits& limits = Limits();
  size_t size_max = limits.stream_node_size_max.load(std::memory_order_relaxed);
  if (size_max == 0 || size_max > kListpackBytesMax) size_max = kListpackBytesMax;
  const size_t size = node.listpack_size + ListpackSize(int64_t{node.count}) +
                      ListpackSize(int64_t{node.removed_count});
  if (size + more_size >= size_max) return true;
  const uint32_t count_max = limits.stream_node_entries_max.load(std::memory_order_relaxed);
  return count_max != 0 && node.count + node.removed_count >= count_max;
}

StreamEntries::Nodes::iterator StreamEntries::NewNode(StreamId id, StreamFields fields) {
  if (!nodes_.empty()) {
    Node& full = nodes_.rbegin()->second;
    if (full.capacity > full.size) Resize(&full, full.size);
  }
  const auto node = nodes_.emplace_hint(nodes_.end(), id, Node{});
  memory_bytes_ += kNodeOverheadBytes;
  std::string names;
  AppendVarint(&names, fields.size() / 2);
  uint32_t listpack_size = kListpackFrameBytes +
                           ListpackSize(static_cast<int64_t>(fields.size() / 2)) +
                           ListpackSize(int64_t{0});
  for (size_t i = 0; i < fields.size(); i += 2) {
    AppendPacked(&names, fields[i]);
    listpack_size += ListpackSize(fields[i]);
  }
  AppendBytes(&node->second, names);
  node->second.begin = node->second.size;
  node->second.listpack_size = listpack_size;
  return node;
}

void StreamEntries::Append(StreamId id, StreamFields fields) {
  size_t strings_size = 0;
  for (const std::string_view string : fields) strings_size += string.size();
  auto at = nodes_.empty() ? nodes_.end() : std::prev(nodes_.end());
  if (at == nodes_.end() || IsFull(at->second, strings_size)) at = NewNode(id, fields);
  Node& node = at->second;
  const StreamId base = at->first;

  size_t name_count;
  PackedReader names(NamesOf(node, &name_count));
  bool same_names = name_count == fields.size() / 2;
  for (size_t i = 0; same_names && i < fields.size(); i += 2)
    same_names = names.Next() == fields[i];

  thread_local std::string body, bytes;
  body.clear();
  bytes.clear();
  if (!same_names) AppendVarint(&body, fields.size() / 2);
  for (size_t i = same_names ? 1 : 0; i < fields.size(); i += same_names ? 2 : 1) {
    AppendPacked(&body, fields[i]);
  }
  bytes.push_back(static_cast<char>(same_names ? kSameNames : 0));
  AppendVarint(&bytes, id.ms - base.ms);
  AppendVarint(&bytes, id.ms == base.ms ? id.seq - base.seq : id.seq);
  AppendVarint(&bytes, body.size());
  bytes += body;
  AppendBytes(&node, bytes);
  node.listpack_size += ListpackSizeOfEntry(id, base, fields, same_names);
  ++node.count;
  node.last_id = id;
  node.has_last = true;
  ++size_;
}

bool StreamEntries::Remove(StreamId id) {
  if (nodes_.empty()) return false;
  const auto at = nodes_.find(NodeOf(id)->first);
  Node& node = at->second;
  for (size_t offset = node.begin; offset < node.size;) {
    const Parsed parsed = Parse(node, at->first, offset);
    if (parsed.entry.id() > id) return false;
    if (parsed.entry.id() < id) {
      offset = parsed.next;
      continue;
    }
    --size_;
    if (--node.count == 0) {
      FreeNode(at);
      return true;
    }
    ++node.removed_count;
    if (id == node.last_id) node.has_last = false;
    if (offset == node.begin) {
      node.begin = static_cast<uint32_t>(parsed.next);
    } else {
      std::memmove(node.bytes + offset, node.bytes + parsed.next, node.size - parsed.next);
      node.size -= static_cast<uint32_t>(parsed.next - offset);
    }
    return true;
  }
  return false;
}

namespace {

void Note(StreamId id, StreamTrimmed* trimmed) {
  if (trimmed->count++ == 0) trimmed->first = id;
  trimmed->last = id;
  if (trimmed->ids.size() <= kRowsErasedSinglyMax) trimmed->ids.push_back(id);
}

}  // namespace

// Removes from the front of a node that does not go as a whole.
void StreamEntries::TrimWithin(Nodes::iterator at, const StreamTrim& trim, StreamTrimmed* trimmed) {
  Node& node = at->second;
  while (node.begin < node.size) {
    const Parsed parsed = Parse(node, at->first, node.begin);
    if (trim.by == StreamTrim::By::kLength ? size_ <= trim.length_max
                                           : parsed.entry.id() >= trim.id_min) {
      break;
    }
    Note(parsed.entry.id(), trimmed);
    node.begin = static_cast<uint32_t>(parsed.next);
    --node.count;
    ++node.removed_count;
    --size_;
  }
  // The last entry ever in it may be one that was removed before.
  if (node.count == 0) FreeNode(at);
}

StreamTrimmed StreamEntries::Trim(const StreamTrim& trim) {
  StreamTrimmed trimmed;
  const bool by_length = trim.by == StreamTrim::By::kLength;
  for (auto at = nodes_.begin(); at != nodes_.end();) {
    const Node& node = at->second;
    if (by_length && size_ <= trim.length_max) break;
    if (trim.limit != 0 && trimmed.count + node.count > trim.limit) break;
    const bool whole =
        by_length ? size_ - node.count >= trim.length_max : node.last_id < trim.id_min;
    if (!whole) {
      if (!trim.approximate) TrimWithin(at, trim, &trimmed);
      break;
    }
    if (trimmed.ids.size() > kRowsErasedSinglyMax) {
      trimmed.count += node.count;
      trimmed.last = node.last_id;
    } else {
      for (size_t offset = node.begin; offset < node.size;) {
        const Parsed parsed = Parse(node, at->first, offset);
        Note(parsed.entry.id(), &trimmed);
        offset = parsed.next;
      }
    }
    size_ -= node.count;
    at = FreeNode(at);
  }
  return trimmed;
}

void StreamEntries::Walk(StreamId first, StreamId last, const Visitor& visit) const {
  if (nodes_.empty() || first > last) return;
  for (auto at = NodeOf(first); at != nodes_.end() && at->first <= last; ++at) {
    const Node& node = at->second;
    for (size_t offset = node.begin; offset < node.size;) {
      const Parsed parsed = Parse(node, at->first, offset);
      offset = parsed.next;
      if (parsed.entry.id() < first) continue;
      if (parsed.entry.id() > last || !visit(parsed.entry)) return;
    }
  }
}

void StreamEntries::WalkBack(StreamId first, StreamId last, const Visitor& visit) const {
  if (nodes_.empty() || first > last) return;
  std::vector<size_t> offsets;
  for (auto at = std::next(NodeOf(last)); at != nodes_.begin();) {
    --at;
    const Node& node = at->second;
    if (node.last_id < first) return;
    offsets.clear();
    for (size_t offset = node.begin; offset < node.size;) {
      const Parsed parsed = Parse(node, at->first, offset);
      if (parsed.entry.id() > last) break;
      offsets.push_back(offset);
      offset = parsed.next;
    }
    for (; !offsets.empty(); offsets.pop_back()) {
      const Parsed parsed = Parse(node, at->first, offsets.back());
      if (parsed.entry.id() < first || !visit(parsed.entry)) return;
    }
  }
}

}  // namespace hearth
