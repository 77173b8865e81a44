#pragma once

// Set: sets of byte strings in memory and as rows.
//
//   packed  = see packed_set.h
//   element = member-bytes; its row's value is empty
//   head    = empty
//
// Commands use SetKey; nothing else knows which form a set has. The encoding follows Redis 7.2:
// intset while all members are integers and few, listpack while few and short, else hashtable.
//
// Thread, lifetime, errors: see collection_key.h and collection.h.

#include <functional>
#include <memory>
#include <string_view>
#include <vector>

#include "engine/collection_key.h"

namespace hearth {

std::unique_ptr<Collection> MakeSetCollection(uint64_t object_id);

class SetCollection;

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
  SetCollection& members() const;
  void ChooseEncoding(std::string_view added);
  void PrepareViews() const;
  std::string_view ViewAt(size_t index) const;
  bool HasIndexOfOwn() const;
  std::string_view packed_items() const;
  void PrepareIndex() const;
  void ForgetViews();

  // Of a set without a table, while they are known: views that stay until the next change.
  mutable std::vector<std::string_view> views_;
  mutable std::unique_ptr<char[]> digits_;  // of those that are integers
  mutable bool views_known_ = false, has_drawn_ = false;
  mutable std::vector<uint32_t> index_;  // of the views by their hashes, + 1; 0 = free
  mutable int lookups_ = 0;
};

}  // namespace hearth
