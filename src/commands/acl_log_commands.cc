// ACL LOG. Tested by tests/src/acl/acl_commands_test.cc.
#include <algorithm>

#include "src/acl/log.h"
#include "src/commands/acl.h"
#include "src/commands/groups.h"
#include "src/numbers.h"
#include "src/server.h"
#include "src/session.h"

namespace hearth {
namespace {

constexpr int64_t kShownByDefault = 10;

std::string_view NameOf(AclDenial reason) {
  switch (reason) {
    case AclDenial::kCommand:
      return "command";
    case AclDenial::kKey:
      return "key";
    case AclDenial::kChannel:
      return "channel";
    case AclDenial::kAuth:
      return "auth";
    case AclDenial::kNone:
      break;
  }
  return "unknown";
}

std::string_view NameOf(AclLogContext context) {
  switch (context) {
    case AclLogContext::kTopLevel:
      return "toplevel";
    case AclLogContext::kMulti:
      return "multi";
    case AclLogContext::kLua:
      break;
  }
  return "lua";
}

void ReplyEntry(const AclLog::Entry& entry, int64_t now_ms, Reply& reply) {
  reply.Map(10);
  reply.Bulk("count");
  reply.Integer(static_cast<int64_t>(entry.count));
  reply.Bulk("reason");
  reply.Bulk(NameOf(entry.reason));
  reply.Bulk("context");
  reply.Bulk(NameOf(entry.context));
  reply.Bulk("object");
  reply.Bulk(entry.object);
  reply.Bulk("username");
  reply.Bulk(entry.user_name);
  reply.Bulk("age-seconds");
  reply.Double(static_cast<double>(now_ms - entry.updated_ms) / 1000);
  reply.Bulk("client-info");
  reply.Bulk(entry.client);
  reply.Bulk("entry-id");
  reply.Integer(static_cast<int64_t>(entry.id));
  reply.Bulk("timestamp-created");
  reply.Integer(entry.created_ms);
  reply.Bulk("timestamp-last-updated");
  reply.Integer(entry.updated_ms);
}

}  // namespace

// ACL LOG [count | RESET] -> the latest refusals, the last one first
void AclShowLog(const Args& args, Session& session, Reply& reply) {
  if (args.size() > 3) return reply.Error(WrongSubcommand("ACL", args[1]));
  AclLog& log = session.server().acl_log();
  int64_t count = kShownByDefault;
  if (args.size() == 3) {
    if (IsWord(args[2], "RESET")) {
      log.Clear();
      return reply.Ok();
    }
    const auto given = ReadInteger(args[2], reply);
    if (!given) return;
    count = std::max<int64_t>(*given, 0);
  }
  const int64_t now_ms = session.server().clock().WallMs();
  const std::vector<AclLog::Entry> entries = log.Latest(static_cast<size_t>(count));
  reply.Array(entries.size());
  for (const AclLog::Entry& entry : entries) ReplyEntry(entry, now_ms, reply);
}

}  // namespace hearth
