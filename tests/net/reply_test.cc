#include "net/reply.h"

#include <gtest/gtest.h>

#include <cmath>
#include <functional>
#include <limits>

namespace hearth {
namespace {

std::string Wire(int protocol, const std::function<void(Reply&)>& write) {
  OutputBuffer buffer;
  Reply reply(&buffer);
  reply.SetProtocol(protocol);
  write(reply);
  iovec pieces[64];
  std::string text;
  const size_t count = buffer.Peek(pieces, 64, UINT64_MAX);
  for (size_t i = 0; i < count; i++) {
    text.append(static_cast<const char*>(pieces[i].iov_base), pieces[i].iov_len);
  }
  return text;
}

TEST(Reply, WritesResp2AndResp3) {
  struct Case {
    std::function<void(Reply&)> write;
    std::string resp2;
    std::string resp3;
  };
  const Case cases[] = {
      {[](Reply& r) { r.Ok(); }, "+OK\r\n", "+OK\r\n"},
      {[](Reply& r) { r.Simple("PONG"); }, "+PONG\r\n", "+PONG\r\n"},
      {[](Reply& r) { r.Error("ERR no"); }, "-ERR no\r\n", "-ERR no\r\n"},
      {[](Reply& r) { r.Error("ERR a\r\nb"); }, "-ERR a  b\r\n", "-ERR a  b\r\n"},
      {[](Reply& r) { r.Integer(0); }, ":0\r\n", ":0\r\n"},
      {[](Reply& r) { r.Integer(1023); }, ":1023\r\n", ":1023\r\n"},
      {[](Reply& r) { r.Integer(1024); }, ":1024\r\n", ":1024\r\n"},
      {[](Reply& r) { r.Integer(-1); }, ":-1\r\n", ":-1\r\n"},
      {[](Reply& r) { r.Integer(INT64_MIN); }, ":-9223372036854775808\r\n",
       ":-9223372036854775808\r\n"},
      {[](Reply& r) { r.Bulk(""); }, "$0\r\n\r\n", "$0\r\n\r\n"},
      {[](Reply& r) { r.Bulk("a\r\nb"); }, "$4\r\na\r\nb\r\n", "$4\r\na\r\nb\r\n"},
      {[](Reply& r) { r.BulkInteger(-12); }, "$3\r\n-12\r\n", "$3\r\n-12\r\n"},
      {[](Reply& r) { r.Null(); }, "$-1\r\n", "_\r\n"},
      {[](Reply& r) { r.NullArray(); }, "*-1\r\n", "_\r\n"},
      {[](Reply& r) { r.Array(3); }, "*3\r\n", "*3\r\n"},
      {[](Reply& r) { r.Map(3); }, "*6\r\n", "%3\r\n"},
      {[](Reply& r) { r.Set(2); }, "*2\r\n", "~2\r\n"},
      {[](Reply& r) { r.Push(2); }, "*2\r\n", ">2\r\n"},
      {[](Reply& r) { r.Double(1.5); }, "$3\r\n1.5\r\n", ",1.5\r\n"},
      {[](Reply& r) { r.Bool(true); }, ":1\r\n", "#t\r\n"},
      {[](Reply& r) { r.Bool(false); }, ":0\r\n", "#f\r\n"},
      {[](Reply& r) { r.BigNumber("-123"); }, "$4\r\n-123\r\n", "(-123\r\n"},
      {[](Reply& r) { r.Verbatim("txt", "hi"); }, "$2\r\nhi\r\n", "=6\r\ntxt:hi\r\n"},
      {[](Reply& r) { r.Raw(":7\r\n"); }, ":7\r\n", ":7\r\n"},
  };
  for (const Case& c : cases) {
    EXPECT_EQ(Wire(2, c.write), c.resp2);
    EXPECT_EQ(Wire(3, c.write), c.resp3);
  }
}

TEST(Reply, BulkOfAnySize) {
  for (size_t size : {1u, 9u, 10u, 99u, 100u, 999u, 1000u, 1023u, 1024u, 16000u, 100000u}) {
    const std::string value(size, 'v');
    const std::string expected =
        std::string("$").append(std::to_string(size)).append("\r\n").append(value).append("\r\n");
    EXPECT_EQ(Wire(2, [&](Reply& reply) { reply.Bulk(value); }), expected);
  }
}

TEST(Reply, DoublesReadBackTheSameAndStayShort) {
  const std::pair<double, std::string> cases[] = {
      {0, "0"},
      {-0.0, "-0"},
      {3, "3"},
      {3.3, "3.3"},
      {-2.5, "-2.5"},
      {0.1, "0.1"},
      {1e16, "10000000000000000"},
      {1e17, "100000000000000000"},
      {-4611686018427387904.0, "-4611686018427387904"},
      {1e19, "1e+19"},
      {1.2345678901234567e19, "12345678901234567000"},
      {1.5e300, "1.5e+300"},
      {1e-4, "0.0001"},
      {1e-6, "0.000001"},
      {1e-7, "1e-7"},
      {1.5e-9, "1.5e-9"},
      {0.00012345678, "1.2345678e-4"},
      {0.0012345678, "0.0012345678"},
      {123.4567890123, "123.4567890123"},
      {123456.7890123, "1.234567890123e+5"},
      {1.7976931348623157e308, "1.7976931348623157e+308"},
      {5e-324, "5e-324"},
      {123456789.125, "123456789.125"},
      {std::numeric_limits<double>::infinity(), "inf"},
      {-std::numeric_limits<double>::infinity(), "-inf"},
      {std::nan(""), "nan"},
      {-std::nan(""), "nan"},
  };
  for (const auto& [value, expected] : cases) {
    EXPECT_EQ(Wire(3, [v = value](Reply& reply) { reply.Double(v); }),
              std::string(",").append(expected).append("\r\n"));
  }
}

TEST(Reply, CountsErrorsAndRemembersTheCode) {
  OutputBuffer buffer;
  Reply reply(&buffer);
  EXPECT_EQ(reply.last_error_code(), "");
  reply.Error("WRONGTYPE Operation against a key");
  EXPECT_EQ(reply.last_error_code(), "WRONGTYPE");
  reply.SetMuted(true);
  reply.Error("NOAUTH");
  EXPECT_EQ(reply.last_error_code(), "NOAUTH");
  EXPECT_EQ(reply.error_count(), 2u);
  reply.Error(std::string(1000, 'E'));
  EXPECT_EQ(reply.last_error_code(), std::string(31, 'E'));
}

TEST(Reply, AnErrorThatIsPassedOnIsNotCountedAgain) {
  OutputBuffer buffer;
  Reply reply(&buffer);
  EXPECT_FALSE(reply.TakePassedOn());
  reply.PassOnError("ERR x");
  EXPECT_EQ(reply.error_count(), 0u);
  EXPECT_EQ(reply.last_error_code(), "");
  EXPECT_EQ(buffer.end_offset(), std::string_view("-ERR x\r\n").size());
  EXPECT_TRUE(reply.TakePassedOn());
  EXPECT_FALSE(reply.TakePassedOn());
}

TEST(Reply, MutedWritesNothing) {
  EXPECT_EQ(Wire(3,
                 [](Reply& reply) {
                   reply.SetMuted(true);
                   reply.Ok();
                   reply.Error("ERR x");
                   reply.Integer(1);
                   reply.Bulk("x");
                   reply.Array(0);
                   reply.Map(0);
                   reply.Double(1);
                   reply.Verbatim("txt", "x");
                   reply.Null();
                   reply.SetMuted(false);
                   reply.Simple("heard");
                   reply.DiscardAll();
                   reply.SetMuted(false);
                   reply.Simple("gone");
                 }),
            "+heard\r\n");
}

}  // namespace
}  // namespace hearth
