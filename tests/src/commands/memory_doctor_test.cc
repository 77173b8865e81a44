// What MEMORY DOCTOR finds.
#include "src/commands/memory_doctor.h"

#include <gtest/gtest.h>

#include "tests/src/server_fixture.h"

namespace hearth {
namespace {

constexpr uint64_t kMega = 1 << 20;
const std::string kNothing = "Sam, I can't find any memory issue in your instance.\n";

MemoryFindings Healthy() {
  return {
      .allocated = 100 * kMega, .rss = 110 * kMega, .limit = 200 * kMega, .resident = 60 * kMega};
}

bool Reports(const MemoryFindings& findings, std::string_view text) {
  return MemoryReport(findings).find(text) != std::string::npos;
}

TEST(MemoryDoctor, FindsNothingInAHealthyServer) {
  EXPECT_EQ(MemoryReport(Healthy()), kNothing);
  MemoryFindings unbounded = Healthy();
  unbounded.limit = 0;
  EXPECT_EQ(MemoryReport(unbounded), kNothing);
  EXPECT_TRUE(Reports({.allocated = 6 * kMega, .rss = 30 * kMega}, "using very little memory"));
}

TEST(MemoryDoctor, TellsWhatKeepsMemoryAboveItsLimit) {
  MemoryFindings found = Healthy();
  found.limit = 90 * kMega;
  EXPECT_TRUE(Reports(found, "110.00M of RSS, maxmemory is 90.00M. 60.00M are resident keys"));
  found.resident = 10 * kMega;
  EXPECT_TRUE(Reports(found, "the limit is too low"));
  found.demotes = false;
  EXPECT_TRUE(Reports(found, "maxmemory-policy evicts"));
  found = Healthy();
  found.write_refusal = "No space left.";
  EXPECT_TRUE(Reports(found, "The store refuses writes: No space left. What has changed since "));
}

TEST(MemoryDoctor, TellsWhoTakesMuch) {
  MemoryFindings found = Healthy();
  found.rss = 150 * kMega;
  EXPECT_TRUE(Reports(found, "High fragmentation"));
  found = Healthy();
  found.memtables = 70 * kMega;
  EXPECT_TRUE(Reports(found, "Memtables take most"));
  found = Healthy();
  found.clients = 30 * kMega;
  found.client_count = 100;
  EXPECT_TRUE(Reports(found, "100 clients take 30.00M"));
  found = Healthy();
  found.scripts = 70 * kMega;
  EXPECT_TRUE(Reports(found, "SCRIPT FLUSH"));
}

class MemoryDoctorCommand : public ServerFixture {};

TEST_F(MemoryDoctorCommand, SeesALimitThatIsTooLow) {
  Run("CONFIG SET maxmemory 1mb");
  EXPECT_NE(RunText("MEMORY DOCTOR").find("Memory is above maxmemory"), std::string::npos);
  EXPECT_EQ(Run("EVAL \"return type(redis.call('memory','doctor'))\" 0"), WireBulk("string"));
}

}  // namespace
}  // namespace hearth
