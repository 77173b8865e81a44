// LATENCY. Tested by tests/src/slow_log_test.cc.
#include <vector>

#include "src/command_stats.h"
#include "src/commands/groups.h"
#include "src/commands/introspection.h"
#include "src/redis_text.h"
#include "src/server.h"
#include "src/session.h"

namespace hearth {
namespace {

// The powers of two up to which LATENCY HISTOGRAM counts, as exponents of microseconds.
constexpr uint32_t kExponentMax = 30;

void ReplyHistogram(const CommandTotals& totals, Reply& reply) {
  std::vector<std::pair<uint64_t, uint64_t>> steps;
  uint64_t before = 0;
  for (uint32_t exponent = 0; exponent <= kExponentMax && before < totals.tracked; ++exponent) {
    const uint64_t within = totals.CallsWithin(exponent);
    if (within != before) steps.emplace_back(uint64_t{1} << exponent, within);
    before = within;
  }
  reply.Map(2);
  reply.Bulk("calls");
  reply.Integer(static_cast<int64_t>(totals.tracked));
  reply.Bulk("histogram_usec");
  reply.Map(steps.size());
  for (const auto& [usec, count] : steps) {
    reply.Integer(static_cast<int64_t>(usec));
    reply.Integer(static_cast<int64_t>(count));
  }
}

}  // namespace

// LATENCY LATEST -> [event, when, last ms, worst ms] of each
void LatencyLatest(const Args&, Session& session, Reply& reply) {
  const auto events = session.server().latency_monitor().Events();
  reply.Array(events.size());
  for (const auto& [name, event] : events) {
    reply.Array(4);
    reply.Bulk(name);
    reply.Integer(event.samples.back().at_s);
    reply.Integer(static_cast<int64_t>(event.samples.back().took_ms));
    reply.Integer(static_cast<int64_t>(event.worst_ms));
  }
}

// LATENCY HISTORY event -> [when, ms] of each sample
void LatencyHistory(const Args& args, Session& session, Reply& reply) {
  const auto events = session.server().latency_monitor().Events();
  const auto found = events.find(args[2]);
  if (found == events.end()) return reply.Array(0);
  reply.Array(found->second.samples.size());
  for (const auto& sample : found->second.samples) {
    reply.Array(2);
    reply.Integer(sample.at_s);
    reply.Integer(static_cast<int64_t>(sample.took_ms));
  }
}

// LATENCY GRAPH event -> a line a sample, the worst the longest
void LatencyGraph(const Args& args, Session& session, Reply& reply) {
  constexpr uint64_t kBarMax = 40;
  const auto events = session.server().latency_monitor().Events();
  const auto found = events.find(args[2]);
  if (found == events.end()) {
    return reply.Error("ERR No samples available for event '" + std::string(args[2]) + "'");
  }
  const LatencyMonitor::Event& event = found->second;
  std::string text = found->first + " - high " + std::to_string(event.worst_ms) + " ms\n";
  for (const auto& sample : event.samples) {
    const uint64_t bar = sample.took_ms * kBarMax / std::max<uint64_t>(event.worst_ms, 1);
    text += std::to_string(sample.at_s) + " " + std::string(bar, '#') + " " +
            std::to_string(sample.took_ms) + " ms\n";
  }
  reply.Verbatim("txt", text);
}

// LATENCY RESET [event...] -> how many were there
void LatencyReset(const Args& args, Session& session, Reply& reply) {
  std::vector<std::string> names(args.begin() + 2, args.end());
  reply.Integer(static_cast<int64_t>(session.server().latency_monitor().Reset(names)));
}

void LatencyDoctor(const Args&, Session& session, Reply& reply) {
  const LatencyMonitor& monitor = session.server().latency_monitor();
  if (monitor.threshold_ms() == 0) {
    return reply.Verbatim(
        "txt",
        "I'm sorry, Dave, I can't do that. Latency monitoring is disabled in this Redis instance. "
        "You may use \"CONFIG SET latency-monitor-threshold <milliseconds>.\" in order to enable "
        "it.\n");
  }
  std::string text =
      "Latency spikes of at least " + std::to_string(monitor.threshold_ms()) + " ms:\n";
  for (const auto& [name, event] : monitor.Events()) {
    text += name + ": " + std::to_string(event.samples.size()) + " samples, worst " +
            std::to_string(event.worst_ms) + " ms\n";
  }
  reply.Verbatim("txt", text);
}

// LATENCY HISTOGRAM [command...] -> calls by duration, cumulated, of each that was called
void LatencyHistogram(const Args& args, Session& session, Reply& reply) {
  Server& server = session.server();
  std::vector<std::pair<std::string_view, CommandTotals>> found;
  const auto add = [&](uint32_t index) {
    CommandTotals totals = server.TotalsOf(index);
    if (totals.tracked > 0) found.emplace_back(server.commands().all()[index]->name, totals);
  };
  if (args.size() == 2) {
    for (uint32_t i = 0; i < server.commands().all().size(); ++i) add(i);
  }
  for (const std::string_view name : args.subspan(2)) {
    const CommandTable::Found command = server.commands().Find(name);
    if (command.command == nullptr) continue;
    if (!command.command->subcommands.empty()) {
      for (const Command& subcommand : command.command->subcommands) {
        add(server.commands().Find(subcommand.name).index);
      }
    }
    add(command.index);
  }
  reply.Map(found.size());
  for (const auto& [name, totals] : found) {
    reply.Bulk(name);
    ReplyHistogram(totals, reply);
  }
}

void LatencyHelp(const Args&, Session&, Reply& reply) {
  ReplyHelp("LATENCY",
            {"DOCTOR", "    Return a human readable latency analysis report.", "GRAPH <event>",
             "    Return an ASCII latency graph for the <event> class.", "HISTORY <event>",
             "    Return time-latency samples for the <event> class.", "LATEST",
             "    Return the latest latency samples for all events.", "RESET [<event> ...]",
             "    Reset latency data of one or more <event> classes.",
             "    (default: reset all data for all event classes)", "HISTOGRAM [COMMAND ...]",
             "    Return a cumulative distribution of latencies in the format of a histogram for "
             "the specified command names.",
             "    If no commands are specified then all histograms are replied."},
            reply);
}

}  // namespace hearth
