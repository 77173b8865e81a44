#pragma once

// CollectionKey: one key that holds (or will hold) a collection, opened within a Tx; what the
// types' own classes (SetKey, HashKey, ...) are made of.
//
// Hides whether the collection is packed or spread, and logs rows with every change:
//   packed: the bytes stand in the object; Splice changes them, and one head row is logged when
//           the key is closed, however many changes there were;
//   spread: the type changes its Collection and calls PutRow or EraseRow for each element row that
//           became different, at once; the head row is logged only when it changed (MarkHead).
// A packed collection that outgrows Limits().packed_size_max is spread by itself. A collection
// without elements is deleted with its key on closing (not a stream).
//
// Through a Tx that has no keys and holds no lock, objects of no keyspace (stored_keys.h) may be
// read: then nothing is logged or deleted, and nothing may be changed.
//
// Thread:   its Tx's.
// Lifetime: within its Tx; Close (the destructor) before the Tx or another CollectionKey touches
//           the same key. Views into elements die with the next change.
// Errors:   none: the key is resident.

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "engine/collection.h"
#include "engine/collection_limits.h"
#include "engine/tx.h"

namespace hearth {

class CollectionKey {
 public:
  // found: what tx.Find or tx.Peek answered for the key. Requires: null, or of this type.
  CollectionKey(Tx& tx, std::string_view key, const Object* found, ObjectType type);
  ~CollectionKey() { Close(); }
  CollectionKey(const CollectionKey&) = delete;
  CollectionKey& operator=(const CollectionKey&) = delete;

  // Logs what is to be logged; afterwards only the destructor may be called.
  void Close();
  // Whether the key was there, or was created by a change.
  bool exists() const { return object_ != nullptr; }
  // What OBJECT ENCODING answers. Requires: exists.
  Encoding encoding() const { return object_->encoding; }

 protected:
  bool is_spread() const { return object_ != nullptr && object_->spread(); }
  // The packed bytes; empty when the key is absent. Requires: not spread.
  std::string_view packed() const {
    return object_ == nullptr ? std::string_view() : object_->value();
  }
  // Requires: spread.
  Collection& collection() const { return *object_->collection(); }
  Tx& tx() const { return tx_; }
  const Object* object() const { return object_; }

  // Replaces remove_size packed bytes at offset; creates the key when it is absent. May spread the
  // collection: ask is_spread() again. insert may not point into the packed bytes.
  // Requires: not spread.
  void Splice(size_t offset, size_t remove_size, std::string_view insert);
  // Creates the key, packed and empty, when it is absent.
  void Create(Encoding encoding);
  // Gives every element its row, now; size_to_be: as Collection::Expect. Requires: exists, not
  // spread.
  void Spread(size_t size_to_be = 0);
  // Makes a spread collection packed with these bytes, or packed bytes others.
  void Pack(std::string_view packed);
  // Gives a spread collection a new object id and new rows: what deletions left behind in the
  // store is dropped with the old id.
  void Rewrite();
  void SetEncoding(Encoding encoding);
  // Whether elements of the object expire by themselves, and telling it.
  bool may_expire_elements() const { return object_ != nullptr && object_->elements_expire(); }
  void MarkElementsExpire(bool expire);
  // Whether a change may be what blocked clients wait for; a type that knows better says so.
  void SetWakesWaiters(bool wakes) { wakes_waiters_ = wakes; }
  // Tells that elements went by themselves, if anybody is to know.
  void TellGone(std::span<const std::string_view> elements);
  // The head bytes of a spread collection (AppendHead) are to be logged.
  void MarkHead() { head_changed_ = true; }

  // Logs an element row of a spread collection; the value in one or two parts.
  void PutRow(std::string_view element, std::string_view value, std::string_view value_rest = {});
  void EraseRow(std::string_view element);
  // Logs one deletion for all rows with elements of [first, last); empty last = to the end.
  // Costs every later cold read a little: for more than kRowsErasedSinglyMax rows.
  void EraseRows(std::string_view first, std::string_view last);

 private:
  void Changed(uint64_t seq);
  void AccountMemory();
  void ReplaceBy(Object* next);
  void DropErasedRows();

  Tx& tx_;
  KeyRef ref_;
  Object* object_;
  const ObjectType type_;
  bool created_ = false;
  bool head_changed_ = false;
  bool told_expiry_changed_ = false;  // the head row tells whether elements expire
  bool closed_ = false;
  bool rows_erased_ = false;
  bool wakes_waiters_ = true;
  uint64_t opened_seq_ = 0;    // the object's last change before
  size_t accounted_size_ = 0;  // of the Collection
};

// A spread collection of up to kRewrittenSizeMax elements gets new rows (or is packed) when more
// than this many rows were erased, and kErasedRowsPerElement times as many as it has elements: so
// no load walks over more.
inline constexpr uint64_t kErasedRowsKept = 1024;
inline constexpr uint64_t kErasedRowsPerElement = 8;
inline constexpr size_t kRewrittenSizeMax = 4096;

// A deletion of more rows than this is logged as one range deletion.
inline constexpr size_t kRowsErasedSinglyMax = 512;

}  // namespace hearth
