#pragma once

// Collection: the in-memory form of a collection whose elements stand in rows of their own.
//
// A small collection is packed: its bytes are its head row's value and nothing else exists (see
// collection_key.h). A bigger one is spread: it has an object id, never reused, and one row an
// element; in memory it is a Collection. Each type implements both directions here: its memory as
// rows (Rows, AppendHead) and rows into memory (ReadHead, Put, Erase, FinishLoad). Loading a cold
// key and applying a replicated row go through the same functions, so after any change
//   the object in memory = an empty one fed with its rows.
//
// Thread:   guarded by the shard's lock of its key.
// Lifetime: owned by the key's Object.
// Errors:   a row that makes no sense is false: the caller reports corruption.

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "engine/object.h"

namespace hearth {

// When elements of a collection expire by themselves (fields of a hash).
struct ElementExpiry {
  int64_t first_ms = kNoExpiry;  // kNoExpiry: none ever does
  int64_t last_ms = kNoExpiry;   // kNoExpiry: some element never does
};

class Collection {
 public:
  using RowVisitor = std::function<void(std::string_view element, std::string_view value)>;

  explicit Collection(uint64_t object_id) : object_id_(object_id) {}
  virtual ~Collection() = default;
  Collection(const Collection&) = delete;
  Collection& operator=(const Collection&) = delete;

  // An empty one. Types that do not exist give nullptr.
  static std::unique_ptr<Collection> Make(ObjectType type, uint64_t object_id);

  uint64_t object_id() const { return object_id_; }
  // As the type's length command counts.
  virtual size_t size() const = 0;
  virtual size_t row_count() const { return size(); }
  // Bytes allocated; kept as a running sum, never counted.
  virtual size_t memory_bytes() const = 0;
  virtual ElementExpiry element_expiry() const { return {}; }
  // Fetches into the processor's cache what lookups of the members will read. Worth it for several.
  virtual void Prefetch(std::span<const std::string_view> members) const { (void)members; }

  // Element rows erased under this object id: what a load walks over although it is gone.
  uint32_t erased_row_count() const { return erased_row_count_; }
  void CountErasedRow() {
    if (erased_row_count_ < UINT32_MAX) ++erased_row_count_;
  }

  // -- Rows into memory.
  // What AppendHead wrote; comes before the first element.
  virtual bool ReadHead(std::string_view head) { return head.empty(); }
  // The elements that may stand in rows: [*first, *last), both empty = all. Comes after ReadHead.
  // Keeps the load of a queue from walking what was taken out of it.
  virtual void LoadBounds(std::string* first, std::string* last) const { (void)first, (void)last; }
  // True with the elements that may stand in rows, when they are so few that each is looked up by
  // its key. Comes after ReadHead.
  virtual bool NamesRows(std::vector<std::string>* elements) const { return (void)elements, false; }
  // The element is new or changes its value. Loading calls it in ascending byte order of elements.
  virtual bool Put(std::string_view element, std::string_view value) = 0;
  // The element may be absent.
  virtual bool Erase(std::string_view element) = 0;
  // After the last row of a load.
  virtual bool FinishLoad() { return true; }
  // Comes before ReadPacked: what it will soon have, as size() counts.
  virtual void Expect(size_t size) { (void)size; }
  // Takes over what was packed. Requires: empty.
  virtual bool ReadPacked(std::string_view packed) = 0;

  // -- Memory as rows.
  // What the head row holds behind the object id; a change of it must be marked (MarkHead).
  virtual void AppendHead(std::string* to) const { (void)to; }
  // Every element row, in any order.
  virtual void Rows(const RowVisitor& visit) const = 0;
  // Appends what ReadPacked reads. False for a type that never goes back to its packed form.
  virtual bool AppendAsPacked(std::string* to) const { return (void)to, false; }

 private:
  const uint64_t object_id_;
  uint32_t erased_row_count_ = 0;
};

// Limits that users and tests set; read by every change, never cached.
struct CollectionLimits;

// Appends what a head row holds behind its header: the packed bytes, or object id and head.
void AppendHeadBody(const Object& object, std::string* to);

// Requires: not a tombstone.
ElementExpiry ElementExpiryOf(const Object& object);

// An object as its head row describes it; of a spread one still without elements, or unread
// (unread_collection.h). nullptr when the row is damaged. The caller owns it.
struct HeadValueParts;
Object* ObjectFromHead(std::string_view key, const HeadValueParts& parts, bool unread = false);

}  // namespace hearth
