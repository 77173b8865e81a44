#include "tests/src/commands/command_fixture.h"

namespace hearth {
namespace {

constexpr char kNull[] = "$-1\r\n";
constexpr char kSyntax[] = "-ERR syntax error\r\n";
constexpr char kNotFloat[] = "-ERR value is not a valid float\r\n";
constexpr char kWrongType[] =
    "-WRONGTYPE Operation against a key holding the wrong kind of value\r\n";

class GeoCommandsTest : public CommandFixture {
 protected:
  void SetUp() override {
    CommandFixture::SetUp();
    Run("GEOADD Sicily 13.361389 38.115556 Palermo 15.087269 37.502669 Catania");
  }
};

TEST_F(GeoCommandsTest, GeoAddStoresPointsAsScores) {
  EXPECT_EQ(Run("ZRANGE Sicily 0 -1 WITHSCORES"),
            Bulks({"Palermo", "3479099956230698", "Catania", "3479447370796909"}));
  EXPECT_EQ(Refused("GEOADD Sicily NX 1 1 Palermo"), ":0\r\n");
  EXPECT_EQ(Refused("GEOADD Sicily XX 1 1 Rome"), ":0\r\n");
  EXPECT_EQ(Run("GEOADD Sicily CH 13.5 38 Palermo 1 1 new"), ":2\r\n");
  for (const char* line : {"GEOADD Sicily 1 2", "GEOADD Sicily XX NX 1 1 a", "GEOADD Sicily CH",
                           "GEOADD Sicily 1 2 a 3"}) {
    EXPECT_EQ(Refused(line).substr(0, 4), "-ERR") << line;
  }
  EXPECT_EQ(Refused("GEOADD Sicily x 1 a"), kNotFloat);
  EXPECT_EQ(Refused("GEOADD Sicily 13 38 a 181 1 b"),
            "-ERR invalid longitude,latitude pair 181.000000,1.000000\r\n");
  MakeList("l");
  EXPECT_EQ(Refused("GEOADD l 1 1 a"), kWrongType);
}

TEST_F(GeoCommandsTest, GeoDistIsInTheUnitAskedFor) {
  EXPECT_EQ(Run("GEODIST Sicily Palermo Catania"), Bulk("166274.1516"));
  EXPECT_EQ(Run("GEODIST Sicily Palermo Catania KM"), Bulk("166.2742"));
  EXPECT_EQ(Run("GEODIST Sicily Palermo Catania mi"), Bulk("103.3182"));
  EXPECT_EQ(Run("GEODIST Sicily Palermo Rome"), kNull);
  EXPECT_EQ(Run("GEODIST none a b"), kNull);
  EXPECT_EQ(Run("GEODIST Sicily Palermo Catania m 1"), kSyntax);
  EXPECT_EQ(Run("GEODIST Sicily Palermo Catania parsec"),
            "-ERR unsupported unit provided. please use M, KM, FT, MI\r\n");
  MakeList("l");
  EXPECT_EQ(Refused("GEODIST l a b"), kWrongType);
}

TEST_F(GeoCommandsTest, GeoHashAndGeoPosAnswerNullForWhatIsAbsent) {
  EXPECT_EQ(Run("GEOHASH Sicily Palermo none Catania"),
            "*3\r\n" + Bulk("sqc8b49rny0") + kNull + Bulk("sqdtr74hyu0"));
  EXPECT_EQ(Run("GEOHASH none a"), "*1\r\n" + std::string(kNull));
  const std::string longitude = "13.36138933897018433", latitude = "38.11555639549629859";
  EXPECT_EQ(Run("GEOPOS Sicily Palermo none"), "*2\r\n" + Bulks({longitude, latitude}) + "*-1\r\n");
  EXPECT_EQ(Run("GEOPOS none"), "*0\r\n");
  protocol_ = 3;
  EXPECT_EQ(Run("GEOPOS Sicily Palermo none"),
            "*2\r\n*2\r\n," + longitude + "\r\n," + latitude + "\r\n_\r\n");
  MakeList("l");
  EXPECT_EQ(Refused("GEOHASH l a"), kWrongType);
  EXPECT_EQ(Refused("GEOPOS l a"), kWrongType);
}

}  // namespace
}  // namespace hearth
