#pragma once

// ListCollection: a spread list in memory; see list.h for its rows.
//
// Thread, lifetime, errors: see collection.h.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "engine/collection.h"
#include "engine/list_nodes.h"

namespace hearth {

class ListCollection : public Collection {
 public:
  using Collection::Collection;

  // Where the first element of an empty list goes.
  static constexpr uint64_t kFirstIndex = uint64_t{1} << 63;

  ListNodes nodes;

  size_t size() const override { return nodes.size(); }
  size_t memory_bytes() const override { return sizeof(*this) + nodes.memory_bytes(); }
  bool ReadHead(std::string_view head) override;
  void LoadBounds(std::string* first, std::string* last) const override;
  bool Put(std::string_view element, std::string_view value) override;
  bool Erase(std::string_view element) override;
  bool ReadPacked(std::string_view packed) override;
  void AppendHead(std::string* to) const override;
  void Rows(const RowVisitor& visit) const override;

  // Moves the bounds when the ends passed them or are far from them; whether they changed.
  bool NoteBounds();
  // What the elements would take as a Redis listpack, in bytes.
  size_t ListpackSize();
  // The change of that; forgets it when it becomes too large to matter.
  void CountListpack(int64_t change);
  void ForgetListpackSize() { listpack_size_.reset(); }

 private:
  // Nothing when it was not kept up to date.
  std::optional<uint32_t> listpack_size_ = 0;
  uint64_t first_index_ = kFirstIndex;  // all indexes are within [first_index_, end_index_)
  uint64_t end_index_ = kFirstIndex;
};

// Bytes that an element takes in a Redis listpack, and those of an empty one.
size_t ListpackSizeOf(std::string_view element);
inline constexpr size_t kListpackHeaderSize = 7;

}  // namespace hearth
