#include "net/request_parser.h"

#include <gtest/gtest.h>

#include <cstring>
#include <random>

namespace hearth {
namespace {

void Feed(RequestParser& parser, std::string_view bytes) {
  if (bytes.empty()) return;
  const std::span<char> room = parser.Prepare(bytes.size());
  std::memcpy(room.data(), bytes.data(), bytes.size());
  parser.Commit(bytes.size());
}

// Appends what is complete, one line a request, words in brackets: "[SET][a]\n".
ParseResult Drain(RequestParser& parser, std::string& text) {
  RequestBatch batch;
  while (true) {
    const ParseResult result = parser.Parse(batch);
    if (result != ParseResult::kBatch) return result;
    for (size_t i = 0; i < batch.size(); i++) {
      for (const std::string_view arg : batch[i]) text.append("[").append(arg).append("]");
      text += '\n';
    }
    parser.Consume(batch.size());
  }
}

// The requests in `wire`, and the error that ends them.
std::string ParseText(std::string_view wire, const ParserLimits& limits = {}) {
  RequestParser parser;
  parser.limits() = limits;
  Feed(parser, wire);
  std::string text;
  if (Drain(parser, text) == ParseResult::kProtocolError) text.append("-").append(parser.error());
  return text;
}

struct Case {
  std::string wire;
  std::string expected;
};

const std::string kTooLong(64 * 1024 + 1, '1');

// The expected errors are redis-server 7.0.15's answers to the same bytes.
const Case kCases[] = {
    {"*1\r\n$4\r\nPING\r\n", "[PING]\n"},
    {"*2\r\n$4\r\nECHO\r\n$0\r\n\r\n", "[ECHO][]\n"},
    {"*0\r\n*-1\r\n*-9\r\n*1\r\n$1\r\na\r\n", "[a]\n"},
    {"\r\n\n  \r\nPING\r\n", "[PING]\n"},
    {"PING\n", "[PING]\n"},
    {"*1\r\n$1\r\n\n\r\n", "[\n]\n"},
    {"*1\r\n$2\r\n\r\n\r\n", "[\r\n]\n"},
    {"*1\r\n$1\r\naXX*1\r\n$1\r\nb\r\n", "[a]\n[b]\n"},
    {"*1\rX$1\rXa\r\n", "[a]\n"},
    {"*\r\n", "-ERR Protocol error: invalid multibulk length"},
    {"*01\r\n", "-ERR Protocol error: invalid multibulk length"},
    {"*+1\r\n", "-ERR Protocol error: invalid multibulk length"},
    {"*-0\r\n", "-ERR Protocol error: invalid multibulk length"},
    {"* 1\r\n", "-ERR Protocol error: invalid multibulk length"},
    {"*1a\r\n", "-ERR Protocol error: invalid multibulk length"},
    {"*3000000000\r\n", "-ERR Protocol error: invalid multibulk length"},
    {"*2147483648\r\n", "-ERR Protocol error: invalid multibulk length"},
    {"*2147483647\r\n", ""},
    {"*99999999999999999999999\r\n", "-ERR Protocol error: invalid multibulk length"},
    {"*1\r\n:1\r\n", "-ERR Protocol error: expected '$', got ':'"},
    {"*1\r\nx\r\n", "-ERR Protocol error: expected '$', got 'x'"},
    {"*1\r\n\r\n", "-ERR Protocol error: expected '$', got '\r'"},
    {"*1\r\n$-1\r\n", "-ERR Protocol error: invalid bulk length"},
    {"*1\r\n$\r\n", "-ERR Protocol error: invalid bulk length"},
    {"*1\r\n$00\r\n", "-ERR Protocol error: invalid bulk length"},
    {"*1\r\n$536870913\r\n", "-ERR Protocol error: invalid bulk length"},
    {"*1\r\n$536870912\r\n", ""},
    {"*1\r\n$9223372036854775808\r\n", "-ERR Protocol error: invalid bulk length"},
    {std::string("*").append(kTooLong), "-ERR Protocol error: too big mbulk count string"},
    {std::string("*1\r\n$").append(kTooLong), "-ERR Protocol error: too big bulk count string"},
    {kTooLong, "-ERR Protocol error: too big inline request"},
    {"PING\r\n*x\r\n", "[PING]\n-ERR Protocol error: invalid multibulk length"},
    {"SET k \"a b\"\r\n", "[SET][k][a b]\n"},
    {"SET 'it\\'s' \"\\x41\\n\\q\\\\\"\n", "[SET][it's][A\nq\\]\n"},
    {"a\"b c\"\r\n", "[ab c]\n"},
    {"a ''\r\n", "[a][]\n"},
    {"'a\\nb'\r\n", "[a\\nb]\n"},
    {"\"\\xzz\"\r\n", "[xzz]\n"},
    {"SET \"k\r\n", "-ERR Protocol error: unbalanced quotes in request"},
    {"SET \"k\"x\r\n", "-ERR Protocol error: unbalanced quotes in request"},
    {"SET 'k\\'\r\n", "-ERR Protocol error: unbalanced quotes in request"},
    {"\"\r\n", "-ERR Protocol error: unbalanced quotes in request"},
    {std::string("PING\0x\r\n", 8), "[PING]\n"},
};

TEST(RequestParser, ReadsWhatRedisReads) {
  for (const Case& c : kCases) EXPECT_EQ(ParseText(c.wire), c.expected) << c.wire.substr(0, 80);
}

// The same, whatever the pieces in which the bytes arrive.
TEST(RequestParser, PiecesChangeNothing) {
  std::string stream;
  std::string expected;
  for (const Case& c : kCases) {
    const bool is_whole = !c.expected.empty() && c.expected.find('-') == std::string::npos;
    if (!is_whole) continue;
    stream += c.wire;
    expected += c.expected;
  }
  for (size_t split = 0; split <= stream.size(); split++) {
    RequestParser parser;
    std::string text;
    Feed(parser, std::string_view(stream).substr(0, split));
    EXPECT_EQ(Drain(parser, text), ParseResult::kNeedMore);
    Feed(parser, std::string_view(stream).substr(split));
    EXPECT_EQ(Drain(parser, text), ParseResult::kNeedMore);
    ASSERT_EQ(text, expected) << "split at " << split;
  }
  RequestParser parser;
  std::string text;
  for (const char c : stream) {
    Feed(parser, {&c, 1});
    Drain(parser, text);
  }
  EXPECT_EQ(text, expected);
  EXPECT_EQ(parser.memory_bytes(), 0u);
}

TEST(RequestParser, ABatchHoldsAtMost64Requests) {
  RequestParser parser;
  std::string wire;
  for (int i = 0; i < 100; i++) wire += "PING\r\n";
  Feed(parser, wire);
  RequestBatch batch;
  ASSERT_EQ(parser.Parse(batch), ParseResult::kBatch);
  EXPECT_EQ(batch.size(), kRequestsPerBatchMax);
  parser.Consume(batch.size());
  ASSERT_EQ(parser.Parse(batch), ParseResult::kBatch);
  EXPECT_EQ(batch.size(), 100 - kRequestsPerBatchMax);
}

TEST(RequestParser, WhatIsNotConsumedComesAgain) {
  RequestParser parser;
  Feed(parser, "a\r\nb\r\n*1\r\n$1\r\nc\r\n*2\r\n$1\r\nd\r\n$1");
  RequestBatch batch;
  ASSERT_EQ(parser.Parse(batch), ParseResult::kBatch);
  ASSERT_EQ(batch.size(), 3u);
  parser.Consume(1);
  ASSERT_EQ(parser.Parse(batch), ParseResult::kBatch);
  ASSERT_EQ(batch.size(), 2u);
  EXPECT_EQ(batch[0][0], "b");
  parser.Consume(0);
  Feed(parser, "\r\ne\r\n");
  std::string text;
  EXPECT_EQ(Drain(parser, text), ParseResult::kNeedMore);
  EXPECT_EQ(text, "[b]\n[c]\n[d][e]\n");
}

TEST(RequestParser, StrangersGetLittleRoom) {
  ParserLimits limits;
  limits.authenticated = false;
  EXPECT_EQ(ParseText("*11\r\n", limits), "-ERR Protocol error: unauthenticated multibulk length");
  EXPECT_EQ(ParseText("*10\r\n", limits), "");
  EXPECT_EQ(ParseText("*1\r\n$16385\r\n", limits),
            "-ERR Protocol error: unauthenticated bulk length");
  EXPECT_EQ(ParseText("*1\r\n$16384\r\n", limits), "");
}

// The limits that count are those at the time a request's turn comes: AUTH may change them.
TEST(RequestParser, ABatchBeforeAnErrorIsRunFirst) {
  RequestParser parser;
  parser.limits().authenticated = false;
  Feed(parser, "AUTH\r\n*1\r\n$20000\r\n");
  RequestBatch batch;
  ASSERT_EQ(parser.Parse(batch), ParseResult::kBatch);
  parser.Consume(1);
  parser.limits().authenticated = true;
  EXPECT_EQ(parser.Parse(batch), ParseResult::kNeedMore);
}

TEST(RequestParser, AnnouncedSizesAllocateNothing) {
  RequestParser parser;
  std::string text;
  Feed(parser, "*2147483647\r\n$536870912\r\nabc");
  EXPECT_EQ(Drain(parser, text), ParseResult::kNeedMore);
  EXPECT_LE(parser.memory_bytes(), 16u * 1024);
}

// The buffer doubles as bytes come, ends at what the argument needs, and is given back.
TEST(RequestParser, ABigArgumentTakesItsOwnSize) {
  RequestParser parser;
  const std::string big(1000000, 'v');
  const std::string wire = std::string("*1\r\n$1000000\r\n").append(big).append("\r\n");
  std::string text;
  for (size_t i = 0; i < wire.size(); i += 1000) {
    Feed(parser, std::string_view(wire).substr(i, 1000));
    EXPECT_LE(parser.memory_bytes(), std::max<size_t>(2 * (i + 1000), 16 * 1024));
    EXPECT_LE(parser.memory_bytes(), wire.size() + 1000);
    Drain(parser, text);
  }
  EXPECT_EQ(text.size(), big.size() + 3);
  EXPECT_EQ(parser.memory_bytes(), 0u);
}

// Scanning from the start for each piece would take hours.
TEST(RequestParser, AMillionArgumentsInSmallPiecesAreScannedOnce) {
  constexpr int kCount = 1000000;
  RequestParser parser;
  RequestBatch batch;
  Feed(parser, "*1000000\r\n");
  for (int i = 0; i < kCount - 1; i++) {
    Feed(parser, "$1\r\na\r\n");
    ASSERT_EQ(parser.Parse(batch), ParseResult::kNeedMore);
  }
  Feed(parser, "$1\r\nz\r\n");
  ASSERT_EQ(parser.Parse(batch), ParseResult::kBatch);
  EXPECT_EQ(batch[0].size(), static_cast<size_t>(kCount));
  EXPECT_EQ(batch[0].back(), "z");
}

TEST(RequestParser, AnEndlessRequestEndsAtTheQueryBufferLimit) {
  RequestParser parser;
  parser.limits().query_buffer_max = 100000;
  Feed(parser, "*2\r\n$400000\r\n");
  std::string text;
  Feed(parser, std::string(90000, 'x'));
  EXPECT_EQ(Drain(parser, text), ParseResult::kNeedMore);
  Feed(parser, std::string(90000, 'x'));
  EXPECT_EQ(Drain(parser, text), ParseResult::kProtocolError);
  EXPECT_EQ(parser.error(), "");
}

// Mutated streams: no crash, no more memory than about twice what was fed, and no request that
// the same bytes in one piece would not give.
TEST(RequestParser, SurvivesMutatedStreams) {
  const uint64_t seed = std::random_device{}();
  SCOPED_TRACE(testing::Message() << "seed " << seed);
  std::mt19937_64 random(seed);
  const auto below = [&random](size_t bound) { return random() % bound; };
  constexpr std::string_view kSpice = "*$\r\n0123456789-\"'\\x \0a";
  for (int round = 0; round < 200000; round++) {
    std::string wire;
    for (size_t i = below(4) + 1; i > 0; i--) wire += kCases[below(20)].wire;
    for (size_t i = below(6); i > 0; i--) {
      const size_t place = below(wire.size());
      if (below(3) == 0)
        wire.erase(place, below(3));
      else
        wire[place] = kSpice[below(kSpice.size())];
      if (wire.empty()) wire.push_back('*');
    }
    RequestParser parser;
    std::string text;
    ParseResult result = ParseResult::kNeedMore;
    for (size_t at = 0; at < wire.size() && result == ParseResult::kNeedMore;) {
      const size_t size = std::min(wire.size() - at, below(20) + 1);
      Feed(parser, std::string_view(wire).substr(at, size));
      result = Drain(parser, text);
      at += size;
    }
    if (result == ParseResult::kProtocolError) text.append("-").append(parser.error());
    ASSERT_LE(parser.memory_bytes(), 17u * 1024);
    ASSERT_EQ(text, ParseText(wire));
  }
}

}  // namespace
}  // namespace hearth
