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

constexpr std::string_view kDoctorDisabled =
    "The latency monitor is off. CONFIG SET latency-monitor-threshold <milliseconds> turns it "
    "on.\n";
constexpr std::string_view kDoctorNoEvents =
    "Nothing took as long as latency-monitor-threshold since the server was started.\n";

// What to look at when commands are slow.
std::string SlowCommandAdvice(Server& server) {
  const int64_t threshold_us = server.latency_monitor().threshold_ms() * 1000;
  const int64_t slow_us = server.config().Int("slowlog-log-slower-than");
  std::string text = "\nWhat may help:\n";
  if (slow_us < 0 || slow_us > threshold_us || server.config().Int("slowlog-max-len") == 0) {
    text +=
        "- The slow log does not show what the latency monitor sees: CONFIG SET "
        "slowlog-log-slower-than " +
        std::to_string(threshold_us) + " (and slowlog-max-len above 0) makes it.\n";
  }
  return text +
         "- SLOWLOG GET names the commands that took long.\n"
         "- INFO rocksdb and tiering tell whether keys had to be read from the disk, or writers "
         "waited for it.\n";
}

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

// LATENCY GRAPH event -> a column a sample
void LatencyGraph(const Args& args, Session& session, Reply& reply) {
  const auto events = session.server().latency_monitor().Events();
  const auto found = events.find(args[2]);
  if (found == events.end()) {
    return reply.Error("ERR No samples available for event '" + std::string(args[2]) + "'");
  }
  const int64_t now_s = session.server().clock().WallMs() / 1000;
  reply.Verbatim("txt", LatencyGraphText(found->first, found->second, now_s));
}

// LATENCY RESET [event...] -> how many were there
void LatencyReset(const Args& args, Session& session, Reply& reply) {
  std::vector<std::string> names(args.begin() + 2, args.end());
  reply.Integer(static_cast<int64_t>(session.server().latency_monitor().Reset(names)));
}

// LATENCY DOCTOR -> what the events are, and what may be done
void LatencyDoctor(const Args&, Session& session, Reply& reply) {
  Server& server = session.server();
  const auto events = server.latency_monitor().Events();
  if (events.empty()) {
    return reply.Verbatim(
        "txt", server.latency_monitor().threshold_ms() == 0 ? kDoctorDisabled : kDoctorNoEvents);
  }
  const int64_t now_s = server.clock().WallMs() / 1000;
  std::string text;
  size_t number = 0;
  for (const auto& [name, event] : events) {
    text += std::to_string(++number) + ". " + LatencySummaryText(name, event, now_s) + "\n";
  }
  if (events.contains("command")) text += SlowCommandAdvice(server);
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
