// Tested by tests/engine/stored_keys_test.cc.
#include "engine/stored_keys.h"

#include "engine/collection.h"

namespace hearth {
namespace {

// Head rows follow each other: fewer and longer reads.
constexpr size_t kReadAheadBytes = size_t{1} << 20;

// Whether a collection that may not be empty is: its element rows are lost.
bool LacksElements(const Object& object) {
  if (object.type == ObjectType::kString || object.type == ObjectType::kStream) return false;
  return object.spread() ? object.collection()->size() == 0 : object.value_size() == 0;
}

}  // namespace

namespace {

// Of a collection that names its rows: a filter tells which files hold none of them.
Status ReadNamed(StoreView& view, uint32_t db_id, std::span<const std::string> elements,
                 Collection* collection) {
  for (const std::string& element : elements) {
    std::string row;
    std::string_view value;
    const Status status = view.Get(ElementKey(db_id, collection->object_id(), element), &row);
    if (status.IsNotFound()) continue;
    if (!status.ok()) return status;
    if (!ParseElementValue(row, &value) || !collection->Put(element, value)) {
      return Status::Corruption("an element row does not parse");
    }
  }
  return collection->FinishLoad() ? Status::Ok()
                                  : Status::Corruption("an element row does not parse");
}

}  // namespace

Status ReadElements(StoreView& view, uint32_t db_id, Collection* collection, size_t rows_max,
                    size_t bytes_max) {
  if (std::vector<std::string> names; collection->NamesRows(&names)) {
    return ReadNamed(view, db_id, names, collection);
  }
  std::string first, last;
  size_t rows = 0, bytes = 0;
  collection->LoadBounds(&first, &last);
  const uint64_t id = collection->object_id();
  bool sound = true;
  const Status status =
      view.Scan(ElementKey(db_id, id, first),
                last.empty() ? ElementKey(db_id, id + 1, {}) : ElementKey(db_id, id, last),
                [&](std::string_view row_key, std::string_view row_value) {
                  ElementKeyParts key;
                  std::string_view value;
                  bytes += row_key.size() + row_value.size();
                  if (++rows > rows_max || bytes > bytes_max) return false;
                  sound = ParseElementKey(row_key, &key) && ParseElementValue(row_value, &value) &&
                          collection->Put(key.element, value);
                  return sound;
                });
  if (!status.ok()) return status;
  if (rows > rows_max || bytes > bytes_max) return Status::Busy("more rows than asked for");
  if (!sound || !collection->FinishLoad()) {
    return Status::Corruption("an element row does not parse");
  }
  return status;
}

StoredKeys::StoredKeys(Keyspace& keyspace, size_t piece_bytes)
    : piece_bytes_(piece_bytes), view_(keyspace.store()) {
  std::string row;
  status_ = view_.Get(kStateRowKey, &row);
  if (status_.IsNotFound()) status_ = Status::Corruption("the store holds no state row");
  if (status_.ok() && !ParseState(row, keyspace.db_count(), &state_)) {
    status_ = Status::Corruption("the state row does not parse");
  }
  if (!status_.ok()) state_.dbs.clear();
}

// The key of a head row with all its elements.
Status StoredKeys::ReadKey(uint32_t db, std::string_view row_key, std::string_view row_value,
                           ObjectPointer* object) {
  HeadKeyParts key;
  HeadValueParts value;
  if (ParseHeadKey(row_key, &key) && ParseHeadValue(row_value, &value)) {
    object->reset(ObjectFromHead(key.key, value));
  }
  if (*object == nullptr) {
    return Status::Corruption("a head row does not parse: " + RowKeyText(row_key));
  }
  if ((*object)->spread()) {
    const Status status = ReadElements(view_, dbs()[db].id, (*object)->collection());
    if (!status.ok()) return status;
  }
  if (LacksElements(**object)) {
    return Status::Corruption("a collection has no elements: " + RowKeyText(row_key));
  }
  return Status::Ok();
}

Status StoredKeys::ReadPiece(uint32_t db, const KeyVisitor& visit, std::string* from,
                             bool* goes_on) {
  size_t bytes = 0;
  std::string next;
  Status read;
  const Status status = view_.Scan(
      *from, HeadKey(dbs()[db].id + 1, 0, {}),
      [&](std::string_view row_key, std::string_view row_value) {
        ObjectPointer object;
        read = ReadKey(db, row_key, row_value, &object);
        if (!read.ok()) return false;
        bytes += object->memory_size();
        *goes_on = visit(db, *object);
        if (*goes_on && bytes >= piece_bytes_) next.assign(row_key).push_back('\0');
        return *goes_on && next.empty();
      },
      kReadAheadBytes);
  *from = std::move(next);
  return read.ok() ? status : read;
}

Status StoredKeys::Keys(const KeyVisitor& visit) {
  if (!status_.ok()) return status_;
  bool goes_on = true;
  for (uint32_t db = 0; goes_on && db < dbs().size(); ++db) {
    std::string from = HeadKey(dbs()[db].id, 0, {});
    while (goes_on && !from.empty()) {
      const Status status = ReadPiece(db, visit, &from, &goes_on);
      if (!status.ok()) return status;
    }
  }
  return Status::Ok();
}

Status StoredKeys::Libraries(const LibraryVisitor& visit) {
  if (!status_.ok()) return status_;
  Status read;
  const Status status = view_.Scan(
      std::string(1, kLibraryTable), std::string(1, kLibraryTable + 1),
      [&](std::string_view row_key, std::string_view row_value) {
        std::string_view code;
        if (!ParseLibraryValue(row_value, &code)) {
          read = Status::Corruption("a library's row does not parse: " + RowKeyText(row_key));
          return false;
        }
        return visit(row_key.substr(1), code);
      });
  return read.ok() ? status : read;
}

}  // namespace hearth
