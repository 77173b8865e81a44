// Snapshots and the end: SAVE, BGSAVE, BGREWRITEAOF, LASTSAVE, SHUTDOWN. Tested by
// tests/src/server_test.cc.
#include <any>

#include "src/commands/groups.h"
#include "src/commands/server_commands.h"
#include "src/errors.h"
#include "src/log.h"
#include "src/numbers.h"
#include "src/server.h"
#include "src/session.h"

namespace hearth {

// SAVE waits on a reader thread: the connection waits, the worker does not.
void SaveSnapshot(const Args&, Session& session, Reply& reply) {
  Server& server = session.server();
  if (server.snapshots().running()) return reply.Error("ERR Background save already in progress");
  session.OffThread(
      false,
      [&server] {
        SnapshotInfo info;
        return std::any(server.snapshots().Take(&info));
      },
      [](std::any& any, Reply& reply) {
        const auto& status = std::any_cast<const Status&>(any);
        status.ok() ? reply.Ok() : reply.Error("ERR " + status.message());
      });
}

void BgSave(const Args& args, Session& session, Reply& reply) {
  if (args.size() > 2 || (args.size() == 2 && !IsWord(args[1], "SCHEDULE"))) {
    return reply.Error(kErrSyntax);
  }
  session.server().snapshots().Start() ? reply.Simple("Background saving started")
                                       : reply.Error("ERR Background save already in progress");
}

// The log is never rewritten here: the store's own compaction does what a rewrite is for.
void BgRewriteAof(const Args&, Session& session, Reply& reply) {
  const Status status = session.server().engine().store().Flush(/*wait=*/false);
  status.ok() ? reply.Simple("Background append only file rewriting started")
              : reply.Error("ERR " + status.message());
}

void LastSave(const Args&, Session& session, Reply& reply) {
  reply.Integer(session.server().snapshots().last_s());
}

// SHUTDOWN [NOSAVE | SAVE] [NOW] [FORCE] [ABORT]
void Shutdown(const Args& args, Session& session, Reply& reply) {
  bool save = false, nosave = false, abort = false, other = false;
  for (const std::string_view arg : args.subspan(1)) {
    if (IsWord(arg, "SAVE") && !nosave) {
      save = true;
    } else if (IsWord(arg, "NOSAVE") && !save) {
      nosave = true;
    } else if (IsWord(arg, "NOW") || IsWord(arg, "FORCE")) {
      other = true;
    } else if (IsWord(arg, "ABORT")) {
      abort = true;
    } else {
      return reply.Error(kErrSyntax);
    }
  }
  if (abort && (save || nosave || other)) return reply.Error(kErrSyntax);
  if (abort) return reply.Error("ERR No shutdown in progress.");
  Server& server = session.server();
  if (server.scripting().is_busy()) {
    if (!nosave) return reply.Error(server.scripting().BusyError());
    server.scripting().RequestStop();
  }
  if (!save) {
    Log(LogLevel::kNotice, "User requested shutdown...");
    server.RequestStop();
    return session.connection().CloseAfterReply();
  }
  session.OffThread(
      false,
      [&server] {
        SnapshotInfo info;
        return std::any(server.snapshots().Take(&info));
      },
      [&server, &session](std::any& any, Reply& reply) {
        if (!std::any_cast<const Status&>(any).ok()) {
          return reply.Error("ERR Errors trying to SHUTDOWN. Check logs.");
        }
        Log(LogLevel::kNotice, "User requested shutdown...");
        server.RequestStop();
        session.connection().CloseAfterReply();
      });
}

}  // namespace hearth
