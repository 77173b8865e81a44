#pragma once

// UnreadCollection: what stands for a spread collection, or a long string, of which memory has read
// the head row alone.
//
// A command that asks for nothing that elements tell (KeyRef::head_only: TYPE, EXPIRE, RENAME, DEL)
// need not wait for all of them. Its object has the flag kUnread; it may get another expiry or name
// and may be deleted, never opened. Whoever needs elements has the keyspace fill it, by object id:
// its element rows are as they were when the head was read, since only an opened collection
// changes.
//
// Thread, lifetime: see collection.h.

#include <string>
#include <string_view>

#include "engine/collection.h"

namespace hearth {

class UnreadCollection : public Collection {
 public:
  UnreadCollection(uint64_t object_id, std::string_view head)
      : Collection(object_id), head_(head) {}

  const std::string& head() const { return head_; }

  size_t size() const override { return 0; }
  size_t memory_bytes() const override { return sizeof(*this) + head_.capacity(); }
  bool ReadHead(std::string_view head) override { return head == head_; }
  bool Put(std::string_view, std::string_view) override { return false; }
  bool Erase(std::string_view) override { return false; }
  bool ReadPacked(std::string_view) override { return false; }
  void AppendHead(std::string* to) const override { to->append(head_); }
  void Rows(const RowVisitor&) const override {}

 private:
  const std::string head_;  // what the head row holds behind the object id
};

}  // namespace hearth
