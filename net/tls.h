#pragma once

// TlsContext: what a TLS listener needs to greet its clients, built from settings once.
//
// Renegotiation is off and TLS 1.2 the least, unless the settings ask otherwise. To change
// certificates build a new context and hand it to the listener: connections that stand keep theirs.
//
// Thread:   any, once built.
// Lifetime: shared; each session holds what it needs of OpenSSL's context.
// Errors:   Build() returns null and says why in one line.

#include <openssl/ssl.h>

#include <memory>
#include <string>

namespace hearth {

enum class TlsClientAuth { kNo, kOptional, kRequired };

// The tls-* settings of redis.conf, same meanings; an empty string leaves OpenSSL's default.
struct TlsSettings {
  std::string cert_file;
  std::string key_file;
  std::string key_password;
  std::string ca_cert_file;
  std::string ca_cert_dir;
  std::string dh_params_file;
  std::string protocols;     // "TLSv1.2 TLSv1.3"
  std::string ciphers;       // TLS 1.2 and older
  std::string ciphersuites;  // TLS 1.3
  TlsClientAuth client_auth = TlsClientAuth::kRequired;
  bool prefer_server_ciphers = false;
  bool session_caching = true;
  int session_cache_size = 20480;
  int session_cache_timeout_seconds = 300;
};

class TlsContext {
 public:
  // Null on failure, and `*error` tells what is wrong with which setting.
  static std::shared_ptr<TlsContext> Build(const TlsSettings& settings, std::string* error);

  ~TlsContext();
  TlsContext(const TlsContext&) = delete;
  TlsContext& operator=(const TlsContext&) = delete;

  // A server session on a connected socket, owned by the caller; null when out of memory.
  SSL* NewServerSession(int fd) const;

  // A client session, for a link to another server; the same certificate is presented and the
  // peer's is verified against the CA.
  SSL* NewClientSession(int fd) const;

  SSL_CTX* native() const { return context_; }

 private:
  explicit TlsContext(SSL_CTX* context) : context_(context) {}

  std::string Apply(const TlsSettings& settings);

  SSL_CTX* context_;
};

}  // namespace hearth
