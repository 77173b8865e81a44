#include "net/idle_looks.h"

#include <gtest/gtest.h>

namespace hearth {
namespace {

using std::chrono::microseconds;

TEST(IdleLooks, BeginAfterAShortSleep) {
  IdleLooks looks;
  EXPECT_EQ(looks.count(), 0);
  EXPECT_TRUE(looks.measures_sleep());
  looks.NoteSlept(IdleLooks::kShortSleep);
  EXPECT_EQ(looks.count(), 0);
  looks.NoteSlept(microseconds(1));
  EXPECT_EQ(looks.count(), IdleLooks::kLooksMax);
  EXPECT_FALSE(looks.measures_sleep());
}

TEST(IdleLooks, GoOnWhileTheyFindSomething) {
  IdleLooks looks;
  looks.NoteSlept(microseconds(1));
  looks.NoteNothing();
  EXPECT_EQ(looks.count(), IdleLooks::kLooksMax / 2);
  looks.NoteFound();
  EXPECT_EQ(looks.count(), IdleLooks::kLooksMax);
}

TEST(IdleLooks, EndWhenTheyFindNothing) {
  IdleLooks looks;
  looks.NoteSlept(microseconds(1));
  int failed_looks = 0;
  while (looks.count() > 0) {
    failed_looks += looks.count();
    looks.NoteNothing();
  }
  EXPECT_LT(failed_looks, 2 * IdleLooks::kLooksMax);
  EXPECT_TRUE(looks.measures_sleep());
}

TEST(IdleLooks, AreFewBesideSeveralClients) {
  IdleLooks looks;
  looks.NoteTurn(true);
  EXPECT_EQ(looks.count(), IdleLooks::kLooksBesideSeveral);
  looks.NoteFound();
  looks.NoteNothing();
  looks.NoteTurn(false);
  EXPECT_EQ(looks.count(), 0);
}

TEST(IdleLooks, AreManyOnlyWhileOneClientComes) {
  IdleLooks looks;
  looks.NoteSlept(microseconds(1));
  looks.NoteTurn(true);
  for (int i = 1; i < IdleLooks::kTurnsOfOneMin; ++i) {
    looks.NoteTurn(false);
    EXPECT_EQ(looks.count(), 0) << i;
    EXPECT_FALSE(looks.measures_sleep()) << i;
  }
  looks.NoteTurn(false);
  EXPECT_EQ(looks.count(), IdleLooks::kLooksMax);
}

TEST(IdleLooks, AreTurnedOff) {
  IdleLooks looks;
  looks.NoteSlept(microseconds(1));
  looks.SetEnabled(false);
  EXPECT_EQ(looks.count(), 0);
  looks.SetEnabled(true);
  EXPECT_EQ(looks.count(), IdleLooks::kLooksMax);
}

}  // namespace
}  // namespace hearth
