// Tested by tests/engine/residency_test.cc.
#include "engine/process_memory.h"

#include <unistd.h>

#include <cstdint>
#include <cstdio>

#ifdef HEARTH_JEMALLOC
#include <jemalloc/jemalloc.h>
#endif

namespace hearth {
namespace {

#ifdef HEARTH_JEMALLOC
size_t ReadStat(const char* name) {
  size_t value = 0;
  size_t size = sizeof(value);
  return mallctl(name, &value, &size, nullptr, 0) == 0 ? value : 0;
}
#endif

}  // namespace

ProcessMemory ReadProcessMemory() {
  ProcessMemory memory;
  if (std::FILE* file = std::fopen("/proc/self/statm", "re")) {
    unsigned long pages_all = 0, pages_resident = 0;
    if (std::fscanf(file, "%lu %lu", &pages_all, &pages_resident) == 2) {
      memory.rss_bytes = pages_resident * static_cast<size_t>(sysconf(_SC_PAGESIZE));
    }
    std::fclose(file);
  }
#ifdef HEARTH_JEMALLOC
  uint64_t epoch = 1;
  size_t size = sizeof(epoch);
  (void)mallctl("epoch", &epoch, &size, &epoch, size);
  memory.allocated_bytes = ReadStat("stats.allocated");
  memory.active_bytes = ReadStat("stats.active");
#endif
  return memory;
}

bool SetPurgeThreads([[maybe_unused]] bool on) {
#ifdef HEARTH_JEMALLOC
  return mallctl("background_thread", nullptr, nullptr, &on, sizeof(on)) == 0;
#else
  return true;
#endif
}

void PurgeProcessMemory() {
#ifdef HEARTH_JEMALLOC
  (void)mallctl("arena.4096.purge", nullptr, nullptr, nullptr, 0);  // 4096 = all arenas
#endif
}

}  // namespace hearth
