#pragma once

// Group: one committed group as it stands in the WAL and goes to replicas: the rows of some
// transactions, and the state row behind them.
//
//   payload = seq:u64le count:u32le row*         RocksDB's WriteBatch, its sequence set
//   row     = 1 key value | 0 key | 15 from to   put, delete, delete range; each bytes with a
//   varint
//                                                size before them
//
// RocksDB writes a batch to its WAL before it looks into it: one with an unknown tag or a wrong
// count makes a store that cannot be opened any more. So what comes from elsewhere is validated
// before it is written.
//
// Thread:   any; a Group does not change once it is made.
// Errors:   ValidateGroup says what is wrong, for a log line.

#include <cstdint>
#include <string>
#include <string_view>

#include "engine/rows.h"

namespace hearth {

struct Group {
  uint64_t first_seq = 0;
  uint32_t count = 0;  // rows, a sequence number each
  std::string payload;

  uint64_t last_seq() const { return first_seq + count - 1; }
};

inline constexpr size_t kGroupHeaderSize = 12;  // bytes

// Walks the rows of a payload.
class GroupReader {
 public:
  enum class Kind : uint8_t { kPut, kDelete, kDeleteRange };
  struct Row {
    Kind kind;
    std::string_view key;    // kDeleteRange: from
    std::string_view value;  // kPut: the value; kDeleteRange: to
  };

  // The payload must outlive the reader.
  explicit GroupReader(std::string_view payload);
  uint64_t first_seq() const { return first_seq_; }
  uint32_t count() const { return count_; }
  // False at the end and at a row that makes no sense.
  bool Next(Row* row);
  bool damaged() const { return damaged_; }

 private:
  std::string_view rest_;
  uint64_t first_seq_ = 0;
  uint32_t count_ = 0;
  bool damaged_ = false;
};

// Whether the payload is a whole group that begins at first_seq: known tags, as many rows as it
// says, keys and values in the formats of rows.h, and a state row of db_count databases or fewer at
// its end, which goes to *state. A group that is refused must not be written.
bool ValidateGroup(std::string_view payload, uint64_t first_seq, uint32_t db_count,
                   StoreState* state, std::string* error);

// XXH3-64 of a payload, for those who send and receive it.
uint64_t GroupChecksum(std::string_view payload);

// A group's rows as text, a line each with its sequence, for tools and for what a resync gave up.
std::string GroupText(const Group& group);

}  // namespace hearth
