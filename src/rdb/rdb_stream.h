#pragma once

// RdbStream's encoding, between the scalars (RdbInput) and the values (ReadRdbValue).
//
//   stream   = length count, (string of a raw id, string of a listpack) * count,
//              length of entries, id last,
//              [types 19, 21: id first, id max deleted, length entries added,]
//              length count, group * count
//   group    = string name, id last, [types 19, 21: length entries read (all bits set: not known),]
//              length count, (raw id, delivery time, length delivery count) * count,
//              length count, consumer * count
//   consumer = string name, seen time, [type 21: active time,] length count, raw id * count
//   id       = length ms, length seq        raw id = ms u64, seq u64, both big-endian
//   times    = ms, i64 little-endian
//
// A listpack, whose id is that of the entry it was begun with, holds integers but for the texts of
// fields and values:
//   listpack = count of live entries, count of deleted ones, count of fields, field*, 0, entry*
//   entry    = flags (1 deleted, 2 fields as above), ms and seq less the listpack's,
//              value* | count of fields, (field, value)*,
//              count of the entry's elements before this one
//
// Thread: any; pure functions.

#include <string>

#include "src/rdb/rdb_input.h"
#include "src/rdb/rdb_value.h"

namespace hearth::rdb {

// Reads a stream of one of the three types; false, with the input's error, when it is wrong.
bool ReadStream(RdbInput& input, RdbType type, RdbStream* stream);

// The entries of one listpack, appended; the ids must ascend from those before.
bool ReadStreamEntries(RdbInput& input, RdbStreamId master, std::string_view listpack,
                       std::vector<RdbStreamEntry>* entries);

// Appends a stream as kRdbStreamListpacks2 has it.
void WriteStream(const RdbStream& stream, const RdbEncodingLimits& limits, std::string* out);

}  // namespace hearth::rdb
