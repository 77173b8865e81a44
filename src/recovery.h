#pragma once

// Recovery to a point in time: a run of the server that serves nobody, but takes the store in `dir`
// (a snapshot: a private copy of it) forward by the write-ahead log of the store that it was taken
// of (engine/wal_recovery.h), and ends.
//
//   recover-wal <directory>        the wal-dir, or dir, of that store; it may be in use
//   recover-until end              everything that is there
//               | flush            what was there before the next FLUSHALL or FLUSHDB
//               | <sequence>       the groups up to it
//               | <time>           what was committed up to it: 2026-01-31T23:59:59[.999]Z
//
// Thread: the main one, before anything else.
// Errors: texts for people.

#include <optional>
#include <string>
#include <string_view>

#include "engine/wal_recovery.h"

namespace hearth {

class Config;

// nullopt: it is none of the above.
std::optional<RecoveryTarget> ParseRecoveryTarget(std::string_view text);

// Whether the configuration asks for a recovery, be it without saying of what.
bool WantsRecovery(const Config& config);

// Empty when all went well; what was done stands in the log. Until then a file RECOVERING stands in
// the store: a run that is cut leaves a part of the data that looks like all of it.
std::string Recover(const Config& config);

// Why a server does not serve the store in dir; empty: no recovery of it was cut.
std::string RefuseCutRecovery(const std::string& dir);

}  // namespace hearth
