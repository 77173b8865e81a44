#include "src/geo/geo_shape.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <random>

#include "tests/src/geo/places.h"

namespace hearth {
namespace {

// The places in a shape with their distances, in the order of GEOSEARCH without ASC and DESC.
std::string Found(const GeoShape& shape) {
  std::vector<Place> places(std::begin(kPlaces), std::end(kPlaces));
  std::sort(places.begin(), places.end(), [](const Place& a, const Place& b) {
    return a.score != b.score ? a.score < b.score : a.name < b.name;
  });
  std::string text;
  for (const auto& range : GeoRanges(shape)) {
    for (const auto& place : places) {
      if (place.score < static_cast<double>(range.min)) continue;
      if (place.score >= static_cast<double>(range.max)) break;
      double distance_m = 0;
      if (!InShape(shape, GeoDecode(place.score), &distance_m)) continue;
      char item[100];
      std::snprintf(item, sizeof(item), "%s:%.4f", place.name.data(), distance_m);
      text += (text.empty() ? "" : " ") + std::string(item);
    }
  }
  return text;
}

// GEOSEARCH FROMLONLAT BYRADIUS/BYBOX m WITHDIST of redis-server 7.0.15.
TEST(GeoShape, FindsWhatRedisFinds) {
  const struct {
    GeoShape shape;
    const char* found;
  } kSearches[] = {
      {GeoShape::Circle({15, 37}, 200000),
       "near:190442.4298 palermo:190442.4298 catania:56441.2579"},
      {GeoShape::Box({15, 37}, 400000, 400000),
       "near:190442.4298 palermo:190442.4298 catania:56441.2579"},
      {GeoShape::Circle({-168.988, -12.181}, 11354881),
       "samoa:347109.4154 ushuaia:9576957.5648 quito:10062680.3442 west:1820186.7173 "
       "nyc:11312555.4638 bottom:9195989.1438 mcmurdo:7431489.5923 sydney:4690752.9561 "
       "suva:1502689.4006 tokyo:7560665.8501"},
      {GeoShape::Box({142.555, 39.51}, 2131296, 2208519), "tokyo:491209.1316"},
      {GeoShape::Circle({13.095, 49.155}, 3288949),
       "near:1228061.5444 palermo:1228061.5444 catania:1305904.5969 berlin:374909.2151 "
       "longyearbyen:3234899.6768"},
      {GeoShape::Circle({-180, 0}, 18046833),
       "west:0.3300 nyc:11356717.9124 alert:10396556.3464 samoa:1779764.2332 "
       "ushuaia:11378880.7179 quito:11293040.6592 near:15566000.7601 "
       "palermo:15566000.7601 catania:15571037.8764 berlin:14047039.6491 "
       "longyearbyen:11271044.0988 tokyo:5740526.3764 bottom:10560811.7759 "
       "mcmurdo:8695920.3872 sydney:4816997.7090 suva:2025001.8292"},
      {GeoShape::Box({15.64689, 78.22334}, 64848, 4193), "longyearbyen:0.1154"},
      {GeoShape::Circle({-176.121, -3.582}, 701648), "west:587057.2070"},
      {GeoShape::Circle({-78.218, -4.043}, 153054), ""},
      {GeoShape::Box({0, 85.05112878}, 1905, 146691), "top:0.0257"},
      {GeoShape::Circle({13.361389, 38.115556}, 12011), "near:0.0531 palermo:0.0531"},
      {GeoShape::Circle({10.598, 48.924}, 7991517),
       "null:5535785.0065 near:1222443.4013 palermo:1222443.4013 catania:1320830.0305 "
       "berlin:446058.7245 longyearbyen:3265626.5773 nyc:6380254.7054 alert:4384274.0228"},
      {GeoShape::Box({-180, 0}, 393105, 1972613), "west:0.3300"},
      {GeoShape::Box({-59.357, 78.648}, 154632, 1447), ""},
      {GeoShape::Circle({16.387, 38.199}, 1133205),
       "near:264768.4556 palermo:264768.4556 catania:137942.1832"},
      {GeoShape::Box({179.755, -19.871}, 8862677, 249104), ""},
      {GeoShape::Circle({-177.374, -0.575}, 13479), ""},
      {GeoShape::Box({-70.624, 42.938}, 23212549, 2493720),
       "nyc:368157.1837 near:6813783.9416 palermo:6813783.9416 catania:6977469.8590 "
       "berlin:6013015.3236 tokyo:10749314.7672"},
      {GeoShape::Circle({13.36139, 38.115557}, 2849131),
       "near:0.0887 palermo:0.0887 catania:166274.1256 berlin:1602157.4677"},
      {GeoShape::Box({-180, 0}, 63366, 8097646), "west:0.3300"},
      {GeoShape::Circle({-180, 0}, 8693685),
       "west:0.3300 samoa:1779764.2332 tokyo:5740526.3764 sydney:4816997.7090 "
       "suva:2025001.8292"},
      {GeoShape::Box({166.668, -77.85}, 17149, 2911), "mcmurdo:0.0550"},
      {GeoShape::Circle({153.462, -37.477}, 12577847),
       "bottom:6337712.5011 mcmurdo:4533823.2328 sydney:449950.2974 suva:3246129.1949 "
       "tokyo:8254427.4217 samoa:4331468.3854 ushuaia:9012098.6851 west:4979210.6614"},
      {GeoShape::Box({139.839478, 35.652832}, 406357, 236968), "tokyo:0.2097"},
      {GeoShape::Circle({180, 82.074}, 3754439), "longyearbyen:2171653.7453"},
      {GeoShape::Box({0.125, 0.992}, 19861070, 2454), ""},
      {GeoShape::Circle({14.582, 54.415}, 1054), ""},
      {GeoShape::Circle({153.489, -31.41}, 4777368),
       "sydney:346941.4936 suva:2909200.7201 samoa:4047610.7001 west:4472073.5995"},
      {GeoShape::Box({178.441895, -18.1416}, 1018715, 2059), "suva:0.2270"},
      {GeoShape::Circle({139.839478, 35.652832}, 1920938), "tokyo:0.2097"},
      {GeoShape::Circle({-172.262, -13.234}, 2084231),
       "samoa:80400.7841 west:1701237.0376 suva:1134891.3380"},
      {GeoShape::Box({-174.98, -11.471}, 895697, 818104), "samoa:433103.7880"},
      {GeoShape::Box({-4.99, -85}, 283098, 2081563), "bottom:48445.6372"},
      {GeoShape::Circle({8.26, 83.0}, 1168925), "longyearbyen:546860.9776 alert:931379.2790"},
      {GeoShape::Circle({-6.23, -85}, 568725), ""},
      {GeoShape::Box({15.33, 57.43}, 370617, 4652677),
       "berlin:559716.0233 longyearbyen:2312796.3266 near:2153085.3287 "
       "palermo:2153085.3287 catania:2216515.0186"},
      {GeoShape::Box({-7.24, -83.18}, 177064, 879105), "bottom:223492.4953"},
  };
  for (const auto& [shape, found] : kSearches) {
    EXPECT_EQ(Found(shape), found) << shape.center.longitude << " " << shape.center.latitude;
  }
}

TEST(GeoShape, RangesAreAtMostNineAndDoNotOverlap) {
  std::mt19937_64 random(11);
  std::uniform_real_distribution<double> longitude(-180, 180), latitude(-85, 85), exponent(0, 8);
  for (int i = 0; i < 2000; ++i) {
    const GeoPoint center{longitude(random), latitude(random)};
    const double a = std::pow(10, exponent(random)), b = std::pow(10, exponent(random));
    auto ranges = GeoRanges(i % 2 == 0 ? GeoShape::Circle(center, a) : GeoShape::Box(center, a, b));
    ASSERT_LE(ranges.size(), kGeoRangesMax);
    std::sort(ranges.begin(), ranges.end(),
              [](const GeoRange& x, const GeoRange& y) { return x.min < y.min; });
    for (size_t k = 0; k < ranges.size(); ++k) {
      ASSERT_LT(ranges[k].min, ranges[k].max);
      ASSERT_TRUE(k == 0 || ranges[k - 1].max <= ranges[k].min) << i;
    }
  }
}

// Far from the poles and the 180th meridian the ranges miss nothing that is in the shape.
TEST(GeoShape, RangesHoldAllThatIsInTheShape) {
  std::mt19937_64 random(12);
  std::uniform_real_distribution<double> longitude(-120, 120), latitude(-60, 60), exponent(0, 5.5);
  std::uniform_real_distribution<double> part(-1, 1);
  int inside_count = 0;
  for (int i = 0; i < 20000; ++i) {
    const GeoPoint center{longitude(random), latitude(random)};
    const double size = std::pow(10, exponent(random));
    const GeoShape shape =
        i % 2 == 0 ? GeoShape::Circle(center, size) : GeoShape::Box(center, 2 * size, 2 * size);
    const double degrees = size / 111000;
    const double score = GeoEncode(
        {center.longitude + degrees * part(random), center.latitude + degrees * part(random)});
    double distance_m = 0;
    if (!InShape(shape, GeoDecode(score), &distance_m)) continue;
    ++inside_count;
    const auto ranges = GeoRanges(shape);
    EXPECT_TRUE(std::any_of(ranges.begin(), ranges.end(), [score](const GeoRange& range) {
      return score >= static_cast<double>(range.min) && score < static_cast<double>(range.max);
    })) << i;
  }
  EXPECT_GT(inside_count, 10000);
}

// Nine ranges only where the shape reaches over the sides of its cell.
TEST(GeoShape, NeedlessNeighboursAreLeftOut) {
  const GeoPoint middle = GeoDecode(PlaceNamed("palermo").score);
  EXPECT_EQ(GeoRanges(GeoShape::Circle(middle, 0)).size(), 1u);
  EXPECT_EQ(GeoRanges(GeoShape::Circle({0, 0}, 1000)).size(), 4u);
}

TEST(GeoShape, APointIsInAShapeOfNoSize) {
  const GeoPoint center = GeoDecode(PlaceNamed("palermo").score);
  double distance_m = -1;
  EXPECT_TRUE(InShape(GeoShape::Circle(center, 0), center, &distance_m));
  EXPECT_EQ(distance_m, 0);
  EXPECT_TRUE(InShape(GeoShape::Box(center, 0, 0), center, &distance_m));
  EXPECT_FALSE(InShape(GeoShape::Circle(center, 0), {center.longitude + 0.001, center.latitude},
                       &distance_m));
}

}  // namespace
}  // namespace hearth
