// Tested by tests/src/monitor_test.cc.
#include "src/monitors.h"

#include <chrono>
#include <cstdio>

#include "src/log.h"
#include "src/redis_text.h"
#include "src/session.h"
#include "src/slow_log.h"

namespace hearth {

Monitors::Monitors(const std::vector<std::unique_ptr<Worker>>& workers)
    : mail_(
          workers, [this](Worker& worker, const Line& line) { Deliver(worker, line); },
          [](std::vector<Line>* lines) { lines->assign(1, nullptr); }) {
  for (size_t i = 0; i < workers.size(); ++i) rosters_.push_back(std::make_unique<Roster>());
}

void Monitors::Add(Session& session) {
  Roster& roster = *rosters_[static_cast<size_t>(session.connection().worker().index())];
  roster.sessions.push_back(&session);
  roster.count.store(roster.sessions.size(), std::memory_order_relaxed);
  count_.fetch_add(1);
}

void Monitors::Remove(Session& session) {
  Roster& roster = *rosters_[static_cast<size_t>(session.connection().worker().index())];
  if (std::erase(roster.sessions, &session) == 0) return;
  roster.count.store(roster.sessions.size(), std::memory_order_relaxed);
  count_.fetch_sub(1);
}

// +seconds.microseconds [db source] "name" "argument"...
void Monitors::Feed(uint32_t db, std::string_view source, const Args& args) {
  const auto now_us = std::chrono::duration_cast<std::chrono::microseconds>(
                          std::chrono::system_clock::now().time_since_epoch())
                          .count();
  char time[48];
  std::snprintf(time, sizeof(time), "+%lld.%06lld [%u ", static_cast<long long>(now_us / 1'000'000),
                static_cast<long long>(now_us % 1'000'000), db);
  auto line = std::make_shared<std::string>(time);
  *line += source;
  *line += ']';
  for (size_t i = 0; i < args.size(); ++i) {
    *line += ' ';
    AppendQuoted(IsSecretArgument(args, i) ? kRedacted : args[i], line.get());
  }
  *line += "\r\n";
  for (size_t i = 0; i < rosters_.size(); ++i) {
    if (rosters_[i]->count.load(std::memory_order_relaxed) > 0) mail_.Send(i, line, line->size());
  }
}

void Monitors::Deliver(Worker& worker, const Line& line) {
  for (Session* session : rosters_[static_cast<size_t>(worker.index())]->sessions) {
    if (session->connection().is_closing()) continue;
    if (line == nullptr) {
      Log(LogLevel::kWarning, "Closing a monitor that lost lines. " + session->Describe());
      session->connection().Close("the monitor was too slow");
    } else {
      session->PushRaw(*line);
    }
  }
}

}  // namespace hearth
