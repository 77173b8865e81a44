// Tested by tests/src/geo/geo_shape_test.cc.
#include "src/geo/geo_shape.h"

#include <algorithm>
#include <cmath>

namespace hearth {
namespace {

// Half the earth's circumference on the Mercator square, in metres.
constexpr double kMercatorMax = 20037726.37;

// The least box of longitudes and latitudes around a shape. Its width is that at the latitude
// nearer to a pole, where a degree of longitude is shorter.
struct Bounds {
  GeoPoint low, high;

  explicit Bounds(const GeoShape& shape) {
    const bool circle = shape.kind == GeoShape::Kind::kCircle;
    const double half_height = circle ? shape.radius_m : shape.height_m / 2;
    const double half_width = circle ? shape.radius_m : shape.width_m / 2;
    const GeoPoint& center = shape.center;
    const double up = ToDegrees(half_height / kEarthRadiusM);
    const double widest = center.latitude < 0 ? center.latitude - up : center.latitude + up;
    const double aside = ToDegrees(half_width / kEarthRadiusM / std::cos(ToRadians(widest)));
    low = {center.longitude - aside, center.latitude - up};
    high = {center.longitude + aside, center.latitude + up};
  }
};

// How many halvings leave cells of about a shape's size, so that nine of them cover it. Towards
// the poles cells become narrower.
int StepsFor(double radius_m, double latitude) {
  if (radius_m == 0) return kGeoStepsMax;
  int steps = 1;
  for (; radius_m < kMercatorMax; radius_m *= 2) ++steps;
  steps -= 2;
  if (std::abs(latitude) > 66) --steps;
  if (std::abs(latitude) > 80) --steps;
  return std::clamp(steps, 1, kGeoStepsMax);
}

// The cell so many columns and rows away; the grid has no edges.
GeoCell Neighbour(const GeoCell& cell, int columns, int rows) {
  const uint32_t mask = (uint32_t{1} << cell.steps) - 1;
  GeoCell moved = cell;
  if (columns != 0) moved.column = (cell.column + static_cast<uint32_t>(columns)) & mask;
  if (rows != 0) moved.row = (cell.row + static_cast<uint32_t>(rows)) & mask;
  return moved;
}

// Whether a cell and its neighbours reach all sides of the bounds.
bool Covers(const GeoCell& cell, const Bounds& bounds) {
  return GeoNorthEast(Neighbour(cell, 0, 1)).latitude >= bounds.high.latitude &&
         GeoSouthWest(Neighbour(cell, 0, -1)).latitude <= bounds.low.latitude &&
         GeoNorthEast(Neighbour(cell, 1, 0)).longitude >= bounds.high.longitude &&
         GeoSouthWest(Neighbour(cell, -1, 0)).longitude <= bounds.low.longitude;
}

// Whether the bounds end within the cell on the way to a neighbour, so that it can be left out.
bool IsNeedless(const GeoCell& cell, const Bounds& bounds, int columns, int rows) {
  const GeoPoint low = GeoSouthWest(cell), high = GeoNorthEast(cell);
  return (rows < 0 && low.latitude < bounds.low.latitude) ||
         (rows > 0 && high.latitude > bounds.high.latitude) ||
         (columns < 0 && low.longitude < bounds.low.longitude) ||
         (columns > 0 && high.longitude > bounds.high.longitude);
}

GeoRange RangeOf(const GeoCell& cell) {
  const int shift = 2 * (kGeoStepsMax - cell.steps);
  return {cell.Bits() << shift, (cell.Bits() + 1) << shift};
}

}  // namespace

GeoShape GeoShape::Circle(const GeoPoint& center, double radius_m) {
  return {Kind::kCircle, center, radius_m, 0, 0};
}
GeoShape GeoShape::Box(const GeoPoint& center, double width_m, double height_m) {
  return {Kind::kBox, center, 0, width_m, height_m};
}

std::vector<GeoRange> GeoRanges(const GeoShape& shape) {
  const Bounds bounds(shape);
  const double radius_m = shape.kind == GeoShape::Kind::kCircle
                              ? shape.radius_m
                              : std::sqrt((shape.width_m / 2) * (shape.width_m / 2) +
                                          (shape.height_m / 2) * (shape.height_m / 2));
  const int steps = StepsFor(radius_m, shape.center.latitude);
  GeoCell cell = GeoCellOf(shape.center, steps);
  if (steps > 1 && !Covers(cell, bounds)) cell = GeoCellOf(shape.center, steps - 1);

  static constexpr struct {
    int columns, rows;
  } kOrder[kGeoRangesMax] = {{0, 0}, {0, 1},  {0, -1}, {1, 0},  {-1, 0},
                             {1, 1}, {-1, 1}, {1, -1}, {-1, -1}};
  std::vector<GeoRange> ranges;
  for (const auto& [columns, rows] : kOrder) {
    // With one halving left and right are the same cell, and nothing is needless.
    if (cell.steps >= 2 && IsNeedless(cell, bounds, columns, rows)) continue;
    const GeoRange range = RangeOf(Neighbour(cell, columns, rows));
    if (std::find(ranges.begin(), ranges.end(), range) == ranges.end()) ranges.push_back(range);
  }
  return ranges;
}

bool InShape(const GeoShape& shape, const GeoPoint& point, double* distance_m) {
  if (shape.kind == GeoShape::Kind::kCircle) {
    *distance_m = GeoDistance(shape.center, point);
    return *distance_m <= shape.radius_m;
  }
  const double north = GeoLatitudeDistance(point.latitude, shape.center.latitude);
  if (north > shape.height_m / 2) return false;
  // Along the point's own parallel: a box is narrower towards the poles.
  const double east = GeoDistance(point, {shape.center.longitude, point.latitude});
  if (east > shape.width_m / 2) return false;
  *distance_m = GeoDistance(shape.center, point);
  return true;
}

}  // namespace hearth
