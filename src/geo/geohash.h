#pragma once

// Geohash: points on the earth as 52-bit numbers, the scores of a geo sorted set.
//
// The ranges of longitude and latitude are halved 26 times each; the bits that say which half are
// interleaved, longitude first (Morton's order), so that near points mostly have near numbers.
// Redis' latitudes end at +-85.05112878, where the Mercator projection becomes a square
// (EPSG:3857); the public geohash's (G. Niemeyer, 2008) at +-90.
//
// Thread: any; pure functions. All numbers are those of Redis, to the bit.

#include <cstdint>
#include <string>

namespace hearth {

struct GeoPoint {
  double longitude = 0;  // degrees, east positive
  double latitude = 0;   // degrees, north positive
};

inline constexpr double kGeoLongitudeMax = 180;
inline constexpr double kGeoLatitudeMax = 85.05112878;
inline constexpr double kEarthRadiusM = 6372797.560856;  // as Redis has it

// Halvings of each range in a score.
inline constexpr int kGeoStepsMax = 26;

// Whether a point can be stored.
bool IsGeoPoint(const GeoPoint& point);

// A cell of the grid after some halvings: column and row from the south-west, 0 to
// 2^steps - 1; for points at the upper end of a range, one more.
struct GeoCell {
  uint32_t column = 0;
  uint32_t row = 0;
  int steps = kGeoStepsMax;

  bool operator==(const GeoCell&) const = default;

  // Interleaved, of 2 * steps bits.
  uint64_t Bits() const;
};

// The cell that a point is in. Requires: IsGeoPoint(point), 1 <= steps <= kGeoStepsMax.
GeoCell GeoCellOf(const GeoPoint& point, int steps);

// The corners of a cell.
GeoPoint GeoSouthWest(const GeoCell& cell);
GeoPoint GeoNorthEast(const GeoCell& cell);

// The score of a point, and the point that a score stands for: the middle of its cell. At longitude
// 180 a score has 54 bits, of which a double keeps 53, as in Redis. Any other score, of a sorted
// set that no GEOADD made, stands for some point too. Requires: IsGeoPoint(point).
double GeoEncode(const GeoPoint& point);
GeoPoint GeoDecode(double score);

// What GEOHASH answers for a score: the public geohash in base 32, 11 characters. The last says
// nothing ('0'), as 52 bits fill only ten.
std::string GeoHashText(double score);

// The great-circle distance in metres, by the haversine formula.
double GeoDistance(const GeoPoint& a, const GeoPoint& b);

// The same of two points on one meridian.
double GeoLatitudeDistance(double latitude_a, double latitude_b);

double ToRadians(double degrees);
double ToDegrees(double radians);

}  // namespace hearth
