#pragma once

// The functions of the geo commands; their rows stand in geo_table.cc. A geo key is a sorted set
// whose scores are points (src/geo/geohash.h).

#include "src/command.h"
#include "src/geo/geohash.h"

namespace hearth {

// How many metres a unit (m, km, ft, mi) is. False after an error reply, here and below.
bool ReadGeoUnit(std::string_view text, double* unit_m, Reply& reply);
// A point that can be stored, from two degrees.
bool ReadGeoPoint(std::string_view longitude, std::string_view latitude, GeoPoint* point,
                  Reply& reply);
// An array of two numbers in plain decimals.
void ReplyGeoPoint(const GeoPoint& point, Reply& reply);
// With four digits behind the point.
void ReplyGeoDistance(double distance, Reply& reply);

// geo.cc
void GeoAdd(const Args& args, Tx& tx, Reply& reply);
void GeoDist(const Args& args, Tx& tx, Reply& reply);
void GeoHash(const Args& args, Tx& tx, Reply& reply);
void GeoPos(const Args& args, Tx& tx, Reply& reply);

// geo_search.cc
void GeoRadius(const Args& args, Tx& tx, Reply& reply);
void GeoRadiusByMember(const Args& args, Tx& tx, Reply& reply);
void GeoRadiusByMemberRo(const Args& args, Tx& tx, Reply& reply);
void GeoRadiusRo(const Args& args, Tx& tx, Reply& reply);
bool GeoRadiusKeys(const Args& args, uint32_t session_db, std::vector<KeyRef>* keys);
void GeoSearch(const Args& args, Tx& tx, Reply& reply);
void GeoSearchStore(const Args& args, Tx& tx, Reply& reply);

}  // namespace hearth
