#include "net/tls.h"

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

#include <cstdio>
#include <filesystem>

#include "tests/net/loopback.h"

namespace hearth {
namespace {

// A self-signed certificate for an hour, as two files.
void WriteCertificate(const std::string& cert_path, const std::string& key_path) {
  EVP_PKEY* key = EVP_EC_gen("P-256");
  X509* cert = X509_new();
  X509_set_version(cert, X509_VERSION_3);
  ASN1_INTEGER_set(X509_get_serialNumber(cert), 1);
  X509_gmtime_adj(X509_getm_notBefore(cert), -60);
  X509_gmtime_adj(X509_getm_notAfter(cert), 3600);
  X509_set_pubkey(cert, key);
  X509_NAME* name = X509_get_subject_name(cert);
  X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC,
                             reinterpret_cast<const unsigned char*>("hearth"), -1, -1, 0);
  X509_set_issuer_name(cert, name);
  X509_sign(cert, key, EVP_sha256());

  FILE* file = std::fopen(cert_path.c_str(), "w");
  PEM_write_X509(file, cert);
  std::fclose(file);
  file = std::fopen(key_path.c_str(), "w");
  PEM_write_PrivateKey(file, key, nullptr, nullptr, 0, nullptr, nullptr);
  std::fclose(file);
  X509_free(cert);
  EVP_PKEY_free(key);
}

// A blocking TLS client over a Client's socket.
class TlsClient {
 public:
  TlsClient(int port, int version_max = 0, const TlsContext* identity = nullptr) : client_(port) {
    context_ = SSL_CTX_new(TLS_client_method());
    SSL_CTX_set_max_proto_version(context_, version_max);
    SSL_CTX_set_min_proto_version(context_, TLS1_VERSION);
    SSL_CTX_set_security_level(context_, 0);
    session_ = SSL_new(identity == nullptr ? context_ : identity->native());
    SSL_set_verify(session_, SSL_VERIFY_NONE, nullptr);
    SSL_clear_mode(session_, SSL_MODE_ENABLE_PARTIAL_WRITE);
    SSL_set_fd(session_, client_.fd());
  }
  ~TlsClient() {
    SSL_free(session_);
    SSL_CTX_free(context_);
  }
  bool Connect() { return SSL_connect(session_) == 1; }
  std::string Ask(std::string_view bytes, std::string_view expected) {
    SSL_write(session_, bytes.data(), static_cast<int>(bytes.size()));
    return Read(expected.size());
  }
  std::string Read(size_t size) {
    std::string text(size, '\0');
    size_t done = 0;
    while (done < size) {
      const int got = SSL_read(session_, text.data() + done, static_cast<int>(size - done));
      if (got <= 0) break;
      done += static_cast<size_t>(got);
    }
    text.resize(done);
    return text;
  }
  SSL* session() { return session_; }

 private:
  Client client_;
  SSL_CTX* context_;
  SSL* session_;
};

class TlsTest : public Loopback {
 protected:
  void SetUp() override {
    char pattern[] = "/tmp/hearth_tls_XXXXXX";
    folder_ = ::mkdtemp(pattern);
    settings_.cert_file = folder_ + "/cert.pem";
    settings_.key_file = folder_ + "/key.pem";
    settings_.client_auth = TlsClientAuth::kNo;
    WriteCertificate(settings_.cert_file, settings_.key_file);
  }
  void TearDown() override {
    StopAll();
    std::filesystem::remove_all(folder_);
  }
  std::shared_ptr<TlsContext> Build() {
    std::string error;
    auto context = TlsContext::Build(settings_, &error);
    EXPECT_EQ(error, "");
    return context;
  }
  std::string BuildError() {
    std::string error;
    EXPECT_EQ(TlsContext::Build(settings_, &error), nullptr);
    return error;
  }
  void StartTls() { Start({.bind = {"127.0.0.1"}, .tls = Build()}); }

  std::string folder_;
  TlsSettings settings_;
};

TEST_F(TlsTest, ServesRequests) {
  StartTls();
  TlsClient client(port());
  ASSERT_TRUE(client.Connect());
  EXPECT_EQ(client.Ask("PING\r\nPING\r\n", "+PONG\r\n+PONG\r\n"), "+PONG\r\n+PONG\r\n");
  OnConnection([](Connection& connection) { EXPECT_TRUE(connection.is_tls()); });
}

// More than a record either way, and more than the socket's buffers hold.
TEST_F(TlsTest, CarriesBigArgumentsAndReplies) {
  StartTls();
  TlsClient client(port());
  ASSERT_TRUE(client.Connect());
  const std::string word(100000, 'w');
  const std::string expected = std::string("$100000\r\n").append(word).append("\r\n");
  EXPECT_EQ(client.Ask(std::string("*2\r\n$4\r\nECHO\r\n").append(expected), expected), expected);
  EXPECT_EQ(client.Ask("BIG 20000000\r\n", std::string(20000000 + 13, ' ')).size(), 20000013u);
  EXPECT_EQ(client.Ask("PING\r\n", "+PONG\r\n"), "+PONG\r\n");
}

TEST_F(TlsTest, PlainBytesCloseThatConnectionOnly) {
  StartTls();
  TlsClient good(port());
  ASSERT_TRUE(good.Connect());
  Client plain(port());
  plain.Send("PING\r\nPING\r\nPING\r\n");
  plain.ReadUntilClosed();
  state_.WaitForCloses(1);
  EXPECT_TRUE(state_.FirstCloseReason().starts_with("TLS handshake failed: "));
  EXPECT_EQ(good.Ask("PING\r\n", "+PONG\r\n"), "+PONG\r\n");
}

TEST_F(TlsTest, QuitSaysGoodbye) {
  StartTls();
  TlsClient client(port());
  ASSERT_TRUE(client.Connect());
  EXPECT_EQ(client.Ask("QUIT\r\n", "+OK\r\n"), "+OK\r\n");
  EXPECT_EQ(client.Read(1), "");
  EXPECT_EQ(SSL_get_shutdown(client.session()) & SSL_RECEIVED_SHUTDOWN, SSL_RECEIVED_SHUTDOWN);
}

TEST_F(TlsTest, RefusesOldProtocolsByDefault) {
  StartTls();
  TlsClient old(port(), TLS1_1_VERSION);
  EXPECT_FALSE(old.Connect());
  TlsClient current(port(), TLS1_2_VERSION);
  EXPECT_TRUE(current.Connect());
  EXPECT_EQ(SSL_version(current.session()), TLS1_2_VERSION);
}

TEST_F(TlsTest, AsksClientsForCertificates) {
  settings_.client_auth = TlsClientAuth::kRequired;
  settings_.ca_cert_file = settings_.cert_file;
  StartTls();
  TlsClient nameless(port(), TLS1_2_VERSION);
  EXPECT_FALSE(nameless.Connect());
  const auto identity = Build();
  TlsClient known(port(), 0, identity.get());
  ASSERT_TRUE(known.Connect());
  EXPECT_EQ(known.Ask("PING\r\n", "+PONG\r\n"), "+PONG\r\n");
}

TEST_F(TlsTest, ANewContextServesNewConnections) {
  StartTls();
  TlsClient before(port());
  ASSERT_TRUE(before.Connect());
  settings_.protocols = "TLSv1.2";
  listener_->SetTls(Build());
  TlsClient after(port());
  ASSERT_TRUE(after.Connect());
  EXPECT_EQ(SSL_version(before.session()), TLS1_3_VERSION);
  EXPECT_EQ(SSL_version(after.session()), TLS1_2_VERSION);
  EXPECT_EQ(before.Ask("PING\r\n", "+PONG\r\n"), "+PONG\r\n");
}

TEST_F(TlsTest, SaysWhatIsWrongWithASetting) {
  const TlsSettings good = settings_;
  settings_.cert_file = "/nowhere";
  EXPECT_TRUE(BuildError().starts_with("tls-cert-file /nowhere: "));
  settings_ = good;
  settings_.key_file = settings_.cert_file;
  EXPECT_TRUE(BuildError().starts_with("tls-key-file "));
  settings_ = good;
  settings_.protocols = "SSLv2";
  EXPECT_EQ(BuildError(), "tls-protocols: unknown protocol 'SSLv2'");
  settings_ = good;
  settings_.client_auth = TlsClientAuth::kRequired;
  EXPECT_EQ(BuildError(),
            "tls-ca-cert-file or tls-ca-cert-dir must be set when tls-auth-clients is not no");
  settings_ = good;
  settings_.ciphers = "NO-SUCH-CIPHER";
  EXPECT_TRUE(BuildError().starts_with("tls-ciphers: "));
  settings_ = good;
  settings_.dh_params_file = "/nowhere";
  EXPECT_TRUE(BuildError().starts_with("tls-dh-params-file /nowhere: "));
}

}  // namespace
}  // namespace hearth
