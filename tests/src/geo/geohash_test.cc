#include "src/geo/geohash.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "tests/src/geo/places.h"

namespace hearth {
namespace {

TEST(Geohash, ScoresAreThoseOfRedisToTheBit) {
  for (const auto& place : kPlaces) {
    EXPECT_EQ(GeoEncode(place.point), place.score) << place.name;
  }
}

TEST(Geohash, ScoresAreDecodedToTheMiddleOfTheirCell) {
  for (const auto& place : kPlaces) {
    const GeoPoint decoded = GeoDecode(place.score);
    EXPECT_NEAR(decoded.longitude, place.decoded.longitude, 1e-16) << place.name;
    EXPECT_NEAR(decoded.latitude, place.decoded.latitude, 1e-16) << place.name;
  }
}

TEST(Geohash, TextIsThePublicGeohash) {
  for (const auto& place : kPlaces) EXPECT_EQ(GeoHashText(place.score), place.text) << place.name;
}

// Of sorted sets that ZADD made; compared with GEOHASH and GEOPOS of redis-server 7.0.15.
TEST(Geohash, EveryScoreStandsForSomePoint) {
  constexpr double kInfinity = std::numeric_limits<double>::infinity();
  for (const double score :
       {-1.0, -1.5, 1e15, 9e18, 1e19, 1e20, -1e30, kInfinity, -kInfinity, std::nan("")}) {
    EXPECT_TRUE(IsGeoPoint(GeoDecode(score))) << score;
    EXPECT_EQ(GeoHashText(score).size(), 11u) << score;
  }
  EXPECT_EQ(GeoDecode(-1).longitude, 180);
  EXPECT_EQ(GeoDecode(1e20).longitude, GeoDecode(0).longitude);
}

TEST(Geohash, PointsEndWhereTheMercatorSquareEnds) {
  EXPECT_TRUE(IsGeoPoint({180, 85.05112878}));
  EXPECT_TRUE(IsGeoPoint({-180, -85.05112878}));
  EXPECT_FALSE(IsGeoPoint({180.0001, 0}));
  EXPECT_FALSE(IsGeoPoint({0, -85.0511288}));
  EXPECT_FALSE(IsGeoPoint({std::nan(""), 0}));
}

// GEODIST of redis-server 7.0.15.
TEST(Geohash, DistancesAreThoseOfRedis) {
  static constexpr struct {
    const char *from, *to, *metres;
  } kDistances[] = {
      {"palermo", "catania", "166274.1516"}, {"palermo", "near", "0.0000"},
      {"palermo", "palermo", "0.0000"},      {"east", "west", "0.2983"},
      {"suva", "samoa", "1156180.5132"},     {"top", "bottom", "18919844.5891"},
      {"nyc", "tokyo", "10850842.5202"},     {"null", "berlin", "5973694.1599"},
      {"alert", "mcmurdo", "19002140.4010"}, {"quito", "sydney", "13611879.4267"},
  };
  for (const auto& [from, to, metres] : kDistances) {
    const double distance =
        GeoDistance(GeoDecode(PlaceNamed(from).score), GeoDecode(PlaceNamed(to).score));
    char text[64];
    std::snprintf(text, sizeof(text), "%.4f", distance);
    EXPECT_STREQ(text, metres) << from << " to " << to;
  }
}

}  // namespace
}  // namespace hearth
