// A server under random requests: it answers each once, keeps its memory in bounds, and memory and
// store agree in the end. More by the environment: HEARTH_FUZZ_REQUESTS, HEARTH_FUZZ_SEED.
#include <cstdlib>
#include <iostream>

#include "engine/process_memory.h"
#include "tests/src/request_maker.h"
#include "tests/src/server_fixture.h"

namespace hearth {
namespace {

constexpr size_t kRequestsABatch = 40;
constexpr size_t kMemoryGrowthMax = size_t{1} << 30;

uint64_t FromEnvironment(const char* name, uint64_t otherwise) {
  const char* text = std::getenv(name);
  return text != nullptr ? std::strtoull(text, nullptr, 10) : otherwise;
}

std::string Shown(const std::vector<std::string>& words) {
  std::string text;
  for (const std::string& word : words) {
    text += " \"";
    for (const char byte : word.substr(0, 60)) {
      const bool plain = byte >= 32 && byte < 127;
      char hex[8];
      std::snprintf(hex, sizeof(hex), "\\x%02x", static_cast<unsigned char>(byte));
      text += plain ? std::string(1, byte) : std::string(hex);
    }
    text += '"';
  }
  return text;
}

class FuzzTest : public ServerFixture {
 protected:
  void SetUp() override {
    Start({"--proto-max-bulk-len", "1mb", "--maxmemory", "400mb", "--write-buffer-size", "4mb"});
  }

  // Sends the batch and a marker; there must be a reply for each before the marker's.
  void RunBatch(const std::vector<RequestMaker::Request>& batch) {
    std::string bytes;
    for (const auto& request : batch) bytes += WireArray(request.words);
    const std::string marker = "marker" + std::to_string(++batch_number_);
    // DISCARD: a MULTI of the batch must not swallow the marker.
    bytes += WireArray({"DISCARD"}) + WireArray({"ECHO", marker});
    client_->SendRaw(bytes);
    for (const auto& request : batch) {
      last_ = Shown(request.words);
      const std::string reply = client_->ReadReply();
      ASSERT_NE(reply, "") << "no reply to" << last_;
      ASSERT_EQ(reply.find(marker), std::string::npos) << "too few replies before" << last_;
    }
    ASSERT_NE(client_->ReadReply(), "");
    const std::string reply = client_->ReadReply();
    if (reply == WireBulk(marker)) return;
    std::string all;
    for (const auto& request : batch) all += Shown(request.words) + "\n";
    FAIL() << "the replies do not fit the requests: " << reply << "\n" << all;
  }

  // On a connection of its own, which may end as it likes.
  void Disturb(const std::string& bytes, bool kills) {
    TestClient other = Connect();
    other.SendRaw(bytes);
    if (!kills) return;
    (void)other.ReadReply();
    client_ = std::make_unique<TestClient>(socket_path());
  }

  uint64_t batch_number_ = 0;
  std::string last_;
};

TEST_F(FuzzTest, EveryRequestGetsOneReplyAndTheDataStayWhole) {
  const uint64_t seed = FromEnvironment("HEARTH_FUZZ_SEED", 20'260'301);
  const uint64_t request_count = FromEnvironment("HEARTH_FUZZ_REQUESTS", 100'000);
  std::cout << "HEARTH_FUZZ_SEED=" << seed << " HEARTH_FUZZ_REQUESTS=" << request_count << "\n";
  RequestMaker maker(server_->commands(), seed);
  const size_t memory_before = ReadProcessMemory().rss_bytes;
  std::vector<RequestMaker::Request> batch;
  for (uint64_t made = 0; made < request_count; ++made) {
    if (maker.Below(100) == 0) Disturb(maker.BrokenBytes(), false);
    RequestMaker::Request request = maker.Next();
    if (request.disturbs_connection) {
      Disturb(WireArray(request.words), request.kills);
      continue;
    }
    batch.push_back(std::move(request));
    if (batch.size() < kRequestsABatch) continue;
    RunBatch(batch);
    if (HasFatalFailure()) return;
    batch.clear();
    if (made % 10'000 < kRequestsABatch) Run("DEBUG DEMOTE-ALL");
  }
  EXPECT_LT(ReadProcessMemory().rss_bytes, memory_before + kMemoryGrowthMax);
  client_ = std::make_unique<TestClient>(socket_path());
  EXPECT_EQ(Run("DEBUG VERIFY-STORE"), "+OK\r\n");
  Run("DEBUG SET-ACTIVE-EXPIRE 0");
  Restart();
  EXPECT_EQ(Run("DEBUG VERIFY-STORE"), "+OK\r\n");
}

}  // namespace
}  // namespace hearth
