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
    "I'm sorry, Dave, I can't do that. Latency monitoring is disabled in this Redis instance. You "
    "may use \"CONFIG SET latency-monitor-threshold <milliseconds>.\" in order to enable it. If we "
    "weren't in a deep space mission I'd suggest to take a look at "
    "https://redis.io/topics/latency-monitor.\n";
constexpr std::string_view kDoctorNoEvents =
    "Dave, no latency spike was observed during the lifetime of this Redis instance, not in the "
    "slightest bit. I honestly think you ought to sit down calmly, take a stress pill, and think "
    "things over.\n";
constexpr std::string_view kDoctorIntroduction =
    "Dave, I have observed latency spikes in this Redis instance. You don't mind talking about it, "
    "do you Dave?\n\n";
constexpr std::string_view kDoctorNoAdvice =
    "\nWhile there are latency events logged, I'm not able to suggest any easy fix. Please use the "
    "Redis community to get some help, providing this report in your help request.\n";

std::string SlowCommandAdvice(Server& server) {
  const int64_t threshold_ms = server.latency_monitor().threshold_ms();
  const int64_t slow_us = server.config().Int("slowlog-log-slower-than");
  const std::string setting =
      "'CONFIG SET slowlog-log-slower-than " + std::to_string(threshold_ms * 1000) + "'.";
  std::string text = "\nI have a few advices for you:\n\n";
  if (slow_us < 0 || server.config().Int("slowlog-max-len") == 0) {
    text +=
        "- There are latency issues with potentially slow commands you are using. Try to enable "
        "the Slow Log Redis feature using the command " +
        setting +
        " If the Slow log is disabled Redis is not able to log slow commands execution for you.\n";
  } else if (slow_us / 1000 > threshold_ms) {
    text +=
        "- Your current Slow Log configuration only logs events that are slower than your "
        "configured latency monitor threshold. Please use " +
        setting + "\n";
  }
  return text +
         "- Check your Slow Log to understand what are the commands you are running which are too "
         "slow to execute. Please check https://redis.io/commands/slowlog for more information.\n"
         "- Deleting, expiring or evicting (because of maxmemory policy) large objects is a "
         "blocking operation. If you have very large objects that are often deleted, expired, or "
         "evicted, try to fragment those objects into multiple smaller objects.\n";
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
  std::string text(kDoctorIntroduction);
  size_t number = 0;
  for (const auto& [name, event] : events) {
    text += std::to_string(++number) + ". " + LatencySummaryText(name, event, now_s) + "\n";
  }
  text += events.contains("command") ? SlowCommandAdvice(server) : std::string(kDoctorNoAdvice);
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
