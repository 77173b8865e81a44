#include "net/output_buffer.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>

namespace hearth {
namespace {

std::string Pending(const OutputBuffer& buffer, uint64_t up_to = UINT64_MAX) {
  iovec pieces[1024];
  std::string text;
  const size_t count = buffer.Peek(pieces, 1024, up_to);
  for (size_t i = 0; i < count; i++) {
    text.append(static_cast<const char*>(pieces[i].iov_base), pieces[i].iov_len);
  }
  return text;
}

std::string Pattern(size_t size, char first = 'a') {
  std::string text(size, ' ');
  for (size_t i = 0; i < size; i++) text[i] = static_cast<char>(first + i % 23);
  return text;
}

TEST(OutputBuffer, KeepsOrderAcrossChunks) {
  OutputBuffer buffer;
  std::string expected;
  for (size_t size : {1u, 100u, 16384u, 16385u, 7u, 100000u, 3u, 9000u, 9000u}) {
    const std::string piece = Pattern(size);
    buffer.Append(piece);
    expected += piece;
  }
  EXPECT_EQ(buffer.size_bytes(), expected.size());
  EXPECT_EQ(Pending(buffer), expected);
  EXPECT_EQ(Pending(buffer, 20000), expected.substr(0, 20000));
  while (!buffer.empty()) {
    const size_t step = std::min<size_t>(buffer.size_bytes(), 777);
    buffer.Consume(step);
    expected.erase(0, step);
    ASSERT_EQ(Pending(buffer), expected);
  }
  EXPECT_EQ(buffer.memory_bytes(), 0u);
}

TEST(OutputBuffer, OffsetsNeverRestart) {
  OutputBuffer buffer;
  buffer.Append("abc");
  buffer.Consume(3);
  buffer.Append("de");
  EXPECT_EQ(buffer.begin_offset(), 3u);
  EXPECT_EQ(buffer.end_offset(), 5u);
  EXPECT_EQ(Pending(buffer, 4), "d");
  buffer.Clear();
  EXPECT_EQ(buffer.begin_offset(), 5u);
}

TEST(OutputBuffer, TruncatesAtAnyOffset) {
  const std::string text = Pattern(50000);
  for (size_t cut : {0u, 1u, 9999u, 10000u, 16384u, 20000u, 49999u, 50000u}) {
    OutputBuffer buffer;
    buffer.Append("x");
    buffer.Consume(1);
    for (size_t at = 0; at < text.size(); at += 10000) buffer.Append(text.substr(at, 10000));
    buffer.TruncateTo(1 + cut);
    EXPECT_EQ(buffer.end_offset(), 1 + cut);
    buffer.Append("new");
    EXPECT_EQ(Pending(buffer), text.substr(0, cut) + "new");
  }
}

TEST(OutputBuffer, ABigPieceGetsOneChunkOfItsSize) {
  OutputBuffer buffer;
  buffer.Append(Pattern(1000000));
  EXPECT_EQ(buffer.memory_bytes(), 1000000u);
  iovec pieces[2];
  EXPECT_EQ(buffer.Peek(pieces, 2, UINT64_MAX), 1u);
}

TEST(OutputBuffer, AdoptsBytesBetweenOthers) {
  OutputBuffer buffer;
  std::string expected = "first";
  buffer.Append(expected);
  for (size_t size : {size_t{1}, kBlockBytes, kBlockBytes + 1, size_t{100'000}}) {
    const std::string piece = Pattern(size);
    OwnedBytes bytes(size);
    std::memcpy(bytes.data(), piece.data(), size);
    const char* const data = bytes.data();
    buffer.Adopt(std::move(bytes));
    buffer.Append("between");
    expected += piece + "between";
    iovec pieces[16];
    const size_t count = buffer.Peek(pieces, 16, UINT64_MAX);
    const bool is_there = std::any_of(
        pieces, pieces + count, [data](const iovec& piece) { return piece.iov_base == data; });
    if (size > kBlockBytes) {
      EXPECT_TRUE(is_there) << size;
    }
  }
  EXPECT_EQ(Pending(buffer), expected);
  buffer.TruncateTo(expected.size() - 20);
  buffer.Consume(kBlockBytes + 10);
  EXPECT_EQ(Pending(buffer), expected.substr(kBlockBytes + 10, expected.size() - kBlockBytes - 30));
  buffer.Clear();
  EXPECT_EQ(buffer.memory_bytes(), 0u);
}

TEST(OutputBuffer, PeeksNoMorePiecesThanAsked) {
  OutputBuffer buffer;
  for (int i = 0; i < 10; i++) buffer.Append(Pattern(16000));
  iovec pieces[3];
  EXPECT_EQ(buffer.Peek(pieces, 3, UINT64_MAX), 3u);
}

// Records of sent chunks do not pile up while a buffer never runs empty.
TEST(OutputBuffer, ALongStreamStaysSmall) {
  OutputBuffer buffer;
  buffer.Append("x");
  for (int i = 0; i < 10000; i++) {
    buffer.Append(Pattern(16000));
    buffer.Consume(16000);
    ASSERT_LE(buffer.memory_bytes(), 3 * kBlockBytes);
  }
  EXPECT_EQ(buffer.size_bytes(), 1u);
}

// What was sent already stays away, what spans chunks comes whole, and behind what is there.
TEST(OutputBuffer, MovesWhatIsNotSentBehindWhatIsThere) {
  OutputBuffer from, to;
  std::string expected = "before";
  to.Append(expected);
  for (int i = 0; i < 10; i++) from.Append(Pattern(16000));
  from.Consume(20000);
  for (int i = 0; i < 10; i++) expected += Pattern(16000);
  expected.erase(6, 20000);
  from.MoveTo(&to);
  EXPECT_TRUE(from.empty());
  std::string moved;
  iovec pieces[64];
  const size_t count = to.Peek(pieces, 64, UINT64_MAX);
  for (size_t i = 0; i < count; i++) {
    moved.append(static_cast<const char*>(pieces[i].iov_base), pieces[i].iov_len);
  }
  EXPECT_TRUE(moved == expected);
  from.MoveTo(&to);
  EXPECT_EQ(to.size_bytes(), expected.size());
}

}  // namespace
}  // namespace hearth
