// Tested by tests/engine/hash_test.cc.
#include "engine/hash_collection.h"

#include <cstdlib>

#include "engine/collection_limits.h"
#include "engine/cursor.h"
#include "engine/exact_buffer.h"
#include "engine/random.h"

namespace hearth {
namespace {

constexpr size_t kSmallFieldsMax = 512;
static_assert(kSmallFieldsMax < 1 << 15 && kSmallSizeMaxUsual <= UINT16_MAX);
static_assert(sizeof(HashCollection) == 32);

constexpr char kRowHasExpiry = 1;
constexpr size_t kExpirySize = sizeof(int64_t);
// An entry is overwritten in place unless that would leave more than this idle, in bytes.
constexpr size_t kIdleSizeMax = 48;
// What the timeline costs a field: a tree node with a time and an address.
constexpr size_t kTimelineNodeSize = 48;

// The payload of an entry: { (value-size << 1 | has-expiry):varint [expire-at-ms] value }.
size_t PayloadSize(size_t value_size, int64_t expire_at_ms) {
  return VarintSize(uint64_t{value_size} << 1) + value_size +
         (expire_at_ms == kNoExpiry ? 0 : kExpirySize);
}

void WritePayload(char* to, std::string_view value, int64_t expire_at_ms) {
  to = WriteVarint(to, uint64_t{value.size()} << 1 | (expire_at_ms == kNoExpiry ? 0 : 1));
  if (expire_at_ms != kNoExpiry) {
    PutFixed64(to, static_cast<uint64_t>(expire_at_ms));
    to += kExpirySize;
  }
  value.copy(to, value.size());
}

bool HasRoom(const MemberEntry& entry, size_t payload_size) {
  const auto head_size =
      static_cast<size_t>(entry.payload() - reinterpret_cast<const char*>(&entry));
  const size_t need = head_size + payload_size, room = entry.allocated_size();
  return room >= need && room - need <= kIdleSizeMax;
}

}  // namespace

HashCollection::~HashCollection() {
  is_big_ ? delete big_ : std::free(bytes_);
}

size_t HashCollection::memory_bytes() const {
  if (!is_big_) return sizeof(*this) + AllocatedSize(bytes_);
  return sizeof(*this) + sizeof(Big) + big_->table.memory_bytes() +
         big_->timeline.size() * kTimelineNodeSize;
}

bool HashCollection::Put(std::string_view element, std::string_view value) {
  if (value.empty() || (value[0] & ~kRowHasExpiry) != 0) return false;
  int64_t expire_at_ms = kNoExpiry;
  const bool has_expiry = value[0] == kRowHasExpiry;
  value.remove_prefix(1);
  if (has_expiry) {
    if (value.size() < kExpirySize) return false;
    expire_at_ms = static_cast<int64_t>(GetFixed64(value.data()));
    value.remove_prefix(kExpirySize);
  }
  (void)Set({element, value, expire_at_ms});
  return true;
}

bool HashCollection::ReadPacked(std::string_view packed) {
  PackedHashReader reader(packed);
  for (HashField field; reader.Next(&field);) (void)Set(field);
  return reader.ok();
}

bool HashCollection::AppendAsPacked(std::string* to) const {
  std::vector<HashField> fields;
  Each([&](const HashField& field) { fields.push_back(field); });
  to->append(PackHashFields(fields));
  return true;
}

std::string HashCollection::RowHead(int64_t expire_at_ms) {
  std::string head(1, expire_at_ms == kNoExpiry ? char{0} : kRowHasExpiry);
  if (expire_at_ms != kNoExpiry) AppendFixed64(&head, static_cast<uint64_t>(expire_at_ms));
  return head;
}

void HashCollection::Rows(const RowVisitor& visit) const {
  std::string value;
  Each([&](const HashField& field) {
    value = RowHead(field.expire_at_ms);
    value.append(field.value);
    visit(field.name, value);
  });
}

ElementExpiry HashCollection::element_expiry() const {
  if (!is_big_ || big_->timeline.empty()) return {};
  const Timeline& timeline = big_->timeline;
  return {timeline.begin()->first,
          timeline.size() == size() ? timeline.rbegin()->first : kNoExpiry};
}

std::optional<HashCollection::Place> HashCollection::FindSmall(std::string_view name) const {
  // What the sought item begins with.
  std::string head;
  AppendPacked(&head, name);
  const size_t last = head.size() - 1;
  PackedReader reader(small());
  while (!reader.done()) {
    const size_t offset = reader.offset();
    const std::string_view item = reader.Next();
    // Names of one hash often differ at their end alone.
    if (item.size() <= last || item[last] != head[last] || !item.starts_with(head)) continue;
    return Place{item, offset, reader.offset()};
  }
  return std::nullopt;
}

std::optional<HashField> HashCollection::Find(std::string_view name) const {
  if (!is_big_) {
    const auto place = FindSmall(name);
    return place ? std::optional(FieldOf(place->item)) : std::nullopt;
  }
  const MemberEntry* entry = big_->table.Find(name);
  return entry == nullptr ? std::nullopt : std::optional(FieldOf(*entry));
}

void HashCollection::Splice(size_t offset, size_t remove_size, std::string_view insert) {
  bytes_ = SpliceExact(bytes_, size_bytes_, offset, remove_size, insert);
  size_bytes_ = static_cast<uint16_t>(size_bytes_ - remove_size + insert.size());
}

size_t HashCollection::SmallSizeOf(const HashField& field) {
  return VarintSize(field.name.size()) + field.name.size() + field.value.size();
}

// Requires: it stays a small one.
bool HashCollection::SetSmall(const HashField& field) {
  const size_t size = SmallSizeOf(field);
  std::string item;
  item.reserve(VarintSize(size) + size);
  AppendVarint(&item, size);
  AppendPacked(&item, field.name);
  item.append(field.value);
  const auto place = FindSmall(field.name);
  if (place) {
    Splice(place->offset, place->end_offset - place->offset, item);
  } else {
    Splice(size_bytes_, 0, item);
    ++count_;
  }
  return !place;
}

bool HashCollection::Set(const HashField& field) {
  if (!is_big_) {
    const size_t size_max = Limits().small_size_max.load(std::memory_order_relaxed);
    const size_t item_size = VarintSize(SmallSizeOf(field)) + SmallSizeOf(field);
    // As if the field were new: a value that is replaced near the limit may tip the scale.
    if (field.expire_at_ms == kNoExpiry && count_ < kSmallFieldsMax &&
        size_bytes_ + item_size <= size_max) {
      return SetSmall(field);
    }
    BecomeBig();
  }
  return SetBig(field);
}

void HashCollection::BecomeBig() {
  char* const bytes = bytes_;
  PackedReader reader(small());
  big_ = new Big;
  is_big_ = true;
  while (!reader.done()) (void)SetBig(FieldOf(reader.Next()));
  std::free(bytes);
}

bool HashCollection::SetBig(const HashField& field) {
  const size_t payload_size = PayloadSize(field.value.size(), field.expire_at_ms);
  MemberEntry* entry = big_->table.Find(field.name);
  const bool is_new = entry == nullptr;
  if (!is_new) Unlist(entry);
  if (!is_new && HasRoom(*entry, payload_size)) {
    WritePayload(entry->payload(), field.value, field.expire_at_ms);
  } else {
    MemberEntry* old = entry;
    entry = MemberEntry::Make(field.name, payload_size);
    WritePayload(entry->payload(), field.value, field.expire_at_ms);
    if (is_new) {
      big_->table.Insert(entry);
    } else {
      big_->table.Replace(old, entry);
    }
  }
  if (field.expire_at_ms != kNoExpiry) big_->timeline.emplace(field.expire_at_ms, entry);
  return is_new;
}

bool HashCollection::Remove(std::string_view name) {
  if (!is_big_) {
    const auto place = FindSmall(name);
    if (!place) return false;
    Splice(place->offset, place->end_offset - place->offset, {});
    --count_;
    return true;
  }
  MemberEntry* entry = big_->table.Remove(name);
  if (entry == nullptr) return false;
  Unlist(entry);
  MemberEntry::Free(entry);
  return true;
}

void HashCollection::Unlist(const MemberEntry* entry) {
  if (big_->timeline.empty()) return;
  const int64_t expire_at_ms = FieldOf(*entry).expire_at_ms;
  if (expire_at_ms != kNoExpiry) big_->timeline.erase({expire_at_ms, entry});
}

std::optional<std::string_view> HashCollection::FirstDue(int64_t now_ms) const {
  if (element_expiry().first_ms == kNoExpiry || element_expiry().first_ms > now_ms) {
    return std::nullopt;
  }
  return big_->timeline.begin()->second->member();
}

size_t HashCollection::DueCount(int64_t now_ms) const {
  size_t count = 0;
  if (!is_big_) return count;
  const Timeline& timeline = big_->timeline;
  for (auto at = timeline.begin(); at != timeline.end() && at->first <= now_ms; ++at) ++count;
  return count;
}

HashField HashCollection::FieldOf(const MemberEntry& entry) {
  HashField field{entry.member(), {}, kNoExpiry};
  const char* from = field.name.data() + field.name.size();
  uint64_t head = 0;
  for (int shift = 0;; shift += 7) {
    const auto byte = static_cast<unsigned char>(*from++);
    head |= uint64_t{byte & 0x7fu} << shift;
    if (byte < 0x80) break;
  }
  if ((head & 1) != 0) {
    field.expire_at_ms = static_cast<int64_t>(GetFixed64(from));
    from += kExpirySize;
  }
  field.value = {from, head >> 1};
  return field;
}

uint64_t HashCollection::Walk(uint64_t cursor, size_t count, const Visitor& visit) const {
  if (is_big_) {
    return big_->table.Walk(cursor, count, [&](const MemberEntry& e) { visit(FieldOf(e)); });
  }
  // A cursor is of a walk that began when it was big.
  Each([&](const HashField& field) {
    if (cursor == 0 || CursorOf(MemberTable::HashOf(field.name)) >= cursor) visit(field);
  });
  return 0;
}

HashField HashCollection::Random() const {
  if (is_big_) return FieldOf(*big_->table.Random(RandomBits));
  PackedReader reader(small());
  for (size_t left = RandomBits() % count_; left > 0; --left) (void)reader.Next();
  return FieldOf(reader.Next());
}

}  // namespace hearth
