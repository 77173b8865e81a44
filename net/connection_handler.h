#pragma once

// ConnectionHandler: what a connection serves; the server's session implements it.
//
// Thread:   the connection's worker, every call.
// Lifetime: owned by its connection; nothing is called after OnClose().

#include <cstddef>
#include <functional>
#include <memory>
#include <string_view>

#include "net/request_parser.h"

namespace hearth {

class Connection;

class ConnectionHandler {
 public:
  virtual ~ConnectionHandler() = default;

  // Runs requests in order and returns how many are done. Fewer than given pauses the connection
  // until Connection::Resume(); those not done are given again then. Once a request made the
  // connection closing (Connection::is_closing), the rest of the batch must not run.
  virtual size_t OnRequests(const RequestBatch& batch) = 0;

  // The connection is gone. Called exactly once.
  virtual void OnClose() = 0;

  // Output was sent, while Connection::SetSentNotice is on. May not write.
  virtual void OnOutputSent() {}

  // The client broke the protocol; `error` is what it is answered. For a log.
  virtual void OnProtocolError(std::string_view error) { (void)error; }
};

// Makes the handler of a new connection, on the connection's worker.
using ConnectionFactory = std::function<std::unique_ptr<ConnectionHandler>(Connection&)>;

}  // namespace hearth
