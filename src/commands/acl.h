#pragma once

// The functions of ACL; their rows stand in acl_table.cc.

#include "src/command.h"

namespace hearth {

// acl.cc
void AclCat(const Args& args, Session& session, Reply& reply);
void AclDelUser(const Args& args, Session& session, Reply& reply);
void AclDryRun(const Args& args, Session& session, Reply& reply);
void AclGenPass(const Args& args, Session& session, Reply& reply);
void AclGetUser(const Args& args, Session& session, Reply& reply);
void AclHelp(const Args& args, Session& session, Reply& reply);
void AclList(const Args& args, Session& session, Reply& reply);
void AclSetUser(const Args& args, Session& session, Reply& reply);
void AclUserNames(const Args& args, Session& session, Reply& reply);
void AclWhoAmI(const Args& args, Session& session, Reply& reply);

// acl_files.cc
void AclLoad(const Args& args, Session& session, Reply& reply);
void AclSave(const Args& args, Session& session, Reply& reply);

// acl_log_commands.cc
void AclShowLog(const Args& args, Session& session, Reply& reply);

}  // namespace hearth
