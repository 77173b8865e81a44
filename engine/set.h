#pragma once

// Set: sets of byte strings in memory and as rows.
//
//   packed  = { (size * 2):varint member-bytes | (size * 2 + 1):varint integer:le }, in the order
//             of adding; a member that is an integer stands as one, in as few bytes as hold it
//   element = member-bytes; its row's value is empty
//   head    = empty
//
// Commands use SetKey; nothing else knows which form a set has. The encoding follows Redis 7.2:
// intset while all members are integers and few, listpack while few and short, else hashtable.
//
// Thread, lifetime, errors: see collection_key.h and collection.h.

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "engine/collection_key.h"
#include "engine/member_table.h"

namespace hearth {

std::unique_ptr<Collection> MakeSetCollection(uint64_t object_id);

class SetKey : public CollectionKey {
 public:
  using Visitor = std::function<void(std::string_view member)>;

  SetKey(Tx& tx, std::string_view key, const Object* found)
      : CollectionKey(tx, key, found, ObjectType::kSet) {}

  size_t size() const;
  bool Contains(std::string_view member) const;
  // Tells how many members are about to be added, the first of them: Redis chooses the encoding
  // by that.
  void Expect(size_t count, std::string_view first);
  // Creates the absent set with an encoding, which the members added then may change.
  void StartAs(Encoding encoding) { Create(encoding); }
  // False when the member was there.
  bool Add(std::string_view member);
  bool Remove(std::string_view member);
  // Visits every member. The views are good until the next change or the end of this SetKey,
  // Close() included. visit may not change the set.
  void Each(const Visitor& visit) const;
  // Visits about count members from the cursor on; returns the next cursor, 0 = done. What is in
  // the set during the whole walk is visited exactly once.
  uint64_t Walk(uint64_t cursor, size_t count, const Visitor& visit) const;
  // Uniformly chosen. The view is good as Each's are, the same one for the same member. Requires:
  // not empty.
  std::string_view Random() const;

 private:
  const MemberTable& table() const;
  MemberTable& table();
  void ChooseEncoding(std::string_view added);

  // As views that stay until the next change.
  const std::vector<std::string_view>& PackedMembers() const;

  mutable std::vector<std::string_view> members_;  // while they are known
  mutable std::string digits_;                     // of those that are integers
  mutable bool members_known_ = false;
};

}  // namespace hearth
