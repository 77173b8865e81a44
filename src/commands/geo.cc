// Tested by tests/src/commands/geo_test.cc.
#include "src/commands/geo.h"

#include <cstdio>

#include "src/commands/sorted_set.h"
#include "src/commands/sorted_set_add.h"
#include "src/effects.h"
#include "src/errors.h"
#include "src/numbers.h"

namespace hearth {
namespace {

// A number of RESP3, or its text, without exponent.
void ReplyPlainNumber(double value, Reply& reply) {
  const std::string text = FormatLongDouble(value);
  if (reply.protocol() == 2) return reply.Bulk(text);
  reply.Raw("," + text + "\r\n");
}

// As ZADD of the scores that were computed here.
void PassOnAdd(std::string_view key, const Args& options, const SortedSetAdd& add) {
  Effects* const effects = Effects::Current();
  if (effects == nullptr) [[likely]]
    return;
  std::vector<std::string> scores;
  for (const ScoredMember& element : add.elements) {
    scores.push_back(std::to_string(static_cast<uint64_t>(element.score)));
  }
  std::vector<std::string_view> words = {"ZADD", key};
  words.insert(words.end(), options.begin(), options.end());
  for (size_t i = 0; i < scores.size(); ++i) {
    words.insert(words.end(), {scores[i], add.elements[i].member});
  }
  effects->Instead(words);
}

}  // namespace

bool ReadGeoUnit(std::string_view text, double* unit_m, Reply& reply) {
  if (IsWord(text, "M")) {
    *unit_m = 1;
  } else if (IsWord(text, "KM")) {
    *unit_m = 1000;
  } else if (IsWord(text, "FT")) {
    *unit_m = 0.3048;
  } else if (IsWord(text, "MI")) {
    *unit_m = 1609.34;
  } else {
    reply.Error("ERR unsupported unit provided. please use M, KM, FT, MI");
    return false;
  }
  return true;
}

bool ReadGeoPoint(std::string_view longitude, std::string_view latitude, GeoPoint* point,
                  Reply& reply) {
  const auto x = ParseDouble(longitude);
  const auto y = x ? ParseDouble(latitude) : std::nullopt;
  if (!y) {
    reply.Error(kErrNotFloat);
    return false;
  }
  *point = {.longitude = *x, .latitude = *y};
  if (IsGeoPoint(*point)) return true;
  const int size = std::snprintf(nullptr, 0, "%f,%f", *x, *y);
  std::string pair(static_cast<size_t>(size) + 1, '\0');
  std::snprintf(pair.data(), pair.size(), "%f,%f", *x, *y);
  pair.pop_back();
  reply.Error("ERR invalid longitude,latitude pair " + pair);
  return false;
}

void ReplyGeoPoint(const GeoPoint& point, Reply& reply) {
  reply.Array(2);
  ReplyPlainNumber(point.longitude, reply);
  ReplyPlainNumber(point.latitude, reply);
}

void ReplyGeoDistance(double distance, Reply& reply) {
  char text[400];
  const int size = std::snprintf(text, sizeof(text), "%.4f", distance);
  reply.Bulk({text, static_cast<size_t>(size)});
}

// GEOADD key [NX | XX] [CH] longitude latitude member [longitude latitude member ...] -> how many
// were added; with CH, also those that moved
void GeoAdd(const Args& args, Tx& tx, Reply& reply) {
  SortedSetAdd add;
  size_t index = 2;
  for (; index < args.size(); ++index) {
    if (IsWord(args[index], "NX")) {
      add.only_new = true;
    } else if (IsWord(args[index], "XX")) {
      add.only_present = true;
    } else if (IsWord(args[index], "CH")) {
      add.count_changed = true;
    } else {
      break;
    }
  }
  if (index == args.size() || (args.size() - index) % 3 != 0 ||
      (add.only_new && add.only_present)) {
    return reply.Error(kErrSyntax);
  }
  const Args options = args.subspan(2, index - 2);
  for (; index < args.size(); index += 3) {
    GeoPoint point;
    if (!ReadGeoPoint(args[index], args[index + 1], &point, reply)) return;
    add.elements.push_back({args[index + 2], GeoEncode(point)});
  }
  const uint64_t changes_before = tx.change_count();
  AddToSortedSet(args[1], add, tx, reply);
  if (tx.change_count() != changes_before) PassOnAdd(args[1], options, add);
}

// GEODIST key member member [unit] -> the distance, or null when a member is absent
void GeoDist(const Args& args, Tx& tx, Reply& reply) {
  double unit_m = 1;
  if (args.size() > 5) return reply.Error(kErrSyntax);
  if (args.size() == 5 && !ReadGeoUnit(args[4], &unit_m, reply)) return;
  const Object* object;
  if (!FindSortedSet(args[1], tx, reply, &object)) return;
  const SortedSetKey set(tx, args[1], object);
  const auto from = set.Score(args[2]), to = set.Score(args[3]);
  if (!from || !to) return reply.Null();
  ReplyGeoDistance(GeoDistance(GeoDecode(*from), GeoDecode(*to)) / unit_m, reply);
}

// GEOHASH key [member ...] -> the geohash of each, or null
void GeoHash(const Args& args, Tx& tx, Reply& reply) {
  const Object* object;
  if (!FindSortedSet(args[1], tx, reply, &object)) return;
  const SortedSetKey set(tx, args[1], object);
  reply.Array(args.size() - 2);
  for (const std::string_view member : args.subspan(2)) {
    const auto score = set.Score(member);
    score ? reply.Bulk(GeoHashText(*score)) : reply.Null();
  }
}

// GEOPOS key [member ...] -> longitude and latitude of each, or null
void GeoPos(const Args& args, Tx& tx, Reply& reply) {
  const Object* object;
  if (!FindSortedSet(args[1], tx, reply, &object)) return;
  const SortedSetKey set(tx, args[1], object);
  reply.Array(args.size() - 2);
  for (const std::string_view member : args.subspan(2)) {
    const auto score = set.Score(member);
    score ? ReplyGeoPoint(GeoDecode(*score), reply) : reply.NullArray();
  }
}

}  // namespace hearth
