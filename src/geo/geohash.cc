// Tested by tests/src/geo/geohash_test.cc.
#include "src/geo/geohash.h"

#include <algorithm>
#include <cmath>

namespace hearth {
namespace {

constexpr double kDegree = M_PI / 180.0;
constexpr double kPublicLatitudeMax = 90;

// Spreads the bits of a number to the even places, and gathers them again.
uint64_t Spread(uint32_t value) {
  uint64_t bits = value;
  bits = (bits | bits << 16) & 0x0000ffff0000ffff;
  bits = (bits | bits << 8) & 0x00ff00ff00ff00ff;
  bits = (bits | bits << 4) & 0x0f0f0f0f0f0f0f0f;
  bits = (bits | bits << 2) & 0x3333333333333333;
  return (bits | bits << 1) & 0x5555555555555555;
}
uint32_t Gather(uint64_t bits) {
  bits &= 0x5555555555555555;
  bits = (bits | bits >> 1) & 0x3333333333333333;
  bits = (bits | bits >> 2) & 0x0f0f0f0f0f0f0f0f;
  bits = (bits | bits >> 4) & 0x00ff00ff00ff00ff;
  bits = (bits | bits >> 8) & 0x0000ffff0000ffff;
  return static_cast<uint32_t>(bits | bits >> 16);
}

double CellsOf(int steps) {
  return static_cast<double>(uint64_t{1} << steps);
}

// Which of the 2^steps parts of the range -limit to limit a value is in.
uint32_t PartOf(double value, double limit, int steps) {
  const double offset = (value - -limit) / (limit - -limit);
  return static_cast<uint32_t>(offset * CellsOf(steps));
}

// Where the part with an index begins.
double PartStart(uint64_t index, double limit, int steps) {
  return -limit + (static_cast<double>(index) / CellsOf(steps)) * (limit - -limit);
}

GeoCell CellOf(const GeoPoint& point, double latitude_max, int steps) {
  return {PartOf(point.longitude, kGeoLongitudeMax, steps),
          PartOf(point.latitude, latitude_max, steps), steps};
}

GeoPoint CornerOf(const GeoCell& cell, uint64_t right, uint64_t up) {
  return {PartStart(cell.column + right, kGeoLongitudeMax, cell.steps),
          PartStart(cell.row + up, kGeoLatitudeMax, cell.steps)};
}

// A score as an integer. Redis leaves what does not fit to the machine; this is what x86 makes of
// it.
uint64_t BitsOf(double score) {
  constexpr double kTwo63 = 9223372036854775808.0;
  if (!(score >= -kTwo63)) return uint64_t{1} << 63;
  if (score < kTwo63) return static_cast<uint64_t>(static_cast<int64_t>(score));
  return score < 2 * kTwo63 ? static_cast<uint64_t>(score) : 0;
}

}  // namespace

bool IsGeoPoint(const GeoPoint& point) {
  return std::abs(point.longitude) <= kGeoLongitudeMax &&
         std::abs(point.latitude) <= kGeoLatitudeMax;
}

uint64_t GeoCell::Bits() const {
  return Spread(column) << 1 | Spread(row);
}

GeoCell GeoCellOf(const GeoPoint& point, int steps) {
  return CellOf(point, kGeoLatitudeMax, steps);
}

GeoPoint GeoSouthWest(const GeoCell& cell) {
  return CornerOf(cell, 0, 0);
}
GeoPoint GeoNorthEast(const GeoCell& cell) {
  return CornerOf(cell, 1, 1);
}

double GeoEncode(const GeoPoint& point) {
  return static_cast<double>(GeoCellOf(point, kGeoStepsMax).Bits());
}

GeoPoint GeoDecode(double score) {
  const uint64_t bits = BitsOf(score);
  const GeoCell cell{Gather(bits >> 1), Gather(bits), kGeoStepsMax};
  const GeoPoint low = GeoSouthWest(cell), high = GeoNorthEast(cell);
  return {std::clamp((low.longitude + high.longitude) / 2, -kGeoLongitudeMax, kGeoLongitudeMax),
          std::clamp((low.latitude + high.latitude) / 2, -kGeoLatitudeMax, kGeoLatitudeMax)};
}

std::string GeoHashText(double score) {
  static constexpr char kAlphabet[] = "0123456789bcdefghjkmnpqrstuvwxyz";
  constexpr int kBits = 2 * kGeoStepsMax;
  const uint64_t bits = CellOf(GeoDecode(score), kPublicLatitudeMax, kGeoStepsMax).Bits();
  std::string text;
  for (int low = kBits - 5; low >= 0; low -= 5) text.push_back(kAlphabet[bits >> low & 31]);
  return text + '0';
}

double ToRadians(double degrees) {
  return degrees * kDegree;
}
double ToDegrees(double radians) {
  return radians / kDegree;
}

double GeoLatitudeDistance(double latitude_a, double latitude_b) {
  return kEarthRadiusM * std::abs(ToRadians(latitude_b) - ToRadians(latitude_a));
}

double GeoDistance(const GeoPoint& a, const GeoPoint& b) {
  const double v = std::sin((ToRadians(b.longitude) - ToRadians(a.longitude)) / 2);
  if (v == 0) return GeoLatitudeDistance(a.latitude, b.latitude);
  const double latitude_a = ToRadians(a.latitude), latitude_b = ToRadians(b.latitude);
  const double u = std::sin((latitude_b - latitude_a) / 2);
  const double haversine = u * u + std::cos(latitude_a) * std::cos(latitude_b) * v * v;
  return 2.0 * kEarthRadiusM * std::asin(std::sqrt(haversine));
}

}  // namespace hearth
