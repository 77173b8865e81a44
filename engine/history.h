#pragma once

// History: which sequence of groups a store's sequence numbers belong to.
//
// A sequence number means the same data on two servers only within one history. A primary that may
// have lost groups which others have seen, that was promoted, or that started from a snapshot goes
// on under a new id; so does every other one with the first group that it writes behind its start:
// nobody knows whether another server started from the same files. id2 is the id before, shared up
// to id2_seq.
//
// The history stands in the state row of every group, so it is committed with the data, and a
// replica gets its primary's with the groups it applies. The ids before it, the lineage, stand in a
// row of their own, which a new history's first group writes: who was away while a primary started
// again several times goes on where it was.
//
// Thread: a value.

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace hearth {

struct History {
  static constexpr size_t kIdSize = 40;  // hexadecimal digits

  std::string id;
  std::string id2;       // empty: none
  uint64_t id2_seq = 0;  // the last sequence that is valid under id2

  // Whether a server that has everything of `other` up to seq, and nothing beyond, has a prefix of
  // what this one has; last_seq: the last sequence here.
  bool Covers(std::string_view other, uint64_t seq, uint64_t last_seq) const {
    if (other == id) return seq <= last_seq;
    return !id2.empty() && other == id2 && seq <= id2_seq;
  }
  // The same data goes on under a new id from the group after last_seq on.
  History Renewed(std::string new_id, uint64_t last_seq) const {
    return {std::move(new_id), last_seq == 0 ? std::string() : id, last_seq};
  }
  bool operator==(const History&) const = default;
};

// The ids before the history's, oldest first; the last is its id2.
struct Lineage {
  static constexpr size_t kAncestorsMax = 64;

  struct Ancestor {
    std::string id;
    uint64_t last_seq;  // the last sequence that is valid under it
    bool operator==(const Ancestor&) const = default;
  };

  std::vector<Ancestor> ancestors;

  // As History::Covers, of the ancestors.
  bool Covers(std::string_view other, uint64_t seq) const;
  // What is before a history that follows on `id` and shares it up to shared_seq.
  void Add(const std::string& id, uint64_t shared_seq);
  // The last sequence that two servers have in common, each told by its ancestors and its own id,
  // valid up to what it has; 0: none.
  static uint64_t LastInCommon(std::span<const Ancestor> own, std::span<const Ancestor> other);
};

// A new replication id: 40 hexadecimal digits.
std::string NewReplicationId();

}  // namespace hearth
