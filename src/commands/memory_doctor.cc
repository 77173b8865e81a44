// Tested by tests/src/commands/memory_doctor_test.cc.
#include "src/commands/memory_doctor.h"

#include "src/info_writer.h"

namespace hearth {
namespace {

// Below it no ratio means anything: what the process takes without data is a third of it.
constexpr uint64_t kSmallBytes = 16 << 20;
constexpr uint64_t kWasteBytesMin = 10 << 20;
constexpr uint64_t kMemtableBytesMin = 64 << 20;
constexpr uint64_t kClientBytesMax = 200 << 10;  // a client's, on average
constexpr uint64_t kScriptBytesMin = 64 << 20;

void Add(std::string* report, const std::string& title, const std::string& text) {
  *report += " * " + title + ": " + text + "\n\n";
}

// What keeps memory above its limit.
void AddLimit(const MemoryFindings& found, std::string* report) {
  if (!found.write_refusal.empty()) {
    Add(report, "The store refuses writes",
        found.write_refusal +
            " What has changed since can't be demoted: memory grows with every key that is read or "
            "was written, whatever maxmemory is.");
  }
  if (found.limit == 0 || found.rss <= found.limit + found.limit / 10) return;
  std::string text = "The process takes " + HumanBytes(found.rss) + " of RSS, maxmemory is " +
                     HumanBytes(found.limit) + ". ";
  if (!found.demotes) {
    text += "maxmemory-policy evicts keys only as far as commands need memory.";
  } else if (found.resident > found.limit / 4) {
    text += HumanBytes(found.resident) +
            " are resident keys: they are demoted once the memtables that hold their last changes "
            "are flushed. If this stays, look at the log and at INFO rocksdb for flushes that fail "
            "or lag behind.";
  } else {
    text += "Resident keys are only " + HumanBytes(found.resident) +
            " of it: the limit is too low for memtables, caches and buffers.";
  }
  Add(report, "Memory is above maxmemory", text);
}

}  // namespace

std::string MemoryReport(const MemoryFindings& found) {
  std::string report;
  AddLimit(found, &report);
  if (report.empty() && found.allocated < kSmallBytes) {
    return "Hi Sam, this instance is empty or is using very little memory, my issues detector "
           "can't be used in these conditions. Please, leave for your mission on Earth and fill "
           "it with some data. The new Sam and I will be back to our programming as soon as I "
           "finished rebooting.\n";
  }
  if (found.rss > found.allocated + kWasteBytesMin &&
      static_cast<double>(found.rss) > 1.4 * static_cast<double>(found.allocated)) {
    Add(&report, "High fragmentation",
        "RSS is " + HumanBytes(found.rss) + " for " + HumanBytes(found.allocated) +
            " of allocations. MEMORY PURGE gives free pages back to the system.");
  }
  if (found.memtables > kMemtableBytesMin && found.memtables > found.allocated / 2) {
    Add(&report, "Memtables take most of the memory",
        HumanBytes(found.memtables) + " of " + HumanBytes(found.allocated) +
            " are changes that wait for their flush: writes come faster than the disk takes them.");
  }
  if (found.client_count > 0 && found.clients / found.client_count > kClientBytesMax) {
    Add(&report, "Big client buffers",
        std::to_string(found.client_count) + " clients take " + HumanBytes(found.clients) +
            ". CLIENT LIST shows whose qbuf or omem is large.");
  }
  if (found.scripts > kScriptBytesMin) {
    Add(&report, "Scripts",
        "Scripts and their interpreters take " + HumanBytes(found.scripts) +
            ". Texts that differ from call to call belong into arguments; SCRIPT FLUSH forgets "
            "them.");
  }
  if (report.empty()) return "Sam, I can't find any memory issue in your instance.\n";
  return "Sam, I detected a few issues in this instance:\n\n" + report;
}

}  // namespace hearth
