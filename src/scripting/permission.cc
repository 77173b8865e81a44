// Tested by tests/src/scripting/permission_test.cc.
#include "src/scripting/permission.h"

namespace hearth {

AclVerdict ScriptPermission(Session& session, const CommandTable::Found& found, const Args& args) {
  if (session.MayDoEverything()) [[likely]]
    return {};
  if (!session.RefreshUser()) return {AclDenial::kCommand, 0};
  const AclVerdict verdict = CheckAcl(session.user(), *found.command, found.index, args);
  if (!verdict.allowed()) return verdict;
  const bool may_read =
      DeniedUnnamedKeys(session.user(), *found.command, found.index, args).empty();
  return may_read ? verdict : AclVerdict{AclDenial::kKey, 1};
}

}  // namespace hearth
