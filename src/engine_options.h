#pragma once

// EngineOptions of a configuration.
//
// Thread: any.

#include "engine/engine.h"

namespace hearth {

class Config;

// What of `disk-free-min`: bytes, or a part of the volume.
struct DiskFreeMin {
  uint64_t bytes = 0;
  double ratio = 0;
};
DiskFreeMin DiskFreeMinOf(const Config& config);

SyncPolicy SyncPolicyOf(const Config& config);

// All but the directory, the role and the feed's limits. Log lines go to the server's log.
EngineOptions EngineOptionsOf(const Config& config);

}  // namespace hearth
