#include "src/numbers.h"

#include <gtest/gtest.h>

#include <string>

namespace hearth {
namespace {

std::string Formatted(std::string_view text) {
  const auto value = ParseLongDouble(text);
  return value ? FormatLongDouble(*value) : "(none)";
}

TEST(Numbers, IntegersHaveOneForm) {
  EXPECT_EQ(ParseInt64("0"), 0);
  EXPECT_EQ(ParseInt64("-7"), -7);
  EXPECT_EQ(ParseInt64("9223372036854775807"), INT64_MAX);
  EXPECT_EQ(ParseInt64("-9223372036854775808"), INT64_MIN);
  for (const char* text : {"", "-", "-0", "00", "01", "-01", "+1", " 1", "1 ", "1a", "0x1", "1e3",
                           "9223372036854775808", "-9223372036854775809", "18446744073709551615",
                           "99999999999999999999999"}) {
    EXPECT_EQ(ParseInt64(text), std::nullopt) << text;
  }
  EXPECT_EQ(ParseInt64(std::string_view("1\0", 2)), std::nullopt);
}

// Compared with INCRBYFLOAT k <text> of redis-server 7.0.15.
TEST(Numbers, LongDoublesAreWrittenWithoutExponentAndTrailingZeros) {
  EXPECT_EQ(Formatted("3.0"), "3");
  EXPECT_EQ(Formatted("10.50"), "10.5");
  EXPECT_EQ(Formatted("-0"), "0");
  EXPECT_EQ(Formatted("-1e-30"), "0");
  EXPECT_EQ(Formatted("5.0e3"), "5000");
  EXPECT_EQ(Formatted("0x1p3"), "8");
  EXPECT_EQ(Formatted("1e-17"), "0.00000000000000001");
  EXPECT_EQ(Formatted("1e22"), "10000000000000000000000");
  EXPECT_EQ(Formatted("1e4932").size(), 4933u);
  EXPECT_EQ(Formatted(Formatted("1e4932")), Formatted("1e4932"));
}

TEST(Numbers, TextThatIsNoLongDoubleIsRefused) {
  for (const char* text : {"", " 1", "1 ", "abc", "nan", "1e5000", "-1e5000", "1e-5000", "1,5"}) {
    EXPECT_EQ(ParseLongDouble(text), std::nullopt) << text;
  }
  EXPECT_EQ(ParseLongDouble(std::string(5 * 1024, '1')), std::nullopt);
  EXPECT_EQ(ParseLongDouble(std::string_view("1\0", 2)), std::nullopt);
}

}  // namespace
}  // namespace hearth
