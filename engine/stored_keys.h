#pragma once

// StoredKeys: every key of a consistent view of the store, beside the keyspace in memory.
//
// Which databases there are, and what they count, is the view's too. Nothing becomes resident, no
// counter moves, and no lock of the keyspace is taken. Keys whose time has come are among them.
//
// Thread:   one at a time, any; reads the disk.
// Lifetime: while it lives the store is neither closed nor reopened, whoever wants that waits: end
//           it when the log fails.
// Errors:   Corruption: a row that does not parse, a collection that lost its elements; others: a
//           read failed. Never a walk that is short.
// Limits:   one key is in memory at a time, and what files and memtables the store keeps for the
//           view; an iterator lives for piece_bytes of keys.

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "engine/keyspace.h"
#include "engine/rows.h"
#include "engine/status.h"
#include "engine/store.h"

namespace hearth {

class Collection;

inline constexpr size_t kStoredPieceBytes = size_t{64} << 20;

class StoredKeys {
 public:
  // Takes the view. An error shows in dbs(), which is empty then, and in each walk.
  explicit StoredKeys(Keyspace& keyspace, size_t piece_bytes = kStoredPieceBytes);

  // What the view holds: everything up to this sequence.
  uint64_t seq() const { return view_.seq(); }
  // By index.
  const std::vector<DbState>& dbs() const { return state_.dbs; }

  // Visits each key with all its elements, database by database, until visit returns false. The
  // object is in no keyspace (see collection_key.h) and is freed after the visit.
  using KeyVisitor = std::function<bool(uint32_t db, Object& object)>;
  Status Keys(const KeyVisitor& visit);

  // The same for the libraries of functions, by name.
  using LibraryVisitor = std::function<bool(std::string_view name, std::string_view code)>;
  Status Libraries(const LibraryVisitor& visit);

 private:
  Status ReadKey(uint32_t db, std::string_view row_key, std::string_view row_value,
                 ObjectPointer* object);
  // Visits keys from the row *from on, and tells where to go on; empty: the database ends.
  Status ReadPiece(uint32_t db, const KeyVisitor& visit, std::string* from, bool* goes_on);

  const size_t piece_bytes_;
  StoreView view_;
  StoreState state_;
  Status status_;  // of reading the state
};

// Feeds a collection, whose head was read, with its element rows. Busy: there are more than so many
// rows, or more bytes of elements; the collection is of no use then.
Status ReadElements(StoreView& view, uint32_t db_id, Collection* collection,
                    size_t rows_max = SIZE_MAX, size_t bytes_max = SIZE_MAX);

}  // namespace hearth
