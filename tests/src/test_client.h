#pragma once

// TestClient: a blocking RESP client on a real socket that shows replies as wire text.

#include <string>
#include <string_view>
#include <vector>

namespace hearth {

class TestClient {
 public:
  explicit TestClient(const std::string& unix_path);
  // To 127.0.0.1.
  explicit TestClient(int port);
  ~TestClient();
  TestClient(const TestClient&) = delete;
  TestClient& operator=(const TestClient&) = delete;

  // Sends a line (words quoted as in Redis' configuration) and returns its whole reply, of
  // whatever type, as wire text; "" when the server closed the connection.
  std::string Run(std::string_view line);
  std::string RunWords(const std::vector<std::string>& words);
  // The text of a bulk or verbatim string reply.
  std::string RunText(std::string_view line);

  void Send(std::string_view line);
  void SendRaw(std::string_view bytes);
  std::string ReadReply();
  // Whether a reply comes within a moment.
  bool HasReply();
  // Whatever comes until the server closes the connection.
  std::string ReadToEnd();

 private:
  bool Fill();
  std::string ReadLine();

  int fd_ = -1;
  std::string buffer_;
};

// "*2\r\n$1\r\na\r\n..." of words.
std::string WireArray(const std::vector<std::string>& words);
std::string WireBulk(std::string_view text);

}  // namespace hearth
