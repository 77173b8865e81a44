#include "src/replication/command_stream.h"

#include <gtest/gtest.h>

#include <charconv>
#include <string>
#include <vector>

namespace hearth {
namespace {

constexpr uint64_t kAlice = 1, kBob = 2;  // followers
constexpr size_t kAll = 1 << 20;
constexpr uint64_t kCommitted = 1000;  // more than any sequence here

StreamCommand Command(uint32_t db, std::initializer_list<std::string_view> words) {
  return {db, StreamWords(words)};
}

// RESP as "SET a 1; PING"; "?..." from where it is none.
std::string Text(std::string_view bytes) {
  std::string text;
  const auto take = [&bytes](char mark, size_t* number) {
    const size_t end = bytes.find("\r\n");
    if (!bytes.starts_with(mark) || end == std::string_view::npos) return false;
    std::from_chars(bytes.data() + 1, bytes.data() + end, *number);
    bytes.remove_prefix(end + 2);
    return true;
  };
  while (!bytes.empty()) {
    size_t count = 0, size = 0;
    if (!text.empty()) text += "; ";
    if (!take('*', &count)) return text + "?" + std::string(bytes);
    for (size_t i = 0; i < count; ++i) {
      if (!take('$', &size) || bytes.size() < size + 2) return text + "?" + std::string(bytes);
      text += (i == 0 ? "" : " ") + std::string(bytes.substr(0, size));
      bytes.remove_prefix(size + 2);
    }
  }
  return text;
}

class CommandStreamTest : public testing::Test {
 protected:
  CommandStreamTest() { stream_.SetLimits(kAll, kAll); }

  void Append(uint64_t seq, const std::vector<StreamCommand>& unit) { stream_.Append(seq, unit); }
  // SET key 1 in database 0.
  void Set(uint64_t seq, std::string_view key) { Append(seq, {Command(0, {"SET", key, "1"})}); }
  void Ping() { stream_.AppendLoose({std::nullopt, StreamWords({"PING"})}); }

  // The bytes from offset on; "gone" when they are not kept.
  std::string Bytes(uint64_t follower, uint64_t offset, uint64_t committed = kCommitted,
                    size_t bytes_max = kAll) {
    std::string bytes;
    return stream_.Read(follower, offset, committed, bytes_max, &bytes) ? bytes : "gone";
  }
  std::string Read(uint64_t follower, uint64_t offset, uint64_t committed = kCommitted,
                   size_t bytes_max = kAll) {
    const std::string bytes = Bytes(follower, offset, committed, bytes_max);
    return bytes == "gone" ? bytes : Text(bytes);
  }
  // All that a follower is sent who begins behind a view.
  std::string From(const CommandStream::Start& start, uint64_t follower) {
    return Text(start.preamble + Bytes(follower, start.offset));
  }

  CommandStream stream_;
};

TEST_F(CommandStreamTest, NothingIsKeptUntilItBeginsAndAfterItEnds) {
  Set(1, "a");
  Ping();
  EXPECT_FALSE(stream_.active());
  EXPECT_EQ(stream_.kept_bytes(), 0);
  EXPECT_EQ(stream_.end_offset(), 0);
  EXPECT_EQ(stream_.Attach(kAlice, 5).id, "");
  EXPECT_EQ(Read(kAlice, 0), "gone");

  stream_.Begin();
  const std::string id = stream_.id();
  EXPECT_EQ(id.size(), 40);
  const auto start = stream_.Attach(kAlice, 5);
  EXPECT_EQ(start.id, id);
  Set(6, "a");
  stream_.Begin();  // it is there
  EXPECT_EQ(stream_.id(), id);
  EXPECT_EQ(Read(kAlice, start.offset), "SELECT 0; SET a 1");

  stream_.End();
  Set(7, "b");
  EXPECT_EQ(stream_.kept_bytes(), 0);
  EXPECT_EQ(Read(kAlice, start.offset), "gone");
  EXPECT_FALSE(stream_.Attach(kBob, id, start.offset));
  stream_.Begin();
  EXPECT_NE(stream_.id(), id);
  EXPECT_EQ(Read(kAlice, start.offset), "gone");  // a follower of the other one
}

TEST_F(CommandStreamTest, SeveralCommandsOfAUnitAreATransaction) {
  stream_.Begin();
  const auto start = stream_.Attach(kAlice, 0);
  Set(1, "a");
  Append(2, {Command(0, {"SET", "b", "1"}), Command(0, {"DEL", "a"})});
  Append(3, {Command(3, {"SET", "c", ""})});
  Append(4, {Command(3, {"SET", "d", "1"}), Command(0, {"SET", "e", "1"})});
  Ping();
  Append(5, {{std::nullopt, StreamWords({"PUBLISH", "c", "m"})}, Command(2, {"DEL", "f"})});
  Append(6, {});
  EXPECT_EQ(From(start, kAlice),
            "SELECT 0; SET a 1; MULTI; SET b 1; DEL a; EXEC; SELECT 3; SET c ; "
            "MULTI; SET d 1; SELECT 0; SET e 1; EXEC; PING; "
            "MULTI; PUBLISH c m; SELECT 2; DEL f; EXEC");
}

// A follower that does not know them loses nothing else.
TEST_F(CommandStreamTest, CommandsOfNewerVersionsStandOutsideOfTransactions) {
  stream_.Begin();
  const auto start = stream_.Attach(kAlice, 0);
  const StreamCommand hset = Command(0, {"HSET", "h", "f", "v"}),
                      set = Command(0, {"SET", "a", "1"});
  const StreamCommand expire = Command(0, {"hpexpireat", "h", "9", "FIELDS", "1", "f"});
  Append(1, {hset, expire});
  Append(2, {set, hset, expire, Command(0, {"HPERSIST", "h", "FIELDS", "1", "f"}), set, set});
  Append(3, {expire});
  EXPECT_EQ(From(start, kAlice),
            "SELECT 0; HSET h f v; hpexpireat h 9 FIELDS 1 f; "
            "MULTI; SET a 1; HSET h f v; EXEC; hpexpireat h 9 FIELDS 1 f; "
            "HPERSIST h FIELDS 1 f; MULTI; SET a 1; SET a 1; EXEC; hpexpireat h 9 FIELDS 1 f");
}

TEST_F(CommandStreamTest, AFollowerBeginsBehindItsView) {
  stream_.Begin();
  (void)stream_.Attach(kBob, 0);
  Set(1, "a");
  Set(3, "b");
  Ping();
  Set(5, "c");
  Append(7, {Command(4, {"SET", "d", "1"})});
  // Those before the first SELECT behind it are told their database by the preamble.
  EXPECT_EQ(From(stream_.Attach(kAlice, 2), kAlice),
            "SELECT 0; SET b 1; PING; SET c 1; SELECT 4; SET d 1");
  EXPECT_EQ(From(stream_.Attach(kAlice, 3), kAlice), "SELECT 0; SET c 1; SELECT 4; SET d 1");
  const auto at_select = stream_.Attach(kAlice, 6);
  EXPECT_EQ(at_select.preamble, "");
  EXPECT_EQ(From(at_select, kAlice), "SELECT 4; SET d 1");
  EXPECT_EQ(From(stream_.Attach(kAlice, 0), kAlice), Read(kBob, stream_.Attach(kBob, 0).offset));

  // At the end the next unit tells it, although it is the same.
  const auto at_end = stream_.Attach(kAlice, 7);
  EXPECT_EQ(at_end.offset, stream_.end_offset());
  EXPECT_EQ(From(at_end, kAlice), "");
  Append(8, {Command(4, {"DEL", "d"})});
  EXPECT_EQ(From(at_end, kAlice), "SELECT 4; DEL d");
}

TEST_F(CommandStreamTest, APreambleGoesBehindWhatHasNoDatabase) {
  stream_.Begin();
  (void)stream_.Attach(kBob, 0);
  Set(1, "a");
  Append(2, {{std::nullopt, StreamWords({"PUBLISH", "c", "m"})}});
  Append(3, {Command(0, {"SET", "b", "1"})});
  EXPECT_EQ(From(stream_.Attach(kAlice, 1), kAlice), "SELECT 0; PUBLISH c m; SET b 1");
}

TEST_F(CommandStreamTest, OnlyWhatIsCommittedIsRead) {
  stream_.Begin();
  const auto start = stream_.Attach(kAlice, 0);
  Set(2, "a");
  Set(4, "b");
  Ping();
  EXPECT_EQ(Read(kAlice, start.offset, 1), "");
  EXPECT_EQ(Read(kAlice, start.offset, 3), "SELECT 0; SET a 1");
  const uint64_t at = start.offset + Bytes(kAlice, start.offset, 2).size();
  EXPECT_EQ(Read(kAlice, at, 3), "");
  EXPECT_EQ(Read(kAlice, at, 4), "SET b 1; PING");  // behind it, so as late as it
  EXPECT_EQ(Read(kAlice, stream_.end_offset(), 4), "");
}

TEST_F(CommandStreamTest, AReadEndsWithTheUnitThatFillsIt) {
  stream_.Begin();
  const auto start = stream_.Attach(kAlice, 0);
  for (uint64_t i = 1; i <= 3; ++i) Set(i, "a");
  EXPECT_EQ(Read(kAlice, start.offset, kCommitted, 1), "SELECT 0; SET a 1");
  EXPECT_EQ(Read(kAlice, start.offset, kCommitted, 0), "");
  EXPECT_EQ(Read(kAlice, start.offset, kCommitted, 60), "SELECT 0; SET a 1; SET a 1");
}

TEST_F(CommandStreamTest, AFollowerGoesOnAtAnyByte) {
  stream_.Begin();
  const auto start = stream_.Attach(kAlice, 0);
  Set(1, "a");
  Append(2, {Command(1, {"SET", "b", "1"}), Command(1, {"DEL", "a"})});
  Ping();
  const std::string all = Bytes(kAlice, start.offset);
  stream_.Detach(kAlice);
  EXPECT_EQ(start.offset + all.size(), stream_.end_offset());
  for (size_t i = 0; i <= all.size(); ++i) {
    ASSERT_TRUE(stream_.Attach(kBob, start.id, start.offset + i)) << i;
    EXPECT_EQ(Bytes(kBob, start.offset + i), all.substr(i)) << i;
  }
  EXPECT_FALSE(stream_.Attach(kBob, start.id, start.offset - 1));
  EXPECT_FALSE(stream_.Attach(kBob, start.id, 0));
  EXPECT_FALSE(stream_.Attach(kBob, start.id, stream_.end_offset() + 1));
  EXPECT_FALSE(stream_.Attach(kBob, std::string(40, 'f'), start.offset));
  EXPECT_FALSE(stream_.Attach(kBob, "", start.offset));
}

TEST_F(CommandStreamTest, WhatNobodyNeedsIsKeptAsFarAsTheBacklogGoes) {
  stream_.Begin();
  const auto start = stream_.Attach(kAlice, 0);
  stream_.SetLimits(5000, kAll);
  for (uint64_t i = 1; i <= 100; ++i) Set(i, "a");
  EXPECT_GT(stream_.kept_bytes(), 10000);  // held for the follower
  uint64_t offset = start.offset + Bytes(kAlice, start.offset, 50).size();
  EXPECT_NE(Read(kAlice, offset), "gone");  // it has the rest
  Set(101, "a");
  const uint64_t kept = stream_.kept_bytes();
  stream_.Detach(kAlice);
  EXPECT_LT(stream_.kept_bytes(), kept);
  EXPECT_LE(stream_.kept_bytes(), 5000);
  EXPECT_GT(stream_.kept_bytes(), 4000);
  EXPECT_FALSE(stream_.Attach(kAlice, start.id, offset));
  EXPECT_TRUE(stream_.Attach(kAlice, start.id, stream_.end_offset() - 100));
}

TEST_F(CommandStreamTest, WhoTakesTooLittleLosesItsPlace) {
  stream_.Begin();
  const auto slow = stream_.Attach(kAlice, 0), fast = stream_.Attach(kBob, 0);
  stream_.SetLimits(1000, 5000);
  for (uint64_t i = 1; Read(kAlice, slow.offset, 0) != "gone"; ++i) {
    ASSERT_LT(i, 1000);
    Set(i, "a");
    ASSERT_NE(Read(kBob, stream_.end_offset()), "gone");
    ASSERT_LE(stream_.kept_bytes(), 5000);
  }
  EXPECT_GT(stream_.kept_bytes(), 4000);
  EXPECT_EQ(Read(kBob, fast.offset), "gone");
  stream_.Detach(kAlice);
  EXPECT_LE(stream_.kept_bytes(), 1000);
  EXPECT_EQ(Read(kBob, stream_.end_offset()), "");
}

TEST_F(CommandStreamTest, AFollowerWhoseViewIsTooOldDoesNotBegin) {
  stream_.Begin();
  stream_.SetLimits(1000, 1000);
  for (uint64_t i = 1; i <= 100; ++i) Set(i, "a");
  EXPECT_EQ(stream_.Attach(kAlice, 10).id, "");
  EXPECT_EQ(Read(kAlice, stream_.end_offset()), "gone");
  EXPECT_EQ(stream_.Attach(kAlice, 100).id, stream_.id());
  // Held from a place before its view on, it begins at its view, whatever comes between.
  stream_.SetLimits(1000, kAll);
  for (uint64_t i = 101; i <= 200; ++i) Set(i, "b");
  EXPECT_EQ(From(stream_.Attach(kAlice, 198), kAlice), "SELECT 0; SET b 1; SET b 1");
}

TEST_F(CommandStreamTest, WhatWasNotCommittedIsDropped) {
  stream_.Begin();
  const auto start = stream_.Attach(kAlice, 0);
  Set(1, "a");
  const uint64_t end = stream_.end_offset(), kept = stream_.kept_bytes();
  Append(2, {Command(5, {"SET", "b", "1"})});
  Ping();
  Append(3, {Command(5, {"SET", "c", "1"})});
  stream_.DropAbove(1);
  EXPECT_EQ(stream_.end_offset(), end);
  EXPECT_EQ(stream_.kept_bytes(), kept);
  // The databases that were selected there are not.
  Append(2, {Command(5, {"SET", "d", "1"})});
  EXPECT_EQ(From(start, kAlice), "SELECT 0; SET a 1; SELECT 5; SET d 1");
  stream_.DropAbove(0);
  EXPECT_EQ(stream_.end_offset(), start.offset);
  Set(4, "e");
  EXPECT_EQ(From(start, kAlice), "SELECT 0; SET e 1");
}

TEST_F(CommandStreamTest, WhatWasNotCommittedMayBeGoneAlready) {
  stream_.Begin();
  Set(1, "a");
  stream_.SetLimits(0, 0);
  Set(10, "b");
  stream_.DropAbove(1);
  EXPECT_EQ(stream_.SeqAt(0, 1), 1);
  const auto start = stream_.Attach(kAlice, 1);
  EXPECT_EQ(start.id, stream_.id());
  stream_.SetLimits(kAll, kAll);
  Set(2, "c");
  EXPECT_EQ(From(start, kAlice), "SELECT 0; SET c 1");
}

TEST_F(CommandStreamTest, SequencesOfOffsets) {
  stream_.Begin();
  const auto start = stream_.Attach(kAlice, 5);
  EXPECT_EQ(stream_.SeqAt(start.offset, 7), 7);  // all that there is
  Set(10, "a");
  const uint64_t first_end = stream_.end_offset();
  Ping();
  const uint64_t second_end = stream_.end_offset();
  Set(20, "b");
  EXPECT_EQ(stream_.SeqAt(start.offset, 30), 0);
  EXPECT_EQ(stream_.SeqAt(first_end - 1, 30), 0);  // a unit counts when it is there as a whole
  EXPECT_EQ(stream_.SeqAt(first_end, 30), 10);
  EXPECT_EQ(stream_.SeqAt(second_end, 30), 10);
  EXPECT_EQ(stream_.SeqAt(stream_.end_offset() - 1, 30), 10);
  EXPECT_EQ(stream_.SeqAt(stream_.end_offset(), 30), 30);
  EXPECT_EQ(stream_.SeqAt(stream_.end_offset() + 100, 30), 30);

  // Where units are gone, up to what is gone.
  stream_.Detach(kAlice);
  stream_.SetLimits(stream_.kept_bytes() - 1, 0);
  EXPECT_EQ(stream_.SeqAt(start.offset, 30), 10);
  stream_.SetLimits(0, 0);
  EXPECT_EQ(stream_.kept_bytes(), 0);
  EXPECT_EQ(stream_.SeqAt(second_end, 30), 20);
}

TEST_F(CommandStreamTest, TwoFollowersReadForThemselves) {
  stream_.Begin();
  stream_.SetLimits(0, kAll);
  const auto alice = stream_.Attach(kAlice, 0);
  Set(1, "a");
  const auto bob = stream_.Attach(kBob, 1);
  Set(2, "b");
  EXPECT_EQ(From(alice, kAlice), "SELECT 0; SET a 1; SELECT 0; SET b 1");
  EXPECT_EQ(From(bob, kBob), "SELECT 0; SET b 1");
  // What the slower one needs is kept.
  EXPECT_EQ(Read(kBob, stream_.end_offset()), "");
  Set(3, "c");
  EXPECT_EQ(From(alice, kAlice), "SELECT 0; SET a 1; SELECT 0; SET b 1; SET c 1");
  stream_.Detach(kAlice);
  EXPECT_EQ(Read(kAlice, alice.offset), "gone");
  EXPECT_EQ(Read(kBob, bob.offset), "gone");
  EXPECT_EQ(Read(kBob, stream_.end_offset()), "");
}

TEST_F(CommandStreamTest, WhetherAnybodyFollows) {
  stream_.Begin();
  EXPECT_NE(stream_.alone_since_us(), 0);
  (void)stream_.Attach(kAlice, 0);
  EXPECT_EQ(stream_.alone_since_us(), 0);
  (void)stream_.Attach(kBob, 0);
  stream_.Detach(kAlice);
  stream_.Detach(kAlice);
  EXPECT_EQ(stream_.alone_since_us(), 0);
  stream_.Detach(kBob);
  EXPECT_NE(stream_.alone_since_us(), 0);
  EXPECT_TRUE(stream_.Attach(kBob, stream_.id(), stream_.end_offset()));
  EXPECT_EQ(stream_.alone_since_us(), 0);
}

TEST_F(CommandStreamTest, DeletionsAreCalledAsTheDirectivesSay) {
  EXPECT_EQ(stream_.DeletionVerb(LazyDeletion::kExpiry), "DEL");
  stream_.SetLazy(LazyDeletion::kExpiry, true);
  stream_.SetLazy(LazyDeletion::kUser, true);
  EXPECT_EQ(stream_.DeletionVerb(LazyDeletion::kExpiry), "UNLINK");
  EXPECT_EQ(stream_.DeletionVerb(LazyDeletion::kUser), "UNLINK");
  EXPECT_EQ(stream_.DeletionVerb(LazyDeletion::kEviction), "DEL");
  EXPECT_EQ(stream_.DeletionVerb(LazyDeletion::kServer), "DEL");
  stream_.SetLazy(LazyDeletion::kExpiry, false);
  EXPECT_EQ(stream_.DeletionVerb(LazyDeletion::kExpiry), "DEL");
  EXPECT_EQ(stream_.DeletionVerb(LazyDeletion::kUser), "UNLINK");
}

}  // namespace
}  // namespace hearth
