#pragma once

// MemoryDoctor: what MEMORY DOCTOR says of the memory that a server takes.
//
// Thread: any; a pure function.
// Limits: a few lines.

#include <cstdint>
#include <string>

namespace hearth {

// Sizes in bytes.
struct MemoryFindings {
  uint64_t allocated = 0, rss = 0;
  uint64_t limit = 0;     // maxmemory; 0 = none
  bool demotes = true;    // what is over the limit is demoted, not evicted
  uint64_t resident = 0;  // keys
  uint64_t memtables = 0;
  uint64_t clients = 0, client_count = 0;
  uint64_t scripts = 0;       // interpreters, bodies and libraries
  std::string write_refusal;  // empty: the store takes writes
};

std::string MemoryReport(const MemoryFindings& findings);

}  // namespace hearth
