#pragma once

// StreamEntries: the entries of one stream in memory, ordered by id.
//
// They stand in nodes of packed bytes; a node is full when Redis' listpack would be: its size is
// counted as Redis counts (stream-node-max-bytes, stream-node-max-entries), because approximate
// trimming removes whole nodes and clients see how many entries that were. The format is ours:
//
//   node   = names entry...
//   names  = field-count:varint { name-size:varint name }      of the node's first entry
//   entry  = flags:u8 ms-delta:varint seq:varint body-size:varint body
//   flags  = bit 0: has the names of the node's first entry
//   seq    = ms-delta is 0: the difference to the node's base; else as it is
//   body   = bit 0 set: { value } ; else field-count:varint { name-size:varint name value }
//   value  = size:varint bytes
//
// A removed entry's bytes go at once (those at a node's front with the node), but it counts in its
// node's fullness as it does in Redis.
//
// Thread:   guarded by its key's shard lock.
// Lifetime: entries' views die with the next change.
// Limits:   finding costs the logarithm of the node count and one node's entries.

#include <functional>
#include <map>
#include <span>
#include <string_view>
#include <vector>

#include "engine/packed.h"
#include "engine/stream_id.h"

namespace hearth {

// Names and values by turns.
using StreamFields = std::span<const std::string_view>;

// One entry, as a view into its node.
class StreamEntry {
 public:
  StreamEntry(StreamId id, size_t field_count, std::string_view names, std::string_view body)
      : id_(id), field_count_(field_count), names_(names), body_(body) {}

  StreamId id() const { return id_; }
  size_t field_count() const { return field_count_; }
  // visit(name, value)
  template <typename Visit>
  void Each(Visit visit) const {
    PackedReader names(names_), body(body_);
    for (size_t i = 0; i < field_count_; ++i) {
      const std::string_view name = names_.empty() ? body.Next() : names.Next();
      visit(name, body.Next());
    }
  }

 private:
  StreamId id_;
  size_t field_count_;
  std::string_view names_;  // empty: they stand in the body
  std::string_view body_;
};

// What XTRIM was told.
struct StreamTrim {
  enum class By : uint8_t { kNothing, kLength, kId } by = By::kNothing;
  uint64_t length_max = 0;
  StreamId id_min;
  bool approximate = false;  // whole nodes only
  uint64_t limit = 0;        // at most so many entries; 0 = no limit
};

// The entries that a trim took from the front.
struct StreamTrimmed {
  uint64_t count = 0;
  StreamId first, last;       // bounds of them, nothing else between; valid when count > 0
  std::vector<StreamId> ids;  // all of them, unless there are more than kRowsErasedSinglyMax
};

class StreamEntries {
 public:
  // Returns whether to go on.
  using Visitor = std::function<bool(const StreamEntry& entry)>;

  StreamEntries() = default;
  ~StreamEntries();
  StreamEntries(const StreamEntries&) = delete;
  StreamEntries& operator=(const StreamEntries&) = delete;

  size_t size() const { return size_; }
  size_t node_count() const { return nodes_.size(); }
  size_t memory_bytes() const { return memory_bytes_; }
  // 0-0 when there are none.
  StreamId first_id() const;
  StreamId last_id() const;

  bool Contains(StreamId id) const;
  // Whether all entries come before the id.
  bool EndsBefore(StreamId id) const;
  // How many stand in [first, last], counted up to count_max.
  size_t Count(StreamId first, StreamId last, size_t count_max) const;
  // Requires: id is greater than those of all entries that were here.
  void Append(StreamId id, StreamFields fields);
  // Returns whether it was there.
  bool Remove(StreamId id);
  StreamTrimmed Trim(const StreamTrim& trim);
  // Visits the entries of [first, last] upwards or downwards.
  void Walk(StreamId first, StreamId last, const Visitor& visit) const;
  void WalkBack(StreamId first, StreamId last, const Visitor& visit) const;

 private:
  struct Node {
    char* bytes = nullptr;
    uint32_t size = 0;
    uint32_t capacity = 0;
    uint32_t begin = 0;  // where the first entry stands
    uint32_t count = 0;
    uint32_t removed_count = 0;
    uint32_t listpack_size = 0;  // as Redis would need, without its two counters
    StreamId last_id;            // of all entries ever in it
    bool has_last = false;       // that one is still there
  };
  using Nodes = std::map<StreamId, Node>;  // by base: the id of the first entry ever in it
  struct Parsed;

  static Parsed Parse(const Node& node, StreamId base, size_t offset);
  static std::string_view NamesOf(const Node& node, size_t* count);
  static bool IsFull(const Node& node, size_t more_size);
  Nodes::const_iterator NodeOf(StreamId id) const;
  Nodes::iterator NewNode(StreamId id, StreamFields fields);
  void AppendBytes(Node* node, std::string_view bytes);
  void Resize(Node* node, size_t capacity);
  Nodes::iterator FreeNode(Nodes::iterator node);
  void TrimWithin(Nodes::iterator node, const StreamTrim& trim, StreamTrimmed* trimmed);

  Nodes nodes_;
  size_t size_ = 0;
  size_t memory_bytes_ = 0;
};

}  // namespace hearth
