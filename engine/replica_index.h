#pragma once

// ReplicaIndex: what a replica's keyspace knows beyond a primary's: which resident key holds an
// object id, and what was changed in the store alone.
//
// A group's element row names an object id. Here stands whose it is, as long as that is resident;
// entries may be stale (the key was demoted since), so whoever finds one looks at the object. And a
// load that read the store before a group was written must not install what it read: groups mark
// what they change behind memory's back, a mark being the group's last sequence in the slot that a
// key's position or an object id hashes to. Two keys of one slot only cost a second read.
//
// Thread:   own mutex, taken within shard locks, never the other way round.
// Limits:   an entry a resident spread collection, and kMarkCount marks.

#include <algorithm>
#include <cstdint>
#include <mutex>
#include <string>
#include <unordered_map>
#include <vector>

namespace hearth {

class ReplicaIndex {
 public:
  struct Owner {
    uint32_t db_id;
    uint64_t position;
    std::string key;
  };

  std::mutex& mutex() { return mutex_; }
  // The rest require the mutex.
  void Put(uint64_t object_id, Owner owner) { owners_[object_id] = std::move(owner); }
  void Erase(uint64_t object_id) { owners_.erase(object_id); }
  const Owner* Find(uint64_t object_id) const {
    const auto found = owners_.find(object_id);
    return found == owners_.end() ? nullptr : &found->second;
  }
  // Forgets the owners in other databases.
  void KeepDbs(const std::vector<uint32_t>& db_ids) {
    std::erase_if(owners_, [&](const auto& entry) {
      return std::ranges::find(db_ids, entry.second.db_id) == db_ids.end();
    });
  }
  void Clear() { owners_.clear(); }
  size_t size() const { return owners_.size(); }

  void Mark(uint64_t what, uint64_t seq) {
    uint64_t& mark = marks_[SlotOf(what)];
    if (mark < seq) mark = seq;
  }
  // Whether something read at view_seq may be older than what stands in the store.
  bool IsStale(uint64_t what, uint64_t view_seq) const { return marks_[SlotOf(what)] > view_seq; }
  // After a failure: marks of groups that were not written would never be passed.
  void CapMarks(uint64_t seq) {
    for (uint64_t& mark : marks_) mark = std::min(mark, seq);
  }
  void ClearMarks() { marks_.assign(kMarkCount, 0); }

 private:
  static constexpr size_t kMarkCount = 1 << 13;
  static size_t SlotOf(uint64_t what) { return what * 0x9e3779b97f4a7c15ull >> 51; }

  std::mutex mutex_;
  std::unordered_map<uint64_t, Owner> owners_;
  std::vector<uint64_t> marks_ = std::vector<uint64_t>(kMarkCount);
};

}  // namespace hearth
