// Tested by tests/src/rdb/rdb_reader_test.cc and rdb_payloads_test.cc.
#include <cmath>

#include "src/numbers.h"
#include "src/rdb/duplicates.h"
#include "src/rdb/listpack.h"
#include "src/rdb/rdb_input.h"
#include "src/rdb/rdb_stream.h"
#include "src/rdb/rdb_value.h"
#include "src/rdb/small_sets.h"
#include "src/rdb/ziplist.h"

namespace hearth {
namespace rdb {
namespace {

using PackedReader = bool (*)(std::string_view, std::vector<PackedElement>*);

// A string that holds a listpack or ziplist. The elements point into it.
struct Packed {
  std::string storage;
  std::vector<PackedElement> elements;

  bool Read(RdbInput& input, PackedReader reader, size_t elements_per_item) {
    std::string_view bytes;
    if (!input.View(&storage, &bytes)) return false;
    if (!reader(bytes, &elements)) return input.Fail("a packed encoding is damaged");
    if (elements.size() % elements_per_item == 0) return true;
    return input.Fail("a packed encoding has a part of an item at its end");
  }
};

bool ReadStrings(RdbInput& input, std::vector<std::string>* strings) {
  uint64_t count;
  if (!input.Length(&count)) return false;
  for (; count > 0; --count) {
    if (!input.String(&strings->emplace_back())) return false;
  }
  return true;
}

bool ReadPackedStrings(RdbInput& input, PackedReader reader, std::vector<std::string>* strings) {
  Packed packed;
  if (!packed.Read(input, reader, 1)) return false;
  for (const auto& element : packed.elements) strings->push_back(element.ToString());
  return true;
}

bool ReadQuicklist(RdbInput& input, std::vector<std::string>* elements) {
  uint64_t node_count;
  if (!input.Length(&node_count)) return false;
  for (; node_count > 0; --node_count) {
    if (!ReadPackedStrings(input, ReadZiplist, elements)) return false;
  }
  return true;
}

// Nodes are big elements as they are (1) or listpacks (2).
bool ReadQuicklist2(RdbInput& input, std::vector<std::string>* elements) {
  uint64_t node_count;
  if (!input.Length(&node_count)) return false;
  for (; node_count > 0; --node_count) {
    uint64_t container;
    if (!input.Length(&container)) return false;
    if (container == 1) {
      if (!input.String(&elements->emplace_back())) return false;
    } else if (container == 2) {
      if (!ReadPackedStrings(input, ReadListpack, elements)) return false;
    } else {
      return input.Fail("a list's node has an unknown form");
    }
  }
  return true;
}

bool ReadIntsetMembers(RdbInput& input, std::vector<std::string>* members) {
  std::string storage;
  std::string_view bytes;
  std::vector<int64_t> integers;
  if (!input.View(&storage, &bytes)) return false;
  if (!ReadIntset(bytes, &integers)) return input.Fail("an intset is damaged");
  for (const int64_t integer : integers) members->push_back(std::to_string(integer));
  return true;
}

bool ReadPlainSortedSet(RdbInput& input, bool (RdbInput::*read_score)(double*),
                        RdbSortedSet* sorted_set) {
  uint64_t count;
  if (!input.Length(&count)) return false;
  for (; count > 0; --count) {
    auto& [member, score] = sorted_set->members.emplace_back();
    if (!input.String(&member) || !(input.*read_score)(&score)) return false;
  }
  return true;
}

bool ReadPackedSortedSet(RdbInput& input, PackedReader reader, RdbSortedSet* sorted_set) {
  Packed packed;
  if (!packed.Read(input, reader, 2)) return false;
  for (size_t i = 0; i < packed.elements.size(); i += 2) {
    const PackedElement& score = packed.elements[i + 1];
    const auto number =
        score.is_integer ? static_cast<double>(score.integer) : ParseDouble(score.text);
    if (!number) return input.Fail("a score is no number");
    sorted_set->members.emplace_back(packed.elements[i].ToString(), *number);
  }
  return true;
}

bool ReadPlainHash(RdbInput& input, RdbHash* hash) {
  uint64_t count;
  if (!input.Length(&count)) return false;
  for (; count > 0; --count) {
    auto& [field, value, expire_at_ms] = hash->fields.emplace_back();
    if (!input.String(&field) || !input.String(&value)) return false;
  }
  return true;
}

bool ReadZipmapHash(RdbInput& input, RdbHash* hash) {
  std::string storage;
  std::string_view bytes;
  std::vector<std::pair<std::string_view, std::string_view>> fields;
  if (!input.View(&storage, &bytes)) return false;
  if (!ReadZipmap(bytes, &fields)) return input.Fail("a zipmap is damaged");
  for (const auto& [field, value] : fields) {
    hash->fields.push_back({std::string(field), std::string(value)});
  }
  return true;
}

bool ReadPackedHash(RdbInput& input, PackedReader reader, RdbHash* hash) {
  Packed packed;
  if (!packed.Read(input, reader, 2)) return false;
  for (size_t i = 0; i < packed.elements.size(); i += 2) {
    hash->fields.push_back({packed.elements[i].ToString(), packed.elements[i + 1].ToString()});
  }
  return true;
}

// Count times an expiry, a field and a value. The expiry is 0 for none, else a time or, behind
// the earliest of all times (which pre-releases did not write), 1 more than the time since that.
bool ReadHashMetadata(RdbInput& input, bool has_earliest, RdbHash* hash) {
  uint64_t earliest_ms = 0, count;
  if (has_earliest && !input.Fixed64(&earliest_ms)) return false;
  if (!input.Length(&count)) return false;
  for (; count > 0; --count) {
    uint64_t expiry;
    auto& [field, value, expire_at_ms] = hash->fields.emplace_back();
    if (!input.Length(&expiry) || !input.String(&field) || !input.String(&value)) return false;
    if (expiry == 0) continue;
    const uint64_t since_ms = has_earliest ? expiry - 1 : expiry;
    if (earliest_ms > INT64_MAX || since_ms > INT64_MAX - earliest_ms) {
      return input.Fail("a field expires out of range");
    }
    expire_at_ms = static_cast<int64_t>(earliest_ms + since_ms);
  }
  return true;
}

// Count times a field, a value and the time of expiry or -1.
bool ReadHashOfValkey(RdbInput& input, RdbHash* hash) {
  uint64_t count;
  if (!input.Length(&count)) return false;
  for (; count > 0; --count) {
    auto& [field, value, expire_at_ms] = hash->fields.emplace_back();
    if (!input.String(&field) || !input.String(&value) || !input.TimeMs(&expire_at_ms)) {
      return false;
    }
    if (expire_at_ms < -1) return input.Fail("a field's expiry is no time");
  }
  return true;
}

// Triples of field, value and the time of expiry or 0. The earliest time stands before (but in
// pre-releases) and says nothing new.
bool ReadHashListpackEx(RdbInput& input, bool has_earliest, RdbHash* hash) {
  uint64_t earliest_ms;
  Packed packed;
  if (has_earliest && !input.Fixed64(&earliest_ms)) return false;
  if (!packed.Read(input, ReadListpack, 3)) return false;
  for (size_t i = 0; i < packed.elements.size(); i += 3) {
    const PackedElement& expiry = packed.elements[i + 2];
    if (!expiry.is_integer || expiry.integer < 0) return input.Fail("a field's expiry is no time");
    hash->fields.push_back({packed.elements[i].ToString(), packed.elements[i + 1].ToString(),
                            expiry.integer == 0 ? -1 : expiry.integer});
  }
  return true;
}

bool ReadList(RdbInput& input, RdbType type, std::vector<std::string>* elements) {
  switch (type) {
    case kRdbListZiplist:
      return ReadPackedStrings(input, ReadZiplist, elements);
    case kRdbListQuicklist:
      return ReadQuicklist(input, elements);
    case kRdbListQuicklist2:
      return ReadQuicklist2(input, elements);
    default:
      return ReadStrings(input, elements);
  }
}

bool ReadSet(RdbInput& input, RdbType type, std::vector<std::string>* members) {
  if (type == kRdbSetIntset) return ReadIntsetMembers(input, members);
  const bool read = type == kRdbSetListpack ? ReadPackedStrings(input, ReadListpack, members)
                                            : ReadStrings(input, members);
  if (!read) return false;
  const bool repeated =
      HasDuplicates(*members, [](const auto& member) { return std::string_view(member); });
  return !repeated || input.Fail("a set has a member twice");
}

bool ReadSortedSet(RdbInput& input, RdbType type, RdbSortedSet* sorted_set) {
  bool read = false;
  if (type == kRdbSortedSetZiplist) {
    read = ReadPackedSortedSet(input, ReadZiplist, sorted_set);
  } else if (type == kRdbSortedSetListpack) {
    read = ReadPackedSortedSet(input, ReadListpack, sorted_set);
  } else {
    read = ReadPlainSortedSet(
        input, type == kRdbSortedSet ? &RdbInput::TextDouble : &RdbInput::BinaryDouble, sorted_set);
  }
  if (!read) return false;
  for (const auto& [member, score] : sorted_set->members) {
    if (std::isnan(score)) return input.Fail("a score is not a number");
  }
  const bool repeated = HasDuplicates(
      sorted_set->members, [](const auto& pair) { return std::string_view(pair.first); });
  return !repeated || input.Fail("a sorted set has a member twice");
}

bool ReadHashFields(RdbInput& input, RdbType type, RdbHash* hash) {
  switch (type) {
    case kRdbHashZipmap:
      return ReadZipmapHash(input, hash);
    case kRdbHashZiplist:
      return ReadPackedHash(input, ReadZiplist, hash);
    case kRdbHashListpack:
      return ReadPackedHash(input, ReadListpack, hash);
    case kRdbHashMetadataPreRelease:
    case kRdbHashMetadata:
      return ReadHashMetadata(input, type == kRdbHashMetadata, hash);
    case kRdbHashOfValkey:
      return ReadHashOfValkey(input, hash);
    case kRdbHashListpackExPreRelease:
    case kRdbHashListpackEx:
      return ReadHashListpackEx(input, type == kRdbHashListpackEx, hash);
    default:
      return ReadPlainHash(input, hash);
  }
}

bool ReadHash(RdbInput& input, RdbType type, RdbHash* hash) {
  if (!ReadHashFields(input, type, hash)) return false;
  const bool repeated = HasDuplicates(
      hash->fields, [](const RdbHashField& field) { return std::string_view(field.field); });
  return !repeated || input.Fail("a hash has a field twice");
}

// Answers a read collection: what was wrong, or that it has no elements.
Status Answer(const RdbInput& input, bool empty) {
  if (input.error() != nullptr) return Status::Corruption(input.error());
  return empty ? Status::NotFound("a collection without elements") : Status::Ok();
}

Status ReadValue(RdbInput& input, RdbType type, RdbValue* value) {
  switch (type) {
    case kRdbString:
      input.String(&value->emplace<std::string>());
      return Answer(input, false);
    case kRdbList:
    case kRdbListZiplist:
    case kRdbListQuicklist:
    case kRdbListQuicklist2: {
      auto& elements = value->emplace<RdbList>().elements;
      ReadList(input, type, &elements);
      return Answer(input, elements.empty());
    }
    case kRdbSet:
    case kRdbSetIntset:
    case kRdbSetListpack: {
      auto& members = value->emplace<RdbSet>().members;
      ReadSet(input, type, &members);
      return Answer(input, members.empty());
    }
    case kRdbSortedSet:
    case kRdbSortedSet2:
    case kRdbSortedSetZiplist:
    case kRdbSortedSetListpack: {
      auto& sorted_set = value->emplace<RdbSortedSet>();
      ReadSortedSet(input, type, &sorted_set);
      return Answer(input, sorted_set.members.empty());
    }
    case kRdbHash:
    case kRdbHashZipmap:
    case kRdbHashZiplist:
    case kRdbHashListpack:
    case kRdbHashMetadataPreRelease:
    case kRdbHashListpackExPreRelease:
    case kRdbHashMetadata:
    case kRdbHashListpackEx:
    case kRdbHashOfValkey: {
      auto& hash = value->emplace<RdbHash>();
      ReadHash(input, type, &hash);
      return Answer(input, hash.fields.empty());
    }
    case kRdbStreamListpacks:
    case kRdbStreamListpacks2:
    case kRdbStreamListpacks3:
      ReadStream(input, type, &value->emplace<RdbStream>());
      return Answer(input, false);
    case kRdbModule:
    case kRdbModule2:
      return Status::Invalid("values of modules are not supported");
  }
  return Status::Invalid("a value has the unknown type " + std::to_string(type));
}

}  // namespace
}  // namespace rdb

Status ReadRdbValue(uint8_t type, std::string_view* bytes, RdbValue* value) {
  rdb::RdbInput input(*bytes);
  Status status = rdb::ReadValue(input, static_cast<RdbType>(type), value);
  *bytes = input.rest();
  return status;
}

}  // namespace hearth
