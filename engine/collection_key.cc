// Tested by tests/engine/set_test.cc.
#include "engine/collection_key.h"

#include <cstring>

#include "engine/check.h"
#include "engine/keyspace.h"

namespace hearth {
namespace {

// A packed object's allocation is kept unless this many bytes of it would be idle.
constexpr size_t kIdleSizeMax = 128;

}  // namespace

CollectionKey::CollectionKey(Tx& tx, std::string_view key, const Object* found, ObjectType type)
    : tx_(tx),
      ref_(tx.db_, {}, 0),
      object_(const_cast<Object*>(found)),  // a Tx may change what it holds
      type_(type) {
  HEARTH_CHECK(found == nullptr || (found->type == type && !found->unread()));
  if (tx.locked_ == 0) [[unlikely]] {  // nobody's object, which is only read
    HEARTH_CHECK(found != nullptr && tx.keys_.empty());
    closed_ = true;
    return;
  }
  KeyRef scratch(tx.db_, {}, 0);
  ref_ = tx.Ref(tx.db_, key, &scratch);
  opened_seq_ = found != nullptr ? found->seq : 0;
  if (is_spread()) accounted_size_ = collection().memory_bytes();
}

void CollectionKey::Changed(uint64_t seq) {
  object_->seq = seq;
}

void CollectionKey::Create(Encoding encoding) {
  if (object_ != nullptr) return;
  Object* old = tx_.FindObject(ref_);  // a tombstone, or null
  HEARTH_CHECK(old == nullptr || old->tombstone());
  object_ = Object::Make(ref_.key, nullptr, 0, /*expires=*/false);
  object_->type = type_;
  object_->encoding = encoding;
  object_->access = tx_.keyspace_.FreshAccess(tx_.now_ms());
  tx_.keyspace_.Touch(object_, tx_.now_ms());
  tx_.PutObject(ref_, object_, old);
  tx_.NotifyNew(ref_);
  created_ = true;
  head_changed_ = true;
}

void CollectionKey::Splice(size_t offset, size_t remove_size, std::string_view insert) {
  HEARTH_CHECK(!is_spread());
  Create(Encoding::kListpack);
  const size_t old_size = object_->value_size();
  const size_t new_size = old_size - remove_size + insert.size();
  const size_t tail_size = old_size - offset - remove_size;
  const size_t need = Object::SizeFor(ref_.key.size(), new_size, object_->expiry_room);
  const char* from = object_->value().data();
  if (object_->Fits(new_size, /*expires=*/false) &&
      object_->allocated_size() <= need + kIdleSizeMax) {
    char* to = object_->mutable_value();
    std::memmove(to + offset + insert.size(), from + offset + remove_size, tail_size);
    insert.copy(to + offset, insert.size());
    object_->set_value_size(new_size);
  } else {
    Object* next = Object::Make(ref_.key, nullptr, new_size, object_->has_expiry());
    char* to = next->mutable_value();
    std::memcpy(to, from, offset);
    insert.copy(to + offset, insert.size());
    std::memcpy(to + offset + insert.size(), from + offset + remove_size, tail_size);
    next->seq = object_->seq;
    next->TakeAttributes(*object_);
    tx_.PutObject(ref_, next, object_);
    object_ = next;
  }
  head_changed_ = true;
  if (new_size > Limits().packed_size_max.load(std::memory_order_relaxed)) Spread();
}

void CollectionKey::Spread(size_t size_to_be) {
  HEARTH_CHECK(object_ != nullptr && !is_spread());
  auto collection = Collection::Make(type_, tx_.Log().next_seq());
  collection->Expect(size_to_be);
  HEARTH_CHECK(collection->ReadPacked(object_->value()));
  const uint64_t changes_before = tx_.change_count_;
  ReplaceBy(Object::MakeSpread(ref_.key, collection.release(), object_->has_expiry()));
  this->collection().Rows(
      [&](std::string_view element, std::string_view value) { PutRow(element, value); });
  tx_.change_count_ = changes_before;
  head_changed_ = true;
}

// Puts another form of the same value in the object's place.
void CollectionKey::ReplaceBy(Object* next) {
  next->seq = object_->seq;
  next->TakeAttributes(*object_);
  AccountMemory();
  tx_.PutObject(ref_, next, object_);
  object_ = next;
  accounted_size_ = is_spread() ? collection().memory_bytes() : 0;
}

void CollectionKey::Pack(std::string_view packed) {
  const std::string bytes(packed);
  if (is_spread()) tx_.DropRows(ref_.db, *object_);
  ReplaceBy(Object::Make(ref_.key, bytes.data(), bytes.size(), object_->has_expiry()));
  head_changed_ = true;
}

void CollectionKey::Rewrite() {
  HEARTH_CHECK(is_spread());
  auto next = Collection::Make(type_, tx_.Log().next_seq());
  std::string head;
  collection().AppendHead(&head);
  bool sound = next->ReadHead(head);
  const uint64_t changes_before = tx_.change_count_;
  collection().Rows([&](std::string_view element, std::string_view value) {
    sound &= next->Put(element, value);
    tx_.PutElementRow(ref_.db, next->object_id(), element, value, {});
  });
  HEARTH_CHECK(sound && next->FinishLoad());
  // One range, whatever is left: the old rows' deletions are what it is to cover.
  tx_.EraseElementRows(ref_.db, collection().object_id(), {}, {});
  ReplaceBy(Object::MakeSpread(ref_.key, next.release(), object_->has_expiry()));
  tx_.change_count_ = changes_before;
  head_changed_ = true;
}

void CollectionKey::SetEncoding(Encoding encoding) {
  if (object_->encoding == encoding) return;
  object_->encoding = encoding;
  head_changed_ = true;
}

void CollectionKey::TellGone(std::span<const std::string_view> elements) {
  if (GoneListener* const listener = tx_.keyspace_.gone_listener()) [[unlikely]]
    listener->OnFieldsGone(tx_, ref_.key, elements);
}

void CollectionKey::MarkElementsExpire(bool expire) {
  if (object_ == nullptr || object_->elements_expire() == expire) return;
  object_->flags ^= Object::kElementsExpire;
  told_expiry_changed_ |= is_spread();
  tx_.PutObject(ref_, object_, object_);
  if (expire) tx_.keyspace_.NoteElementsExpire();
}

// Parts with the element rows that were erased one by one, once they are many.
void CollectionKey::DropErasedRows() {
  const uint64_t erased = collection().erased_row_count();
  const size_t size = collection().row_count();
  if (erased <= kErasedRowsKept || erased <= kErasedRowsPerElement * size) return;
  if (size == 0 || size > kRewrittenSizeMax) return;
  std::string first, last;
  collection().LoadBounds(&first, &last);
  if (!first.empty() || !last.empty()) return;  // its loads walk over nothing that is gone
  // Well below the limit, or the next change would spread it again.
  const size_t packed_size_max = Limits().packed_size_max.load(std::memory_order_relaxed) / 2;
  std::string packed;
  if (size <= packed_size_max && collection().AppendAsPacked(&packed) &&
      packed.size() <= packed_size_max) {
    Pack(packed);
  } else {
    Rewrite();
  }
}

void CollectionKey::PutRow(std::string_view element, std::string_view value,
                           std::string_view value_rest) {
  Changed(tx_.PutElementRow(ref_.db, collection().object_id(), element, value, value_rest));
}

void CollectionKey::EraseRow(std::string_view element) {
  Changed(tx_.EraseElementRow(ref_.db, collection().object_id(), element));
  collection().CountErasedRow();
  rows_erased_ = true;
}

void CollectionKey::EraseRows(std::string_view first, std::string_view last) {
  Changed(tx_.EraseElementRows(ref_.db, collection().object_id(), first, last));
}

void CollectionKey::AccountMemory() {
  if (!is_spread()) return;
  const size_t size = collection().memory_bytes();
  tx_.keyspace_.shard(tx_.keyspace_.ShardIndex(ref_.position))
      .AddBytes(ref_.db, size, accounted_size_);
  accounted_size_ = size;
}

void CollectionKey::Close() {
  if (closed_ || object_ == nullptr) return;
  closed_ = true;
  if (rows_erased_ && is_spread()) DropErasedRows();
  AccountMemory();
  const bool changed = head_changed_ || object_->seq != opened_seq_;
  if (changed && wakes_waiters_) tx_.NoteReady(ref_, type_);
  if (changed) tx_.NoteChanged(ref_);
  const bool is_empty = is_spread() ? collection().size() == 0 : object_->value_size() == 0;
  if (is_empty && type_ != ObjectType::kStream) {
    tx_.DropRows(ref_.db, *object_);
    const int expires = !created_ && object_->has_expiry() ? -1 : 0;
    tx_.RemoveObject(ref_, object_, tx_.LogDelete(ref_, created_ ? 0 : -1, expires));
    if (!created_) tx_.Notify(EventClass::kGeneric, "del", ref_.db, ref_.key);
  } else if (head_changed_ || told_expiry_changed_) {
    const uint64_t changes = tx_.change_count_ + int{head_changed_};
    Changed(tx_.LogHead(ref_, *object_, created_ ? 1 : 0, 0));
    tx_.change_count_ = changes;  // an expiry of elements is counted with them
  }
}

}  // namespace hearth
