#pragma once

// ServerStats: what a server counts of its connections and its traffic, for INFO.
//
// Thread: any.

#include <atomic>
#include <cstdint>

#include "src/rate_meter.h"

namespace hearth {

struct ServerStats {
  std::atomic<uint64_t> connections_received{0};
  std::atomic<uint64_t> rejected_before_reset{0}, rejected_by_closed{0};
  RateMeter commands, net_in, net_out;
};

}  // namespace hearth
