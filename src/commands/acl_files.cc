// ACL LOAD and ACL SAVE: files are read and written on a reader thread.
// Tested by tests/src/acl/acl_file_test.cc.
#include <any>

#include "src/commands/acl.h"
#include "src/log.h"
#include "src/server.h"
#include "src/session.h"

namespace hearth {
namespace {

// False: the error is written.
bool HasAclFile(Session& session, Reply& reply) {
  if (!session.server().AclFile().empty()) return true;
  reply.Error(
      "ERR This Redis instance is not configured to use an ACL file. You may want to specify users "
      "via the ACL SETUSER command and then issue a CONFIG REWRITE (assuming you have a Redis "
      "configuration file set) in order to store users in the Redis configuration.");
  return false;
}

}  // namespace

// ACL LOAD: all users of the file, or none
void AclLoad(const Args&, Session& session, Reply& reply) {
  if (!HasAclFile(session, reply)) return;
  auto answer = session.AnswerLater();
  Worker& worker = session.connection().worker();
  Server& server = session.server();
  const uint64_t own_id = session.id();
  server.engine().RunOnReaders([&server, &worker, &session, own_id, answer] {
    AclChange change;
    const std::string error = server.LoadAclFile(&change);
    server.FollowAclChange(worker, change, own_id, [answer, error, &session](bool close_own) {
      answer([&](Reply& later) {
        error.empty() ? later.Ok() : later.Error("ERR " + error);
        if (close_own) session.connection().CloseAfterReply();
      });
    });
  });
}

// ACL SAVE: every user, into the file
void AclSave(const Args&, Session& session, Reply& reply) {
  if (!HasAclFile(session, reply)) return;
  Server& server = session.server();
  session.OffThread(
      /*run_now=*/false,
      [&server]() -> std::any {
        std::string text;
        for (const std::string& line : server.users().Lines()) text += line + "\n";
        const std::string error = server.ReplaceAclFile(text);
        if (!error.empty()) {
          Log(LogLevel::kWarning, "Saving the ACL file '" + server.AclFile() + "': " + error);
        }
        return error.empty();
      },
      [](std::any& saved, Reply& later) {
        std::any_cast<bool>(saved)
            ? later.Ok()
            : later.Error(
                  "ERR There was an error trying to save the ACLs. Please check the server logs "
                  "for more information");
      });
}

}  // namespace hearth
