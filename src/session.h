#pragma once

// Session: what the server knows of one client connection, and what session commands work with.
//
// Thread:   its connection's worker, except the accessors marked (any).
// Lifetime: from accept to close; owned by the connection.

#include <any>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "net/connection.h"
#include "src/command.h"

namespace hearth {

class Server;

class Session : public ConnectionHandler {
 public:
  Session(Server& server, Connection& connection);
  ~Session() override;

  size_t OnRequests(const RequestBatch& batch) override;
  void OnClose() override;

  Server& server() { return server_; }
  Connection& connection() { return connection_; }
  uint64_t id() const { return id_; }

  uint32_t db() const { return db_; }
  void set_db(uint32_t db) { db_ = db; }

  // Runs work on a reader thread while other connections go on, then finish on this worker; the
  // session takes no further command until finish has written the reply. finish is not called
  // when the client has left meanwhile. With run_now both run at once on this thread.
  void OffThread(bool run_now, std::function<std::any()> work,
                 std::function<void(std::any& result, Reply& reply)> finish);

  // Makes the current reply wait until the commit log has reached seq.
  void WaitForCommit(uint64_t seq) { connection_.SetBarrier(seq); }

 private:
  Server& server_;
  Connection& connection_;
  uint64_t id_;
  uint32_t db_ = 0;
};

}  // namespace hearth
