// Tested by tests/src/info_test.cc.
#include <cinttypes>
#include <sstream>

#include "src/info_writer.h"
#include "src/server.h"

namespace hearth {

void CommandStatsSection(Server& server, std::string* out) {
  const auto commands = server.commands().all();
  for (uint32_t i = 0; i < commands.size(); ++i) {
    const CommandTotals sum = server.TotalsOf(i);
    if (sum.calls == 0 && sum.rejected == 0 && sum.failed == 0) continue;
    InfoLine(out,
             "cmdstat_%s:calls=%" PRIu64 ",usec=%" PRIu64
             ",usec_per_call=%.2f,rejected_calls=%" PRIu64 ",failed_calls=%" PRIu64,
             commands[i]->name.data(), sum.calls, sum.usec,
             sum.calls == 0 ? 0.0 : static_cast<double>(sum.usec) / static_cast<double>(sum.calls),
             sum.rejected, sum.failed);
  }
}

void ErrorStatsSection(Server& server, std::string* out) {
  for (const auto& [code, count] : server.ErrorCounts()) {
    InfoLine(out, "errorstat_%s:count=%" PRIu64, code.c_str(), count);
  }
}

void LatencyStatsSection(Server& server, std::string* out) {
  if (!server.config().Bool("latency-tracking")) return;
  const std::string percents = server.config().Text("latency-tracking-info-percentiles");
  const auto commands = server.commands().all();
  for (uint32_t i = 0; i < commands.size(); ++i) {
    const CommandTotals totals = server.TotalsOf(i);
    if (totals.tracked == 0) continue;
    std::istringstream words(percents);
    std::string text;
    for (std::string percent; words >> percent;) {
      text += (text.empty() ? "p" : ",p") + percent + "=" +
              std::to_string(totals.Percentile(std::stod(percent))) + ".000";
    }
    InfoLine(out, "latency_percentiles_usec_%s:%s", commands[i]->name.data(), text.c_str());
  }
}

}  // namespace hearth
