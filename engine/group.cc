// Tested by tests/engine/group_applier_test.cc.
#include "engine/group.h"

#define XXH_STATIC_LINKING_ONLY
#include <xxhash.h>

#include <algorithm>

#include "engine/position.h"

namespace hearth {
namespace {

constexpr char kDeleteTag = 0, kPutTag = 1, kDeleteRangeTag = 15;
constexpr uint64_t kSeqMax = (uint64_t{1} << 56) - 1;  // RocksDB's

bool ReadBytes(std::string_view* from, std::string_view* bytes) {
  uint64_t size;
  if (!ReadVarint(from, &size) || size > from->size()) return false;
  *bytes = from->substr(0, size);
  from->remove_prefix(size);
  return true;
}

bool IsKnownType(ObjectType type) {
  switch (type) {
    case ObjectType::kString:
    case ObjectType::kList:
    case ObjectType::kSet:
    case ObjectType::kSortedSet:
    case ObjectType::kHash:
    case ObjectType::kStream:
      return true;
  }
  return false;
}

// Whether a row is one that this server could have written; says why not.
const char* WhatIsWrong(const GroupReader::Row& row, bool is_last) {
  const bool is_state = row.key == kStateRowKey;
  if (is_state != is_last && is_last) return "does not end with a state row";
  if (is_state) return row.kind == GroupReader::Kind::kPut ? nullptr : "deletes its state row";
  const char table = row.key.empty() ? '\0' : row.key[0];
  if (row.key == kLineageRowKey) {
    Lineage lineage;
    const bool sound = row.kind == GroupReader::Kind::kPut && ParseLineage(row.value, &lineage);
    return sound ? nullptr : "has a lineage row that does not parse";
  }
  if (table == kLibraryTable) {
    std::string_view code;
    const bool sound =
        row.key.size() > 1 &&
        (row.kind == GroupReader::Kind::kDelete ||
         (row.kind == GroupReader::Kind::kPut && ParseLibraryValue(row.value, &code)));
    return sound ? nullptr : "has a library row that does not parse";
  }
  if (table != kHeadTable && table != kElementTable) return "has a row of an unknown table";
  if (row.kind == GroupReader::Kind::kDeleteRange) {
    const bool sound = row.value.size() >= kHeadKeyPrefixSize && row.value[0] == table &&
                       row.key.size() >= kHeadKeyPrefixSize && row.key <= row.value;
    return sound ? nullptr : "has a range deletion that makes no sense";
  }
  if (table == kHeadTable) {
    HeadKeyParts key;
    HeadValueParts value;
    if (!ParseHeadKey(row.key, &key)) return "has a head row whose key does not parse";
    if (key.position != PositionOf(key.key)) return "has a head row at a wrong position";
    if (row.kind == GroupReader::Kind::kDelete) return nullptr;
    const bool sound = ParseHeadValue(row.value, &value) && IsKnownType(value.type) &&
                       EncodingName(value.encoding) != "unknown";
    return sound ? nullptr : "has a head row that does not parse";
  }
  ElementKeyParts key;
  std::string_view value;
  const bool sound = ParseElementKey(row.key, &key) && (row.kind == GroupReader::Kind::kDelete ||
                                                        ParseElementValue(row.value, &value));
  return sound ? nullptr : "has an element row that does not parse";
}

bool IsSound(const StoreState& state) {
  for (size_t i = 0; i < state.dbs.size(); ++i) {
    if (state.dbs[i].id >= state.next_db_id) return false;
    for (size_t j = 0; j < i; ++j) {
      if (state.dbs[i].id == state.dbs[j].id) return false;
    }
  }
  return true;
}

}  // namespace

GroupReader::GroupReader(std::string_view payload) : rest_(payload) {
  damaged_ = payload.size() < kGroupHeaderSize;
  if (damaged_) return;
  first_seq_ = GetFixed64(payload.data());
  std::memcpy(&count_, payload.data() + sizeof(first_seq_), sizeof(count_));
  rest_.remove_prefix(kGroupHeaderSize);
}

bool GroupReader::Next(Row* row) {
  if (damaged_ || rest_.empty()) return false;
  const char tag = rest_.front();
  rest_.remove_prefix(1);
  row->value = {};
  row->kind = tag == kPutTag ? Kind::kPut : tag == kDeleteTag ? Kind::kDelete : Kind::kDeleteRange;
  damaged_ = (tag != kPutTag && tag != kDeleteTag && tag != kDeleteRangeTag) ||
             !ReadBytes(&rest_, &row->key) ||
             (tag != kDeleteTag && !ReadBytes(&rest_, &row->value));
  return !damaged_;
}

bool ValidateGroup(std::string_view payload, uint64_t first_seq, uint32_t db_count,
                   StoreState* state, std::string* error) {
  const auto refuse = [error](const std::string& why) {
    *error = "the group " + why;
    return false;
  };
  GroupReader reader(payload);
  if (reader.damaged()) return refuse("has no header");
  if (reader.first_seq() != first_seq) return refuse("does not begin at its sequence");
  uint64_t left = reader.count();
  if (left == 0 || first_seq == 0 || first_seq > kSeqMax - left) return refuse("has a wrong count");
  GroupReader::Row row;
  for (; left > 0 && reader.Next(&row); --left) {
    if (const char* wrong = WhatIsWrong(row, left == 1)) return refuse(wrong);
  }
  if (reader.damaged()) return refuse("has a row that does not parse");
  const std::string_view state_row = row.value;
  if (left > 0 || reader.Next(&row) || reader.damaged()) {
    return refuse("has more or fewer rows than it says");
  }
  if (!ParseState(state_row, db_count, state)) {
    return refuse(std::string("has a state row that ") + WhatIsWrongWithState(state_row));
  }
  return IsSound(*state) || refuse("has a state row that makes no sense");
}

uint64_t GroupChecksum(std::string_view payload) {
  return XXH3_64bits(payload.data(), payload.size());
}

std::string GroupText(const Group& group) {
  std::string text;
  GroupReader reader(group.payload);
  GroupReader::Row row;
  for (uint64_t seq = group.first_seq; reader.Next(&row); ++seq) {
    text += std::to_string(seq) + " ";
    switch (row.kind) {
      case GroupReader::Kind::kPut:
        text += "put " + RowText(row.key, row.value);
        break;
      case GroupReader::Kind::kDelete:
        text += "delete " + RowKeyText(row.key);
        break;
      case GroupReader::Kind::kDeleteRange:
        text += "delete from " + RowKeyText(row.key) + " to " + RowKeyText(row.value);
        break;
    }
    text += "\n";
  }
  return text;
}

}  // namespace hearth
