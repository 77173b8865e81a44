// Tested by tests/net/connection_test.cc and tests/net/tls_test.cc.
#include "net/socket_stream.h"

#include <openssl/err.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <climits>
#include <cstring>

namespace hearth {

IoResult SocketStream::Handshake() {
  if (!is_tls() || handshake_done_) return {IoStatus::kOk};
  ERR_clear_error();
  const int result = SSL_do_handshake(session_.get());
  if (result != 1) return TlsFailure(result);
  handshake_done_ = true;
  return {IoStatus::kOk};
}

IoResult SocketStream::Read(std::span<char> into) {
  if (is_tls()) {
    ERR_clear_error();
    const int size = static_cast<int>(std::min<size_t>(into.size(), INT_MAX));
    const int result = SSL_read(session_.get(), into.data(), size);
    if (result > 0) return {IoStatus::kOk, static_cast<size_t>(result)};
    return TlsFailure(result);
  }
  ssize_t size;
  do {
    size = ::recv(fd_, into.data(), into.size(), 0);
  } while (size < 0 && errno == EINTR);
  if (size > 0) return {IoStatus::kOk, static_cast<size_t>(size)};
  if (size == 0) return {IoStatus::kEof};
  return SystemFailure(IoStatus::kWantRead);
}

IoResult SocketStream::Write(const iovec* pieces, size_t count) {
  if (!is_tls()) return WritePlain(pieces, count);
  size_t written = 0;
  for (size_t i = 0; i < count; i++) {
    size_t done = 0;
    while (done < pieces[i].iov_len) {
      ERR_clear_error();
      const int size = static_cast<int>(std::min<size_t>(pieces[i].iov_len - done, INT_MAX));
      const int result =
          SSL_write(session_.get(), static_cast<const char*>(pieces[i].iov_base) + done, size);
      if (result <= 0) {
        IoResult failure = TlsFailure(result);
        failure.size = written;
        return failure;
      }
      done += static_cast<size_t>(result);
      written += static_cast<size_t>(result);
    }
  }
  return {IoStatus::kOk, written};
}

void SocketStream::SayGoodbye() {
  if (!is_tls() || !handshake_done_) return;
  ERR_clear_error();
  SSL_shutdown(session_.get());
  ERR_clear_error();
}

IoResult SocketStream::WritePlain(const iovec* pieces, size_t count) {
  size_t asked = 0;
  for (size_t i = 0; i < count; i++) asked += pieces[i].iov_len;
  ssize_t size;
  do {
    if (count == 1) {
      size = ::send(fd_, pieces[0].iov_base, pieces[0].iov_len, MSG_NOSIGNAL);
    } else {
      msghdr message{};
      message.msg_iov = const_cast<iovec*>(pieces);
      message.msg_iovlen = count;
      size = ::sendmsg(fd_, &message, MSG_NOSIGNAL);
    }
  } while (size < 0 && errno == EINTR);
  if (size < 0) return SystemFailure(IoStatus::kWantWrite);
  const auto sent = static_cast<size_t>(size);
  return {sent < asked ? IoStatus::kWantWrite : IoStatus::kOk, sent};
}

IoResult SocketStream::TlsFailure(int result) {
  const int saved_errno = errno;
  const int reason = SSL_get_error(session_.get(), result);
  if (reason == SSL_ERROR_WANT_READ) return {IoStatus::kWantRead};
  if (reason == SSL_ERROR_WANT_WRITE) return {IoStatus::kWantWrite};
  if (reason == SSL_ERROR_ZERO_RETURN) return {IoStatus::kEof};
  if (reason == SSL_ERROR_SYSCALL) {
    error_ = saved_errno == 0 ? "connection closed by peer" : std::strerror(saved_errno);
  } else {
    char text[256];
    ERR_error_string_n(ERR_peek_error(), text, sizeof(text));
    error_ = text;
  }
  ERR_clear_error();
  return {IoStatus::kError};
}

IoResult SocketStream::SystemFailure(IoStatus would_block) {
  if (errno == EAGAIN || errno == EWOULDBLOCK) return {would_block};
  error_ = std::strerror(errno);
  return {IoStatus::kError};
}

}  // namespace hearth
