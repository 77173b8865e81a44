// The figures rbs and rbp; how clients see them is in client_commands_test.cc.
#include "src/reply_buffer.h"

#include <gtest/gtest.h>

#include <string>

namespace hearth {
namespace {

class ReplyBufferTest : public testing::Test {
 protected:
  // Size and peak behind a look this many seconds after the last one.
  std::string After(uint64_t seconds, size_t output_bytes) {
    now_us_ += seconds * 1'000'000;
    buffer_.Look(output_bytes, now_us_, rules_);
    return std::to_string(buffer_.size_bytes()) + " " + std::to_string(buffer_.peak_bytes());
  }

  uint64_t now_us_ = 1;
  ReplyBufferRules rules_;
  ReplyBuffer buffer_;
};

TEST_F(ReplyBufferTest, OfAnIdleClientItShrinks) {
  EXPECT_EQ(After(0, 0), "16384 16384");
  EXPECT_EQ(After(4, 0), "16384 16384");
  EXPECT_EQ(After(1, 0), "16384 0");
  EXPECT_EQ(After(1, 0), "1024 0");
  EXPECT_EQ(After(100, 0), "1024 0");
}

TEST_F(ReplyBufferTest, ItShrinksToWhatRepliesTake) {
  (void)After(0, 0);
  (void)After(5, 9000);
  EXPECT_EQ(After(1, 9000), "16384 9000");
  EXPECT_EQ(After(1, 3000), "16384 9000");
  EXPECT_EQ(After(3, 3000), "16384 0");
  EXPECT_EQ(After(1, 3000), "3072 3000");
}

TEST_F(ReplyBufferTest, ABigReplyMakesItBigAtOnce) {
  (void)After(0, 0);
  (void)After(5, 0);
  EXPECT_EQ(After(1, 0), "1024 0");
  EXPECT_EQ(After(1, 1023), "1024 1023");
  EXPECT_EQ(After(1, 1024), "2048 1024");
  EXPECT_EQ(After(1, 1'000'000), "16384 16384");
}

TEST_F(ReplyBufferTest, TheRulesMaySetThePeakAndTheSizeFast) {
  (void)After(0, 0);
  rules_.peak_reset_ms = -1;
  EXPECT_EQ(After(1000, 0), "16384 16384");
  rules_.peak_reset_ms = 100;
  rules_.resizes = false;
  EXPECT_EQ(After(1, 0), "16384 0");
  EXPECT_EQ(After(1, 10), "16384 0");
  rules_.resizes = true;
  EXPECT_EQ(After(1, 0), "1024 0");
  rules_.resizes = false;
  EXPECT_EQ(After(1, 20'000), "1024 0");
}

}  // namespace
}  // namespace hearth
