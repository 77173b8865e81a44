#include "tests/src/commands/command_fixture.h"

namespace hearth {
namespace {

constexpr char kNone[] = "*0\r\n";
constexpr char kSyntax[] = "-ERR syntax error\r\n";
constexpr char kWrongType[] =
    "-WRONGTYPE Operation against a key holding the wrong kind of value\r\n";

class GeoSearchTest : public CommandFixture {
 protected:
  void SetUp() override {
    CommandFixture::SetUp();
    Run("GEOADD Sicily 13.361389 38.115556 Palermo 15.087269 37.502669 Catania");
    Run("GEOADD Sicily 12.758489 38.788135 edge1 17.241510 38.788135 edge2");
  }
};

TEST_F(GeoSearchTest, CirclesAndBoxesAroundPointsAndMembers) {
  EXPECT_EQ(Run("GEOSEARCH Sicily FROMLONLAT 15 37 BYRADIUS 200 km ASC"),
            Bulks({"Catania", "Palermo"}));
  EXPECT_EQ(Run("GEOSEARCH Sicily FROMLONLAT 15 37 BYBOX 400 400 km DESC"),
            Bulks({"edge1", "edge2", "Palermo", "Catania"}));
  EXPECT_EQ(Run("GEOSEARCH Sicily FROMMEMBER Catania BYRADIUS 1 m"), Bulks({"Catania"}));
  EXPECT_EQ(Run("GEOSEARCH Sicily ASC COUNT 1 BYBOX 400 400 km FROMMEMBER Palermo"),
            Bulks({"Palermo"}));
  EXPECT_EQ(Run("GEOSEARCH none FROMMEMBER a BYRADIUS 1 m"), kNone);
  EXPECT_EQ(Run("GEOSEARCH Sicily FROMLONLAT 0 0 BYRADIUS 1 m"), kNone);
}

TEST_F(GeoSearchTest, DetailsComeInTheOrderOfRedis) {
  const std::string reply =
      Run("GEOSEARCH Sicily FROMLONLAT 15 37 BYRADIUS 60 km WITHHASH WITHCOORD WITHDIST");
  EXPECT_EQ(reply, "*1\r\n*4\r\n" + Bulk("Catania") + Bulk("56.4413") + ":3479447370796909\r\n" +
                       Bulks({"15.08726745843887329", "37.50266842333162032"}));
}

TEST_F(GeoSearchTest, AnyTakesTheFirstFound) {
  EXPECT_EQ(Run("GEOSEARCH Sicily FROMLONLAT 15 37 BYRADIUS 500 km COUNT 1 ANY").substr(0, 4),
            "*1\r\n");
  EXPECT_EQ(Run("GEOSEARCH Sicily FROMLONLAT 15 37 BYRADIUS 500 km COUNT 1"), Bulks({"Catania"}));
  EXPECT_EQ(Run("GEOSEARCH Sicily FROMLONLAT 15 37 BYRADIUS 500 km ANY"),
            "-ERR the ANY argument requires COUNT argument\r\n");
}

TEST_F(GeoSearchTest, StoresScoresOrDistances) {
  EXPECT_EQ(Run("GEOSEARCHSTORE t Sicily FROMLONLAT 15 37 BYRADIUS 200 km"), ":2\r\n");
  EXPECT_EQ(Run("GEOHASH t Palermo"), Bulks({"sqc8b49rny0"}));
  EXPECT_EQ(Run("GEOSEARCHSTORE t Sicily FROMLONLAT 15 37 BYRADIUS 60 km STOREDIST"), ":1\r\n");
  EXPECT_EQ(Run("ZRANGE t 0 -1 WITHSCORES").substr(0, 26), "*2\r\n$7\r\nCatania\r\n$16\r\n56.4");
  EXPECT_EQ(Run("GEORADIUS Sicily 15 37 200 km STOREDIST nowhere STORE t"), ":2\r\n");
  EXPECT_EQ(Run("ZRANGE t 0 -1"), Bulks({"Palermo", "Catania"}));
  EXPECT_EQ(Run("EXISTS nowhere"), ":0\r\n");
  EXPECT_EQ(Run("GEOSEARCHSTORE t none FROMLONLAT 15 37 BYRADIUS 200 km"), ":0\r\n");
  EXPECT_EQ(LoggedRows(), "delete 0/t\n");
  EXPECT_EQ(Run("GEORADIUSBYMEMBER Sicily Palermo 1 km STORE Sicily"), ":1\r\n");
  Reopen();
  EXPECT_EQ(Run("ZRANGE Sicily 0 -1"), Bulks({"Palermo"}));
}

TEST_F(GeoSearchTest, TheElderForms) {
  EXPECT_EQ(Run("GEORADIUS Sicily 15 37 200 km DESC"), Bulks({"Palermo", "Catania"}));
  EXPECT_EQ(Run("GEORADIUS_RO Sicily 15 37 200 km COUNT 1"), Bulks({"Catania"}));
  EXPECT_EQ(Run("GEORADIUSBYMEMBER Sicily Palermo 1 m"), Bulks({"Palermo"}));
  EXPECT_EQ(Run("GEORADIUSBYMEMBER_RO Sicily Palermo 1 m WITHDIST"),
            "*1\r\n" + Bulks({"Palermo", "0.0000"}));
  EXPECT_EQ(Run("GEORADIUS_RO Sicily 15 37 200 km STORE t"), kSyntax);
  EXPECT_EQ(Run("GEORADIUSBYMEMBER none a x parsec"), kNone);
}

TEST_F(GeoSearchTest, WrongArgumentsAreRefused) {
  const struct {
    const char* arguments;
    const char* error;
  } kCases[] = {
      {"FROMLONLAT 15 37 BYRADIUS x km", "ERR need numeric radius"},
      {"FROMLONLAT 15 37 BYRADIUS -1 km", "ERR radius cannot be negative"},
      {"FROMLONLAT 15 37 BYBOX x 1 km", "ERR need numeric width"},
      {"FROMLONLAT 15 37 BYBOX 1 x km", "ERR need numeric height"},
      {"FROMLONLAT 15 37 BYBOX 1 -1 km", "ERR height or width cannot be negative"},
      {"FROMLONLAT 15 37 BYRADIUS 1 parsec",
       "ERR unsupported unit provided. please use M, KM, FT, MI"},
      {"FROMLONLAT 15 87 BYRADIUS 1 m", "ERR invalid longitude,latitude pair 15.000000,87.000000"},
      {"FROMMEMBER none BYRADIUS 1 m", "ERR could not decode requested zset member"},
      {"BYRADIUS 1 m ASC ASC",
       "ERR exactly one of FROMMEMBER or FROMLONLAT can be specified for GEOSEARCH"},
      {"FROMLONLAT 1 2 ASC ASC",
       "ERR exactly one of BYRADIUS and BYBOX can be specified for GEOSEARCH"},
      {"FROMLONLAT 1 2 BYRADIUS 1 m BYBOX 1 1 m", "ERR syntax error"},
      {"FROMLONLAT 1 2 BYRADIUS 1 m COUNT 0", "ERR COUNT must be > 0"},
      {"FROMLONLAT 1 2 BYRADIUS 1 m STOREDIST", "ERR syntax error"},
  };
  for (const auto& [arguments, error] : kCases) {
    EXPECT_EQ(Refused("GEOSEARCH Sicily " + std::string(arguments)),
              "-" + std::string(error) + "\r\n");
  }
  EXPECT_EQ(Refused("GEOSEARCHSTORE t Sicily FROMLONLAT 1 2 BYRADIUS 1 m WITHDIST"),
            "-ERR GEOSEARCHSTORE is not compatible with WITHDIST, WITHHASH and WITHCOORD "
            "options\r\n");
  EXPECT_EQ(Refused("GEORADIUS Sicily 1 2 3 m WITHDIST STORE t"),
            "-ERR STORE option in GEORADIUS is not compatible with WITHDIST, WITHHASH and "
            "WITHCOORD options\r\n");
  MakeList("l");
  EXPECT_EQ(Refused("GEOSEARCH l FROMLONLAT 1 2 BYRADIUS 1 m"), kWrongType);
}

}  // namespace
}  // namespace hearth
