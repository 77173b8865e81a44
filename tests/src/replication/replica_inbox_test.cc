#include "src/replication/replica_inbox.h"

#include <gtest/gtest.h>

namespace hearth {
namespace {

ReplicaLetter Letter(const std::string& text, uint64_t barrier) {
  return {FrameType::kMessage, 0, barrier, std::make_shared<const std::string>(text)};
}

std::string Texts(const std::vector<ReplicaLetter>& letters) {
  std::string text;
  for (const ReplicaLetter& letter : letters) text += *letter.payload + ";";
  return text;
}

TEST(ReplicaInboxTest, LettersGoInOrderBehindTheirGroups) {
  ReplicaInbox inbox;
  EXPECT_TRUE(inbox.is_empty());
  inbox.Put(Letter("a", 0));
  inbox.Put(Letter("b", 7));
  inbox.Put(Letter("c", 3));
  EXPECT_EQ(Texts(inbox.Take(7, 1000)), "a;");
  EXPECT_EQ(Texts(inbox.Take(7, 1000)), "");
  EXPECT_EQ(Texts(inbox.Take(8, 1)), "b;");
  EXPECT_EQ(Texts(inbox.Take(8, 1000)), "c;");
  EXPECT_TRUE(inbox.is_empty());
}

TEST(ReplicaInboxTest, TheSenderIsToldOnceADrain) {
  ReplicaInbox inbox;
  EXPECT_EQ(inbox.Put(Letter("a", 0)), ReplicaInbox::Kept::kWake);
  EXPECT_EQ(inbox.Put(Letter("b", 0)), ReplicaInbox::Kept::kKept);
  EXPECT_EQ(Texts(inbox.Take(1, 1000)), "a;b;");
  EXPECT_EQ(inbox.Put(Letter("c", 0)), ReplicaInbox::Kept::kKept);
  inbox.StartDrain();
  EXPECT_EQ(inbox.Put(Letter("d", 0)), ReplicaInbox::Kept::kWake);
}

// Bytes are bounded, not letters; but one letter is taken whatever its size.
TEST(ReplicaInboxTest, WhatIsTooMuchIsDroppedAndCounted) {
  ReplicaInbox inbox;
  const ReplicaLetter big = Letter(std::string(kReplicaInboxBytesMax, 'x'), 0);
  EXPECT_NE(inbox.Put(big), ReplicaInbox::Kept::kDropped);
  EXPECT_EQ(inbox.Put(Letter("a", 0)), ReplicaInbox::Kept::kDropped);
  EXPECT_EQ(inbox.dropped_count(), 1u);
  inbox.Take(1, SIZE_MAX);
  EXPECT_TRUE(inbox.is_empty());
  while (inbox.Put(Letter(std::string(1000, 'x'), 0)) != ReplicaInbox::Kept::kDropped) continue;
  EXPECT_LE(inbox.size_bytes(), kReplicaInboxBytesMax);
  EXPECT_GT(inbox.size_bytes(), kReplicaInboxBytesMax - 2000);
}

TEST(ReplicaInboxTest, WhatTellsOfALostGroupGoesAndHoldsNothingUp) {
  ReplicaInbox inbox;
  inbox.Put(Letter("kept", 5));
  inbox.Put(Letter("lost", 9));
  inbox.Put(Letter("behind", 0));
  inbox.DropAbove(5);
  inbox.Put(Letter("new", 6));
  EXPECT_EQ(Texts(inbox.Take(7, 1000)), "kept;behind;new;");
  EXPECT_TRUE(inbox.is_empty());
}

}  // namespace
}  // namespace hearth
