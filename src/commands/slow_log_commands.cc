// SLOWLOG. Tested by tests/src/slow_log_test.cc.
#include "src/commands/groups.h"
#include "src/commands/introspection.h"
#include "src/numbers.h"
#include "src/server.h"
#include "src/session.h"

namespace hearth {

// SLOWLOG GET [count]
void SlowlogGet(const Args& args, Session& session, Reply& reply) {
  constexpr std::string_view kBadCount = "ERR count should be greater than or equal to -1";
  if (args.size() > 3) return reply.Error(WrongSubcommand("SLOWLOG", args[1]));
  const auto count = args.size() == 3 ? ParseInt64(args[2]) : std::optional<int64_t>(10);
  if (!count || *count < -1) return reply.Error(kBadCount);
  const auto entries =
      session.server().slow_log().Latest(*count == -1 ? SIZE_MAX : static_cast<size_t>(*count));
  reply.Array(entries.size());
  for (const SlowLog::Entry& entry : entries) {
    reply.Array(6);
    reply.Integer(static_cast<int64_t>(entry.id));
    reply.Integer(entry.at_s);
    reply.Integer(static_cast<int64_t>(entry.took_us));
    reply.Array(entry.args.size());
    for (const std::string& arg : entry.args) reply.Bulk(arg);
    reply.Bulk(entry.address);
    reply.Bulk(entry.client_name);
  }
}

void SlowlogLen(const Args&, Session& session, Reply& reply) {
  reply.Integer(static_cast<int64_t>(session.server().slow_log().count()));
}

void SlowlogReset(const Args&, Session& session, Reply& reply) {
  session.server().slow_log().Reset();
  reply.Ok();
}

void SlowlogHelp(const Args&, Session&, Reply& reply) {
  ReplyHelp("SLOWLOG",
            {"GET [<count>]",
             "    Return top <count> entries from the slowlog (default: 10, -1 mean all).",
             "    Entries are made of:",
             "    id, timestamp, time in microseconds, arguments array, client IP and port,",
             "    client name", "LEN", "    Return the length of the slowlog.", "RESET",
             "    Reset the slowlog."},
            reply);
}

}  // namespace hearth
