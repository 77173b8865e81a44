// Snapshots and the end: SAVE, BGSAVE, BGREWRITEAOF, LASTSAVE, SHUTDOWN. Tested by
// tests/src/server_test.cc.
#include <any>

#include "net/worker.h"
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
void ShutdownServer(const Args& args, Session& session, Reply& reply) {
  bool nosave = false, abort = false;
  Shutdown::Options options;
  for (const std::string_view arg : args.subspan(1)) {
    if (IsWord(arg, "SAVE") && !nosave) {
      options.save = true;
    } else if (IsWord(arg, "NOSAVE") && !options.save) {
      nosave = true;
    } else if (IsWord(arg, "NOW")) {
      options.now = true;
    } else if (IsWord(arg, "FORCE")) {
      options.force = true;
    } else if (IsWord(arg, "ABORT")) {
      abort = true;
    } else {
      return reply.Error(kErrSyntax);
    }
  }
  Server& server = session.server();
  if (abort) {
    if (nosave || options.save || options.now || options.force) return reply.Error(kErrSyntax);
    return server.shutdown().Abort() ? reply.Ok() : reply.Error("ERR No shutdown in progress.");
  }
  options.force |= nosave;
  if (server.scripting().is_busy()) {
    if (!nosave) return reply.Error(server.scripting().BusyError());
    server.scripting().RequestStop();
  }
  session.set_waits(true);
  server.shutdown().Begin(options, [&worker = session.connection().worker(), &session,
                                    answer = session.AnswerLater()](bool stops) {
    worker.Post([&session, answer, stops] {
      answer([&](Reply& reply) {
        session.set_waits(false);
        stops ? session.connection().CloseAfterReply()
              : reply.Error("ERR Errors trying to SHUTDOWN. Check logs.");
      });
    });
  });
}

}  // namespace hearth
