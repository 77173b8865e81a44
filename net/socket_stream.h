#pragma once

// SocketStream: the bytes of one connected non-blocking socket, plain or under TLS.
//
// Thread:   one at a time, the connection's worker.
// Lifetime: owns the TLS session, not the socket.
// Errors:   in IoResult; a peer that breaks TLS is kError, and only its connection suffers.

#include <openssl/ssl.h>
#include <sys/uio.h>

#include <cstddef>
#include <memory>
#include <span>
#include <string>

namespace hearth {

// kWantRead and kWantWrite: nothing moves before the socket is readable, or writable.
enum class IoStatus { kOk, kWantRead, kWantWrite, kEof, kError };

struct IoResult {
  IoStatus status;
  size_t size = 0;
};

class SocketStream {
 public:
  // `session` may be null, for plain bytes; the stream owns it.
  SocketStream(int fd, SSL* session) : fd_(fd), session_(session, SSL_free) {}

  bool is_tls() const { return session_ != nullptr; }
  SSL* session() const { return session_.get(); }

  // kOk once the session may carry bytes.
  IoResult Handshake();

  // Reads once. Fewer bytes than asked on a plain socket means that nothing more is there now.
  IoResult Read(std::span<char> into);

  // Writes what goes without waiting; `size` counts it also when the status is kWantWrite.
  IoResult Write(const iovec* pieces, size_t count);

  // Tells a TLS peer that the end is meant, when that goes without waiting.
  void SayGoodbye();

  // Why the last call was kError, for a log.
  const std::string& error() const { return error_; }

 private:
  IoResult WritePlain(const iovec* pieces, size_t count);
  IoResult TlsFailure(int result);
  IoResult SystemFailure(IoStatus would_block);

  int fd_;
  bool handshake_done_ = false;
  std::unique_ptr<SSL, void (*)(SSL*)> session_;
  std::string error_;
};

}  // namespace hearth
