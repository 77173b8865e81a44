// Tested by tests/net/tls_test.cc.
#include "net/tls.h"

#include <openssl/bio.h>
#include <openssl/decoder.h>
#include <openssl/err.h>
#include <openssl/pem.h>

#include <sstream>

namespace hearth {
namespace {

// The oldest reason OpenSSL has for the failure of `what`; empties its queue.
std::string OpenSslError(const std::string& what) {
  char reason[256] = "unknown reason";
  if (const unsigned long code = ERR_get_error(); code != 0) {
    ERR_error_string_n(code, reason, sizeof(reason));
  }
  ERR_clear_error();
  return what + ": " + reason;
}

int GivePassword(char* out, int size, int, void* user_data) {
  const auto* password = static_cast<const std::string*>(user_data);
  if (static_cast<int>(password->size()) > size) return -1;
  password->copy(out, password->size());
  return static_cast<int>(password->size());
}

// An error text; empty when all is well, as in the other Apply functions.
std::string ApplyProtocols(SSL_CTX* context, const std::string& protocols) {
  if (protocols.empty()) {
    SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION);
    return "";
  }
  uint64_t disabled = SSL_OP_NO_TLSv1 | SSL_OP_NO_TLSv1_1 | SSL_OP_NO_TLSv1_2 | SSL_OP_NO_TLSv1_3;
  std::istringstream words(protocols);
  for (std::string word; words >> word;) {
    if (word == "TLSv1")
      disabled &= ~static_cast<uint64_t>(SSL_OP_NO_TLSv1);
    else if (word == "TLSv1.1")
      disabled &= ~static_cast<uint64_t>(SSL_OP_NO_TLSv1_1);
    else if (word == "TLSv1.2")
      disabled &= ~static_cast<uint64_t>(SSL_OP_NO_TLSv1_2);
    else if (word == "TLSv1.3")
      disabled &= ~static_cast<uint64_t>(SSL_OP_NO_TLSv1_3);
    else
      return "tls-protocols: unknown protocol '" + word + "'";
  }
  SSL_CTX_set_min_proto_version(context, 0);
  SSL_CTX_set_options(context, disabled);
  return "";
}

std::string ApplyCertificate(SSL_CTX* context, const TlsSettings& settings) {
  SSL_CTX_set_default_passwd_cb(context, GivePassword);
  SSL_CTX_set_default_passwd_cb_userdata(context, const_cast<std::string*>(&settings.key_password));
  std::string error;
  if (SSL_CTX_use_certificate_chain_file(context, settings.cert_file.c_str()) <= 0) {
    error = OpenSslError("tls-cert-file " + settings.cert_file);
  } else if (SSL_CTX_use_PrivateKey_file(context, settings.key_file.c_str(), SSL_FILETYPE_PEM) <=
             0) {
    error = OpenSslError("tls-key-file " + settings.key_file);
  } else if (SSL_CTX_check_private_key(context) <= 0) {
    error = OpenSslError("tls-key-file does not match tls-cert-file");
  }
  SSL_CTX_set_default_passwd_cb(context, nullptr);
  SSL_CTX_set_default_passwd_cb_userdata(context, nullptr);
  return error;
}

std::string ApplyClientAuth(SSL_CTX* context, const TlsSettings& settings) {
  if (settings.client_auth == TlsClientAuth::kRequired) {
    SSL_CTX_set_verify(context, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, nullptr);
  } else if (settings.client_auth == TlsClientAuth::kOptional) {
    SSL_CTX_set_verify(context, SSL_VERIFY_PEER, nullptr);
  } else {
    SSL_CTX_set_verify(context, SSL_VERIFY_NONE, nullptr);
  }
  const char* file = settings.ca_cert_file.empty() ? nullptr : settings.ca_cert_file.c_str();
  const char* dir = settings.ca_cert_dir.empty() ? nullptr : settings.ca_cert_dir.c_str();
  if (file == nullptr && dir == nullptr) {
    if (settings.client_auth == TlsClientAuth::kNo) return "";
    return "tls-ca-cert-file or tls-ca-cert-dir must be set when tls-auth-clients is not no";
  }
  if (SSL_CTX_load_verify_locations(context, file, dir) <= 0) {
    return OpenSslError("tls-ca-cert-file/dir");
  }
  if (file != nullptr) SSL_CTX_set_client_CA_list(context, SSL_load_client_CA_file(file));
  return "";
}

std::string ApplyDhParams(SSL_CTX* context, const std::string& path) {
  if (path.empty()) {
    SSL_CTX_set_dh_auto(context, 1);
    return "";
  }
  BIO* file = BIO_new_file(path.c_str(), "r");
  EVP_PKEY* params = file == nullptr ? nullptr : PEM_read_bio_Parameters(file, nullptr);
  BIO_free(file);
  if (params == nullptr) return OpenSslError("tls-dh-params-file " + path);
  if (SSL_CTX_set0_tmp_dh_pkey(context, params) <= 0) {
    EVP_PKEY_free(params);
    return OpenSslError("tls-dh-params-file " + path);
  }
  return "";
}

void ApplySessionCache(SSL_CTX* context, const TlsSettings& settings) {
  static constexpr unsigned char kSessionIdContext[] = "hearth";
  SSL_CTX_set_session_id_context(context, kSessionIdContext, sizeof(kSessionIdContext) - 1);
  if (!settings.session_caching) {
    SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
    return;
  }
  SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_SERVER);
  SSL_CTX_sess_set_cache_size(context, settings.session_cache_size);
  SSL_CTX_set_timeout(context, settings.session_cache_timeout_seconds);
}

}  // namespace

std::shared_ptr<TlsContext> TlsContext::Build(const TlsSettings& settings, std::string* error) {
  ERR_clear_error();
  SSL_CTX* native = SSL_CTX_new(TLS_method());
  if (native == nullptr) {
    *error = OpenSslError("TLS");
    return nullptr;
  }
  std::shared_ptr<TlsContext> context(new TlsContext(native));
  *error = context->Apply(settings);
  return error->empty() ? context : nullptr;
}

TlsContext::~TlsContext() {
  SSL_CTX_free(context_);
}

std::string TlsContext::Apply(const TlsSettings& settings) {
  SSL_CTX_set_options(context_, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION |
                                    SSL_OP_SINGLE_DH_USE | SSL_OP_IGNORE_UNEXPECTED_EOF);
  if (settings.prefer_server_ciphers) {
    SSL_CTX_set_options(context_, SSL_OP_CIPHER_SERVER_PREFERENCE);
  }
  SSL_CTX_set_mode(context_, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER |
                                 SSL_MODE_RELEASE_BUFFERS);
  ApplySessionCache(context_, settings);

  if (std::string error = ApplyProtocols(context_, settings.protocols); !error.empty())
    return error;
  if (std::string error = ApplyCertificate(context_, settings); !error.empty()) return error;
  if (std::string error = ApplyClientAuth(context_, settings); !error.empty()) return error;
  if (std::string error = ApplyDhParams(context_, settings.dh_params_file); !error.empty()) {
    return error;
  }
  if (!settings.ciphers.empty() &&
      SSL_CTX_set_cipher_list(context_, settings.ciphers.c_str()) <= 0) {
    return OpenSslError("tls-ciphers");
  }
  if (!settings.ciphersuites.empty() &&
      SSL_CTX_set_ciphersuites(context_, settings.ciphersuites.c_str()) <= 0) {
    return OpenSslError("tls-ciphersuites");
  }
  return "";
}

SSL* TlsContext::NewServerSession(int fd) const {
  SSL* session = SSL_new(context_);
  if (session == nullptr) return nullptr;
  SSL_set_fd(session, fd);
  SSL_set_accept_state(session);
  return session;
}

SSL* TlsContext::NewClientSession(int fd) const {
  SSL* session = SSL_new(context_);
  if (session == nullptr) return nullptr;
  SSL_set_fd(session, fd);
  SSL_set_connect_state(session);
  SSL_set_verify(session, SSL_VERIFY_PEER, nullptr);
  return session;
}

}  // namespace hearth
