// The dispatcher's part in users: the gates of authentication and permissions, for clients that may
// not do everything. Tested by tests/src/acl/acl_gate_test.cc.
#include "src/acl/check.h"
#include "src/dispatcher.h"
#include "src/server.h"

namespace hearth {
namespace {

// Why a queued command is refused by EXEC.
std::string_view ReasonAtExec(AclDenial denial) {
  switch (denial) {
    case AclDenial::kCommand:
      return "no permission to execute the command or subcommand";
    case AclDenial::kKey:
      return "no permission to touch the specified keys";
    case AclDenial::kChannel:
      return "no permission to access one of the channels used as argument to the command";
    default:
      return "no permission";
  }
}

}  // namespace

bool Dispatcher::PassAuthentication(Session& session, const Command& command) {
  if (!session.RefreshUser()) {
    session.connection().Close("its user is gone");
    return false;
  }
  if (session.authenticated() || (command.flags & kCmdNoAuth)) return true;
  session.connection().reply().Error("NOAUTH Authentication required.");
  return false;
}

bool Dispatcher::PassPermissions(Session& session, const Args& args,
                                 const CommandTable::Found& found) {
  const Command& command = *found.command;
  const AclVerdict verdict = CheckAcl(session.user(), command, found.index, args);
  if (verdict.allowed()) return true;
  session.NoteDenied(verdict, command, args,
                     session.in_transaction() ? AclLogContext::kMulti : AclLogContext::kTopLevel);
  session.connection().reply().Error("NOPERM " +
                                     AclDenialText(verdict, session.user(), command, args, false));
  return false;
}

bool Dispatcher::PassPermissionsInExec(Session& session, const Args& args,
                                       const CommandTable::Found& found) {
  if (session.MayDoEverything()) [[likely]]
    return true;
  Reply& reply = session.connection().reply();
  AclVerdict verdict{AclDenial::kCommand, 0};
  if (session.RefreshUser()) {
    verdict = CheckAcl(session.user(), *found.command, found.index, args);
    if (verdict.allowed()) return true;
    session.NoteDenied(verdict, *found.command, args, AclLogContext::kMulti);
  }
  reply.Error(
      "NOPERM ACLs rules changed between the moment the transaction was accumulated and the EXEC "
      "call. This command is no longer allowed for the following reason: " +
      std::string(ReasonAtExec(verdict.denial)));
  server_.CountError(reply.last_error_code());
  return false;
}

bool Dispatcher::PassUnnamedKeys(Session& session, const Args& args,
                                 const CommandTable::Found& found) {
  if (session.MayDoEverything()) [[likely]]
    return true;
  const std::string_view error =
      DeniedUnnamedKeys(session.user(), *found.command, found.index, args);
  if (!error.empty()) session.connection().reply().Error(error);
  return error.empty();
}

}  // namespace hearth
