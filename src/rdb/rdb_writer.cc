// Tested by tests/src/rdb/rdb_writer_test.cc and tests/rdb/restore_test.py.
#include <algorithm>
#include <cmath>
#include <cstdio>
#include <optional>

#include "src/numbers.h"
#include "src/rdb/listpack.h"
#include "src/rdb/rdb_output.h"
#include "src/rdb/rdb_stream.h"
#include "src/rdb/rdb_value.h"
#include "src/rdb/small_sets.h"

namespace hearth {
namespace rdb {
namespace {

// A list's node holds as many bytes at list-max-listpack-size -1 to -5; where elements are counted
// instead, no node exceeds kCountedNodeBytesMax.
constexpr size_t kNodeBytesMax[] = {4096, 8192, 16384, 32768, 65536};
constexpr size_t kCountedNodeBytesMax = 8192;
constexpr size_t kElementOverhead = 8;  // Redis' estimate of what an element adds to its text
constexpr uint64_t kNodePlain = 1, kNodePacked = 2;

// Packed encodings of hashes and sorted sets stay below Redis' 1 GiB.
constexpr size_t kPackedBytesMax = size_t{1} << 30;

// How a packed sorted set writes a score that is no integer of at most 52 bits: the shortest form
// that Redis' "%.17g" reads back to the same double.
std::string ScoreText(double score) {
  constexpr double kIntegerMax = 4503599627370496.0;  // 2^52
  if (std::isinf(score)) return score > 0 ? "inf" : "-inf";
  if (score == 0) return std::signbit(score) ? "-0" : "0";
  char text[64];
  if (std::abs(score) < kIntegerMax && score == std::trunc(score)) {
    return std::to_string(static_cast<int64_t>(score));
  }
  const int size = std::snprintf(text, sizeof(text), "%.17g", score);
  return {text, static_cast<size_t>(size)};
}

class ListWriter {
 public:
  explicit ListWriter(const RdbEncodingLimits& limits) : limits_(limits) {
    const int setting = limits.list_max_listpack_size;
    node_bytes_max_ = kCountedNodeBytesMax;
    if (setting > 0) node_count_max_ = static_cast<size_t>(setting);
    if (setting < 0) node_bytes_max_ = kNodeBytesMax[std::min(-setting, 5) - 1];
  }

  void Write(const RdbList& list, std::string* out) {
    for (const auto& element : list.elements) Add(element);
    FinishNode();
    AppendLength(node_count_, out);
    out->append(nodes_);
  }

 private:
  void Add(const std::string& element) {
    if (element.size() > node_bytes_max_) {
      FinishNode();
      AppendLength(kNodePlain, &nodes_);
      AppendString(element, limits_.rdbcompression, &nodes_);
      ++node_count_;
      return;
    }
    if (listpack_.count() >= node_count_max_ ||
        listpack_.size() + element.size() + kElementOverhead > node_bytes_max_) {
      FinishNode();
    }
    listpack_.Append(element);
  }

  void FinishNode() {
    if (listpack_.count() == 0) return;
    AppendLength(kNodePacked, &nodes_);
    AppendString(listpack_.Finish(), limits_.rdbcompression, &nodes_);
    listpack_ = ListpackWriter();
    ++node_count_;
  }

  const RdbEncodingLimits& limits_;
  size_t node_bytes_max_;
  size_t node_count_max_ = SIZE_MAX;
  ListpackWriter listpack_;
  std::string nodes_;
  uint64_t node_count_ = 0;
};

// All members as ascending integers, when each is the decimal text of one.
std::optional<std::vector<int64_t>> AsIntegers(const RdbSet& set) {
  std::vector<int64_t> integers;
  integers.reserve(set.members.size());
  for (const auto& member : set.members) {
    const auto integer = ParseInt64(member);
    if (!integer) return std::nullopt;
    integers.push_back(*integer);
  }
  std::sort(integers.begin(), integers.end());
  return integers;
}

RdbType WriteSet(const RdbSet& set, const RdbEncodingLimits& limits, std::string* out) {
  if (set.members.size() <= limits.set_max_intset_entries) {
    if (const auto integers = AsIntegers(set)) {
      AppendString(MakeIntset(*integers), limits.rdbcompression, out);
      return kRdbSetIntset;
    }
  }
  AppendLength(set.members.size(), out);
  for (const auto& member : set.members) AppendString(member, limits.rdbcompression, out);
  return kRdbSet;
}

bool FitsListpack(const RdbSortedSet& sorted_set, const RdbEncodingLimits& limits) {
  size_t bytes = 0;
  if (sorted_set.members.size() > limits.zset_max_listpack_entries) return false;
  for (const auto& [member, score] : sorted_set.members) {
    if (member.size() > limits.zset_max_listpack_value) return false;
    bytes += 2 * ListpackWriter::ElementSizeMax(member.size());
  }
  return bytes < kPackedBytesMax;
}

RdbType WriteSortedSet(const RdbSortedSet& sorted_set, const RdbEncodingLimits& limits,
                       std::string* out) {
  if (!FitsListpack(sorted_set, limits)) {
    AppendLength(sorted_set.members.size(), out);
    for (const auto& [member, score] : sorted_set.members) {
      AppendString(member, limits.rdbcompression, out);
      AppendBinaryDouble(score, out);
    }
    return kRdbSortedSet2;
  }
  // Redis takes a listpack as it is, and searches it by order.
  auto members = sorted_set.members;
  std::sort(members.begin(), members.end(), [](const auto& a, const auto& b) {
    return a.second != b.second ? a.second < b.second : a.first < b.first;
  });
  ListpackWriter listpack;
  for (const auto& [member, score] : members) {
    listpack.Append(member);
    listpack.Append(ScoreText(score));
  }
  AppendString(listpack.Finish(), limits.rdbcompression, out);
  return kRdbSortedSetListpack;
}

bool FitsListpack(const RdbHash& hash, const RdbEncodingLimits& limits) {
  size_t bytes = 0;
  if (hash.fields.size() > limits.hash_max_listpack_entries) return false;
  for (const auto& field : hash.fields) {
    if (std::max(field.field.size(), field.value.size()) > limits.hash_max_listpack_value) {
      return false;
    }
    bytes += ListpackWriter::ElementSizeMax(field.field.size()) +
             ListpackWriter::ElementSizeMax(field.value.size());
  }
  return bytes < kPackedBytesMax;
}

// The earliest expiry of a field; -1 when none expires.
int64_t EarliestExpiry(const RdbHash& hash) {
  int64_t earliest_ms = -1;
  for (const auto& field : hash.fields) {
    if (field.expire_at_ms < 0) continue;
    if (earliest_ms < 0 || field.expire_at_ms < earliest_ms) earliest_ms = field.expire_at_ms;
  }
  return earliest_ms;
}

RdbType WriteExpiringHash(const RdbHash& hash, int64_t earliest_ms, const RdbEncodingLimits& limits,
                          std::string* out) {
  AppendFixed64(static_cast<uint64_t>(earliest_ms), out);
  AppendLength(hash.fields.size(), out);
  for (const auto& field : hash.fields) {
    const int64_t expiry = field.expire_at_ms < 0 ? 0 : field.expire_at_ms - earliest_ms + 1;
    AppendLength(static_cast<uint64_t>(expiry), out);
    AppendString(field.field, limits.rdbcompression, out);
    AppendString(field.value, limits.rdbcompression, out);
  }
  return kRdbHashMetadata;
}

RdbType WriteHash(const RdbHash& hash, const RdbEncodingLimits& limits, std::string* out) {
  const int64_t earliest_ms = EarliestExpiry(hash);
  if (earliest_ms >= 0) return WriteExpiringHash(hash, earliest_ms, limits, out);
  if (FitsListpack(hash, limits)) {
    ListpackWriter listpack;
    for (const auto& field : hash.fields) {
      listpack.Append(field.field);
      listpack.Append(field.value);
    }
    AppendString(listpack.Finish(), limits.rdbcompression, out);
    return kRdbHashListpack;
  }
  AppendLength(hash.fields.size(), out);
  for (const auto& field : hash.fields) {
    AppendString(field.field, limits.rdbcompression, out);
    AppendString(field.value, limits.rdbcompression, out);
  }
  return kRdbHash;
}

// Writes the alternative that a value holds.
struct ValueWriter {
  const RdbEncodingLimits& limits;
  std::string* out;

  RdbType operator()(const std::string& text) const {
    AppendString(text, limits.rdbcompression, out);
    return kRdbString;
  }
  RdbType operator()(const RdbList& list) const {
    ListWriter(limits).Write(list, out);
    return kRdbListQuicklist2;
  }
  RdbType operator()(const RdbSet& set) const { return WriteSet(set, limits, out); }
  RdbType operator()(const RdbSortedSet& sorted_set) const {
    return WriteSortedSet(sorted_set, limits, out);
  }
  RdbType operator()(const RdbHash& hash) const { return WriteHash(hash, limits, out); }
  RdbType operator()(const RdbStream& stream) const {
    WriteStream(stream, limits, out);
    return kRdbStreamListpacks2;
  }
};

}  // namespace
}  // namespace rdb

uint8_t WriteRdbValue(const RdbValue& value, const RdbEncodingLimits& limits, std::string* out) {
  return std::visit(rdb::ValueWriter{limits, out}, value);
}

}  // namespace hearth
