#pragma once

// TtlSample: how long the keys of a database are still to live, judged by some of them.
//
// Thread: any; a shard that somebody holds is passed over.
// Limits: looks at kTtlSampleLooksMax resident keys a shard, and stops at kTtlSampleMax that
// expire.

#include <cstddef>
#include <cstdint>

namespace hearth {

class Keyspace;

inline constexpr size_t kTtlSampleMax = 128;
inline constexpr size_t kTtlSampleLooksMax = 128;

// The mean in ms of resident keys that have an expiry and are not past it; 0 when none was met.
int64_t SampleTtl(Keyspace& keyspace, uint32_t db, int64_t now_ms);

}  // namespace hearth
