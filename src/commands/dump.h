#pragma once

// DumpLimits: which encodings the server's directives ask for where values leave it as Redis' bytes
// (DUMP, MIGRATE, RDB files).
//
// Thread: any.

#include "src/rdb/rdb_value.h"

namespace hearth {

RdbEncodingLimits DumpLimits();

}  // namespace hearth
