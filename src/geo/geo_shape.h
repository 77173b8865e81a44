#pragma once

// GeoShape: a circle or a box on the earth, which scores may be in it and which are.
//
// A search looks through the score ranges of GeoRanges(), in their order, and keeps the points
// for which InShape() holds: this finds what Redis 7.0 finds, in the order in which it does.
//
// Thread: any; pure functions.

#include <cstdint>
#include <vector>

#include "src/geo/geohash.h"

namespace hearth {

struct GeoShape {
  enum class Kind { kCircle, kBox };

  // Sizes in metres, not negative. Requires: IsGeoPoint(center).
  static GeoShape Circle(const GeoPoint& center, double radius_m);
  static GeoShape Box(const GeoPoint& center, double width_m, double height_m);

  Kind kind = Kind::kCircle;
  GeoPoint center;
  double radius_m = 0;  // of a circle
  double width_m = 0;   // of a box
  double height_m = 0;
};

// Scores from min up to but not including max.
struct GeoRange {
  uint64_t min = 0;
  uint64_t max = 0;

  bool operator==(const GeoRange&) const = default;
};

// The most ranges of a shape: a cell and its neighbours.
inline constexpr size_t kGeoRangesMax = 9;

// The ranges that hold all points of a shape, without overlap.
std::vector<GeoRange> GeoRanges(const GeoShape& shape);

// Whether a decoded point is in the shape; if so, *distance_m is its distance from the center.
bool InShape(const GeoShape& shape, const GeoPoint& point, double* distance_m);

}  // namespace hearth
