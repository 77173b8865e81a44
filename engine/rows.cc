// Tested by tests/engine/rows_test.cc.
#include "engine/rows.h"

#include "engine/position.h"

namespace hearth {
namespace {

constexpr uint8_t kHasExpiry = 1;
constexpr uint8_t kIsSpread = 2;
constexpr uint8_t kFieldsStay = 4;
constexpr uint8_t kStateRowVersion1 = 1;
constexpr uint8_t kHasId2 = 1;
constexpr uint8_t kIsWritten = 2;
constexpr uint8_t kHasPlace = 4;

int DigitValue(char digit) {
  if (digit >= '0' && digit <= '9') return digit - '0';
  return digit >= 'a' && digit <= 'f' ? digit - 'a' + 10 : 0;
}

// Two digits a byte.
void AppendId(std::string* to, std::string_view id) {
  char bytes[History::kIdSize / 2] = {};
  for (size_t i = 0; i < sizeof(bytes) && 2 * i + 1 < id.size(); ++i) {
    bytes[i] = static_cast<char>(DigitValue(id[2 * i]) << 4 | DigitValue(id[2 * i + 1]));
  }
  to->append(bytes, sizeof(bytes));
}

bool ReadId(std::string_view* from, std::string* id) {
  static constexpr char kDigits[] = "0123456789abcdef";
  constexpr size_t kSize = History::kIdSize / 2;
  if (from->size() < kSize) return false;
  id->clear();
  for (const char c : from->substr(0, kSize)) {
    const auto byte = static_cast<unsigned char>(c);
    id->append({kDigits[byte >> 4], kDigits[byte & 15]});
  }
  from->remove_prefix(kSize);
  return true;
}

void AppendHistory(std::string* to, const StoreState& state) {
  const History& history = state.history;
  to->push_back(static_cast<char>((history.id2.empty() ? 0 : kHasId2) |
                                  (state.written ? kIsWritten : 0) |
                                  (state.place.id.empty() ? 0 : kHasPlace)));
  AppendId(to, history.id);
  if (!history.id2.empty()) {
    AppendId(to, history.id2);
    AppendVarint(to, history.id2_seq);
  }
  if (state.place.id.empty()) return;
  AppendId(to, state.place.id);
  AppendVarint(to, state.place.offset);
  AppendVarint(to, state.place.db);
}

bool ReadHistory(std::string_view* from, uint8_t version, StoreState* state) {
  History& history = state->history;
  history = {};
  state->place = {};
  if (version == kStateRowVersion1) {
    if (from->size() < History::kIdSize) return false;
    history.id = from->substr(0, History::kIdSize);
    from->remove_prefix(History::kIdSize);
    state->written = true;  // it may have been
    return true;
  }
  if (from->empty()) return false;
  const auto flags = static_cast<uint8_t>(from->front());
  from->remove_prefix(1);
  if (flags > (kHasId2 | kIsWritten | kHasPlace)) return false;
  state->written = (flags & kIsWritten) != 0;
  if (!ReadId(from, &history.id)) return false;
  if ((flags & kHasId2) != 0 &&
      !(ReadId(from, &history.id2) && ReadVarint(from, &history.id2_seq))) {
    return false;
  }
  if ((flags & kHasPlace) == 0) return true;
  uint64_t db;
  if (!ReadId(from, &state->place.id) || !ReadVarint(from, &state->place.offset) ||
      !ReadVarint(from, &db)) {
    return false;
  }
  state->place.db = static_cast<uint32_t>(db);
  return true;
}

void AppendPrintable(std::string* to, std::string_view bytes) {
  static constexpr char kDigits[] = "0123456789abcdef";
  for (const char c : bytes) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte >= 0x20 && byte < 0x7f && byte != '\\') {
      to->push_back(c);
    } else {
      to->append({'\\', 'x', kDigits[byte >> 4], kDigits[byte & 15]});
    }
  }
}

}  // namespace

std::string HeadKey(uint32_t db_id, uint64_t position, std::string_view key) {
  std::string row_key(kHeadKeyPrefixSize, '\0');
  WriteHeadKeyPrefix(row_key.data(), db_id, position);
  row_key.append(key);
  return row_key;
}

bool ParseHeadKey(std::string_view row_key, HeadKeyParts* parts) {
  if (row_key.size() < kHeadKeyPrefixSize || row_key[0] != kHeadTable) return false;
  parts->db_id = GetBigEndian32(row_key.data() + 1);
  parts->position = GetBigEndian64(row_key.data() + 5);
  parts->key = row_key.substr(kHeadKeyPrefixSize);
  return true;
}

size_t WriteHeadValueHeader(char* to, const Object& object) {
  to[0] = kHeadRowVersion;
  to[1] = static_cast<char>(static_cast<uint8_t>(object.type) |
                            static_cast<uint8_t>(object.encoding) << 4);
  const bool fields_stay =
      object.spread() && object.type == ObjectType::kHash && !object.elements_expire();
  to[2] = static_cast<char>((object.has_expiry() ? kHasExpiry : 0) |
                            (object.spread() ? kIsSpread : 0) | (fields_stay ? kFieldsStay : 0));
  if (!object.has_expiry()) return 3;
  const int64_t expire_at_ms = object.expire_at_ms();
  std::memcpy(to + 3, &expire_at_ms, sizeof(expire_at_ms));
  return kHeadValueHeaderSizeMax;
}

bool ParseHeadValue(std::string_view row_value, HeadValueParts* parts) {
  if (row_value.size() < 3 || row_value[0] != kHeadRowVersion) return false;
  const auto kind = static_cast<uint8_t>(row_value[1]);
  const auto flags = static_cast<uint8_t>(row_value[2]);
  if (flags > (kHasExpiry | kIsSpread | kFieldsStay)) return false;
  parts->type = static_cast<ObjectType>(kind & 15);
  parts->encoding = static_cast<Encoding>(kind >> 4);
  parts->expire_at_ms = kNoExpiry;
  row_value.remove_prefix(3);
  if (flags & kHasExpiry) {
    uint64_t expire_at_ms;
    if (!ReadFixed64(&row_value, &expire_at_ms)) return false;
    parts->expire_at_ms = static_cast<int64_t>(expire_at_ms);
  }
  parts->spread = (flags & kIsSpread) != 0;
  parts->fields_stay = (flags & kFieldsStay) != 0;
  parts->object_id = 0;
  if (parts->spread && !ReadFixed64(&row_value, &parts->object_id)) return false;
  parts->value = row_value;
  return true;
}

std::string ElementKey(uint32_t db_id, uint64_t object_id, std::string_view element) {
  std::string row_key(kElementKeyPrefixSize, '\0');
  WriteElementKeyPrefix(row_key.data(), db_id, object_id);
  row_key.append(element);
  return row_key;
}

bool ParseElementKey(std::string_view row_key, ElementKeyParts* parts) {
  if (row_key.size() < kElementKeyPrefixSize || row_key[0] != kElementTable) return false;
  parts->db_id = GetBigEndian32(row_key.data() + 1);
  parts->object_id = GetBigEndian64(row_key.data() + 5);
  parts->element = row_key.substr(kElementKeyPrefixSize);
  return true;
}

bool ParseElementValue(std::string_view row_value, std::string_view* value) {
  if (row_value.empty() || row_value[0] != kElementRowVersion) return false;
  *value = row_value.substr(1);
  return true;
}

bool ParseLibraryValue(std::string_view row_value, std::string_view* code) {
  if (row_value.empty() || row_value[0] != kLibraryRowVersion) return false;
  *code = row_value.substr(1);
  return true;
}

StoreState StoreState::Fresh(uint32_t db_count, std::string replication_id) {
  StoreState state;
  state.history.id = std::move(replication_id);
  state.next_db_id = db_count;
  state.dbs.resize(db_count);
  for (uint32_t index = 0; index < db_count; ++index) state.dbs[index].id = index;
  return state;
}

void AppendState(std::string* row, const StoreState& state) {
  row->push_back(static_cast<char>(kStateRowVersion));
  AppendFixed64(row, state.commit_ms);
  AppendHistory(row, state);
  AppendVarint(row, state.next_db_id);
  for (uint32_t index = 0; index < state.dbs.size(); ++index) {
    const DbState& db = state.dbs[index];
    if (db.id == index && db.keys == 0) continue;
    AppendVarint(row, index);
    AppendVarint(row, db.id);
    AppendVarint(row, db.keys);
    AppendVarint(row, db.expires);
  }
}

std::string EncodeState(const StoreState& state) {
  std::string row;
  AppendState(&row, state);
  return row;
}

bool ParseState(std::string_view row, uint32_t db_count, StoreState* state) {
  if (row.empty()) return false;
  const auto version = static_cast<uint8_t>(row[0]);
  if (version != kStateRowVersion && version != kStateRowVersion1) return false;
  row.remove_prefix(1);
  if (!ReadFixed64(&row, &state->commit_ms) || !ReadHistory(&row, version, state)) return false;
  uint64_t next_db_id;
  if (!ReadVarint(&row, &next_db_id)) return false;
  state->next_db_id = static_cast<uint32_t>(next_db_id);
  state->dbs.assign(db_count, {});
  for (uint32_t index = 0; index < db_count; ++index) state->dbs[index].id = index;
  while (!row.empty()) {
    uint64_t index, id, keys, expires;
    if (!ReadVarint(&row, &index) || !ReadVarint(&row, &id) || !ReadVarint(&row, &keys) ||
        !ReadVarint(&row, &expires) || index >= db_count) {
      return false;
    }
    state->dbs[index] = {static_cast<uint32_t>(id), keys, expires};
  }
  return true;
}

const char* WhatIsWrongWithState(std::string_view row) {
  constexpr uint32_t kManyDbs = 1 << 16;
  StoreState state;
  return ParseState(row, kManyDbs, &state)
             ? "names more databases than are here (the directive 'databases')"
             : "does not parse: it is damaged, or of a newer version";
}

std::string EncodeLineage(const Lineage& lineage) {
  std::string row(1, kLineageRowVersion);
  for (const Lineage::Ancestor& ancestor : lineage.ancestors) {
    row += ancestor.id;
    AppendVarint(&row, ancestor.last_seq);
  }
  return row;
}

bool ParseLineage(std::string_view row, Lineage* lineage) {
  lineage->ancestors.clear();
  if (row.empty() || row[0] != kLineageRowVersion) return false;
  row.remove_prefix(1);
  while (!row.empty()) {
    Lineage::Ancestor ancestor;
    ancestor.id = row.substr(0, History::kIdSize);
    if (ancestor.id.size() != History::kIdSize) return false;
    row.remove_prefix(History::kIdSize);
    if (!ReadVarint(&row, &ancestor.last_seq)) return false;
    lineage->ancestors.push_back(std::move(ancestor));
  }
  return lineage->ancestors.size() <= Lineage::kAncestorsMax;
}

std::string RowKeyText(std::string_view row_key) {
  HeadKeyParts key;
  ElementKeyParts element;
  std::string text;
  if (ParseHeadKey(row_key, &key)) {
    text = "head db=" + std::to_string(key.db_id) +
           " slot=" + std::to_string(SlotOfPosition(key.position)) + " key=";
    AppendPrintable(&text, key.key);
  } else if (ParseElementKey(row_key, &element)) {
    text = "element db=" + std::to_string(element.db_id) +
           " id=" + std::to_string(element.object_id) + " element=";
    AppendPrintable(&text, element.element);
  } else if (row_key.starts_with(kLibraryTable)) {
    text = "library name=";
    AppendPrintable(&text, row_key.substr(1));
  } else {
    AppendPrintable(&text, row_key);
  }
  return text;
}

std::string RowText(std::string_view row_key, std::string_view row_value) {
  std::string text = RowKeyText(row_key);
  HeadKeyParts key;
  HeadValueParts value;
  ElementKeyParts element;
  std::string_view element_value;
  if (ParseHeadKey(row_key, &key)) {
    if (!ParseHeadValue(row_value, &value)) return text + " damaged";
    text += " type=" + std::to_string(static_cast<int>(value.type)) +
            " encoding=" + std::to_string(static_cast<int>(value.encoding));
    if (value.expire_at_ms != kNoExpiry) text += " expire=" + std::to_string(value.expire_at_ms);
    if (value.spread) text += " id=" + std::to_string(value.object_id);
    text += " value=";
    AppendPrintable(&text, value.value);
  } else if (row_key.starts_with(kLibraryTable)) {
    std::string_view code;
    if (!ParseLibraryValue(row_value, &code)) return text + " damaged";
    text += " code=";
    AppendPrintable(&text, code);
  } else if (ParseElementKey(row_key, &element)) {
    if (!ParseElementValue(row_value, &element_value)) return text + " damaged";
    text += " value=";
    AppendPrintable(&text, element_value);
  } else {
    text += " = ";
    AppendPrintable(&text, row_value);
  }
  return text;
}

}  // namespace hearth
