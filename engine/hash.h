#pragma once

// Hash: fields with values, and when fields expire, in memory and as rows.
//
//   packed  = see packed_hash.h
//   element = name; its row's value is flags:u8 [expire-at-ms:i64le] value
//   flags   = bit 0: expire-at-ms is there
//   head    = empty
//
// Commands use HashKey; nothing else knows which form a hash has. The encoding follows Redis 7.2:
// listpack while fields are few and short (listpackex once one was given an expiry, as in 7.4),
// else hashtable.
//
// A field whose time has come is never shown or counted. Opening the key deletes and logs such
// fields, up to kFieldsPurgedMax at a time, unless the Tx may not (a replica's); a hash of which
// every field has expired is found absent by the Tx. Where the Tx sees what has expired
// (TxOptions::see_expired), so does the hash.
//
// Thread, lifetime, errors: see collection_key.h and collection.h.

#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "engine/collection_key.h"
#include "engine/packed_hash.h"

namespace hearth {

std::unique_ptr<Collection> MakeHashCollection(uint64_t object_id);
// When the fields of a packed hash expire.
ElementExpiry PackedHashExpiry(std::string_view packed);

inline constexpr size_t kFieldsPurgedMax = 1000;

class HashCollection;

class HashKey : public CollectionKey {
 public:
  using Field = HashField;
  using Visitor = std::function<void(const Field& field)>;

  HashKey(Tx& tx, std::string_view key, const Object* found);

  // Without fields whose time has come, here and below.
  size_t size() const;
  // The views are good until the next change.
  std::optional<Field> Find(std::string_view name) const;
  // Tells how many fields are about to be set, or what: Redis chooses the encoding by all of it
  // first.
  void Expect(size_t count);
  void Expect(std::string_view name, std::string_view value);
  // Sets value and expiry; true when the field is new. Requires: neither points into the hash.
  bool Set(std::string_view name, std::string_view value, int64_t expire_at_ms = kNoExpiry);
  bool Remove(std::string_view name);
  // Changes when the field expires; kNoExpiry = never. Requires: the field is there.
  void SetExpiry(std::string_view name, int64_t expire_at_ms);
  // Visits every field. visit may not change the hash.
  void Each(const Visitor& visit) const;
  // Visits about count fields from the cursor on; returns the next cursor, 0 = done. What is in
  // the hash during the whole walk is visited exactly once.
  uint64_t Walk(uint64_t cursor, size_t count, const Visitor& visit) const;
  // Uniformly chosen. The views are good until the next change. Requires: not empty.
  Field Random() const;

 private:
  bool IsDue(int64_t expire_at_ms) const {
    return expire_at_ms != kNoExpiry && expire_at_ms <= tx().now_ms() && !tx().sees_expired();
  }
  HashCollection& fields() const;
  bool SetPacked(std::string_view name, std::string_view value, int64_t expire_at_ms);
  void RemovePacked(std::string_view name);
  void RewritePacked(std::string_view skipped_name, const Field* added);
  void Purge();
  void PurgePacked();
  void NoteExpiry();
};

}  // namespace hearth
