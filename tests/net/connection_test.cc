#include "tests/net/loopback.h"

namespace hearth {
namespace {

std::string Echo(const std::string& word) {
  const std::string size = std::to_string(word.size());
  return std::string("*2\r\n$4\r\nECHO\r\n$").append(size).append("\r\n").append(word) + "\r\n";
}

std::string Bulk(const std::string& word) {
  return std::string("$").append(std::to_string(word.size())).append("\r\n").append(word) + "\r\n";
}

class ConnectionTest : public Loopback {};

TEST_F(ConnectionTest, AnswersPipelinedRequestsInOrder) {
  Client client(port());
  std::string requests;
  std::string expected;
  for (int i = 0; i < 5000; i++) {
    const std::string word = std::to_string(i);
    requests += Echo(word);
    expected += Bulk(word);
  }
  EXPECT_EQ(client.Ask(requests, expected), expected);
}

}  // namespace
}  // namespace hearth
