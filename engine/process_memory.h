#pragma once

// ProcessMemory: what the process takes from the machine, as the kernel and jemalloc count it.
//
// Thread: any.

#include <cstddef>

namespace hearth {

struct ProcessMemory {
  size_t rss_bytes = 0;        // resident set, /proc/self/statm
  size_t allocated_bytes = 0;  // handed out by the allocator; 0 without jemalloc
  size_t active_bytes = 0;     // in pages that hold allocations
};

ProcessMemory ReadProcessMemory();

// Whether threads of the allocator's own return unused pages to the system, in about 10 s.
// false: the allocator doesn't let them.
bool SetPurgeThreads(bool on);

// Returns unused pages to the system (MEMORY PURGE).
void PurgeProcessMemory();

}  // namespace hearth
