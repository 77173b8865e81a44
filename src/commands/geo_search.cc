// Tested by tests/src/commands/geo_search_test.cc.
//
// GEOSEARCH and its elder forms: a centre, a shape around it, and what is in it.
#include <algorithm>
#include <cmath>
#include <vector>

#include "engine/change_count.h"
#include "src/commands/geo.h"
#include "src/commands/groups.h"
#include "src/commands/sorted_set.h"
#include "src/errors.h"
#include "src/geo/geo_shape.h"
#include "src/numbers.h"

namespace hearth {
namespace {

// The three ways in which a search is written, and whether it may store what it finds.
struct SearchForm {
  enum class Kind : uint8_t { kAroundPoint, kAroundMember, kSearch } kind = Kind::kSearch;
  bool may_store = false;
};

enum class Order : uint8_t { kAny, kNearest, kFarthest };

struct Search {
  GeoPoint center;
  bool has_member = false;  // FROMMEMBER
  bool has_point = false;   // FROMLONLAT
  bool has_radius = false;
  bool has_box = false;
  double unit_m = 1;
  double radius = 0, width = 0, height = 0;  // in units

  bool with_distance = false, with_hash = false, with_point = false;
  bool any = false;
  Order order = Order::kAny;
  size_t count = 0;  // 0 = all
  bool stores = false;
  bool stores_distance = false;
  std::string_view target = {};
};

struct Hit {
  std::string_view member;
  double score;
  GeoPoint point;
  double distance_m;
};

// Takes the arguments of one search in turn.
class SearchParser {
 public:
  SearchParser(const Args& args, const SearchForm& form, Search* search, Reply& reply)
      : args_(args), form_(form), search_(*search), reply_(reply) {}

  // set may be empty: then no member is looked for. False after an error reply.
  bool Parse(const SortedSetKey& set) { return ParsePlace(set) && ParseOptions(set) && Check(); }

 private:
  bool Fail(std::string_view error) {
    reply_.Error(error);
    return false;
  }
  bool is_search() const { return form_.kind == SearchForm::Kind::kSearch; }
  // Whether the word stands here with as many arguments behind it.
  bool IsHere(std::string_view word, size_t argument_count) const {
    return index_ + argument_count < args_.size() && IsWord(args_[index_], word);
  }

  bool ReadSize(std::string_view text, std::string_view what, double* size) {
    const auto number = ParseDouble(text);
    if (!number) return Fail("ERR need numeric " + std::string(what));
    *size = *number;
    return true;
  }
  bool ReadRadius(size_t index) {
    if (!ReadSize(args_[index], "radius", &search_.radius)) return false;
    if (search_.radius < 0) return Fail("ERR radius cannot be negative");
    search_.has_radius = true;
    return ReadGeoUnit(args_[index + 1], &search_.unit_m, reply_);
  }
  bool ReadBox(size_t index) {
    if (!ReadSize(args_[index], "width", &search_.width)) return false;
    if (!ReadSize(args_[index + 1], "height", &search_.height)) return false;
    if (search_.width < 0 || search_.height < 0) {
      return Fail("ERR height or width cannot be negative");
    }
    search_.has_box = true;
    return ReadGeoUnit(args_[index + 2], &search_.unit_m, reply_);
  }
  bool ReadMember(const SortedSetKey& set, std::string_view member) {
    if (!set.exists()) return true;
    const auto score = set.Score(member);
    if (!score) return Fail("ERR could not decode requested zset member");
    search_.center = GeoDecode(*score);
    return true;
  }

  // What stands at fixed places; leaves index_ at the first option.
  bool ParsePlace(const SortedSetKey& set) {
    switch (form_.kind) {
      case SearchForm::Kind::kSearch:
        search_.stores = form_.may_store;
        if (search_.stores) search_.target = args_[1];
        index_ = search_.stores ? 3 : 2;
        return true;
      case SearchForm::Kind::kAroundPoint:
        index_ = 6;
        return ReadGeoPoint(args_[2], args_[3], &search_.center, reply_) && ReadRadius(4);
      case SearchForm::Kind::kAroundMember:
        index_ = 5;
        return !set.exists() || (ReadMember(set, args_[2]) && ReadRadius(3));
    }
    return false;
  }

  bool ParseOptions(const SortedSetKey& set) {
    for (; index_ < args_.size(); ++index_) {
      if (TakeFlag()) continue;
      if (IsHere("COUNT", 1)) {
        if (!TakeCount()) return false;
      } else if (!is_search() && form_.may_store &&
                 (IsHere("STORE", 1) || IsHere("STOREDIST", 1))) {
        search_.stores = true;
        search_.stores_distance = IsWord(args_[index_], "STOREDIST");
        search_.target = args_[++index_];
      } else if (is_search() && IsHere("FROMMEMBER", 1) && !search_.has_point) {
        search_.has_member = true;
        if (!ReadMember(set, args_[++index_])) return false;
      } else if (is_search() && IsHere("FROMLONLAT", 2) && !search_.has_member) {
        search_.has_point = true;
        if (!ReadGeoPoint(args_[index_ + 1], args_[index_ + 2], &search_.center, reply_)) {
          return false;
        }
        index_ += 2;
      } else if (is_search() && IsHere("BYRADIUS", 2) && !search_.has_box) {
        if (!ReadRadius(index_ + 1)) return false;
        index_ += 2;
      } else if (is_search() && IsHere("BYBOX", 3) && !search_.has_radius) {
        if (!ReadBox(index_ + 1)) return false;
        index_ += 3;
      } else {
        return Fail(kErrSyntax);
      }
    }
    return true;
  }

  bool TakeFlag() {
    if (IsHere("WITHDIST", 0)) {
      search_.with_distance = true;
    } else if (IsHere("WITHHASH", 0)) {
      search_.with_hash = true;
    } else if (IsHere("WITHCOORD", 0)) {
      search_.with_point = true;
    } else if (IsHere("ANY", 0)) {
      search_.any = true;
    } else if (IsHere("ASC", 0)) {
      search_.order = Order::kNearest;
    } else if (IsHere("DESC", 0)) {
      search_.order = Order::kFarthest;
    } else if (is_search() && form_.may_store && IsHere("STOREDIST", 0)) {
      search_.stores_distance = true;
    } else {
      return false;
    }
    return true;
  }

  bool TakeCount() {
    const auto count = ReadInteger(args_[++index_], reply_);
    if (!count) return false;
    if (*count <= 0) return Fail("ERR COUNT must be > 0");
    search_.count = static_cast<size_t>(*count);
    return true;
  }

  // What contradicts, or is missing.
  bool Check() {
    if (search_.stores && (search_.with_distance || search_.with_hash || search_.with_point)) {
      return Fail(
          std::string(is_search() ? "ERR GEOSEARCHSTORE" : "ERR STORE option in GEORADIUS") +
          " is not compatible with WITHDIST, WITHHASH and WITHCOORD options");
    }
    const std::string name(args_[0]);
    if (is_search() && !search_.has_member && !search_.has_point) {
      return Fail("ERR exactly one of FROMMEMBER or FROMLONLAT can be specified for " + name);
    }
    if (is_search() && !search_.has_radius && !search_.has_box) {
      return Fail("ERR exactly one of BYRADIUS and BYBOX can be specified for " + name);
    }
    if (search_.any && search_.count == 0)
      return Fail("ERR the ANY argument requires COUNT argument");
    return true;
  }

  const Args& args_;
  const SearchForm form_;
  Search& search_;
  Reply& reply_;
  size_t index_ = 0;
};

GeoShape ShapeOf(const Search& search) {
  const double unit_m = search.unit_m;
  if (search.has_box) {
    return GeoShape::Box(search.center, search.width * unit_m, search.height * unit_m);
  }
  return GeoShape::Circle(search.center, search.radius * unit_m);
}

SortedSetCut AtScore(uint64_t score) {
  return {.kind = SortedSetCut::Kind::kScore, .score = static_cast<double>(score)};
}

// The points in the shape, at most hit_count_max.
std::vector<Hit> FindHits(const SortedSetKey& set, const GeoShape& shape, size_t hit_count_max) {
  std::vector<Hit> hits;
  for (const GeoRange& range : GeoRanges(shape)) {
    const size_t first = set.CountBefore(AtScore(range.min));
    const size_t last = set.CountBefore(AtScore(range.max));
    set.Visit(first, last > first ? last - first : 0, false, [&](const ScoredMember& element) {
      if (hits.size() == hit_count_max) return;
      Hit hit{element.member, element.score, GeoDecode(element.score), 0};
      if (InShape(shape, hit.point, &hit.distance_m)) hits.push_back(hit);
    });
    if (hits.size() == hit_count_max) break;
  }
  return hits;
}

// Puts the hits in order and keeps as many as are wanted.
void Choose(const Search& search, std::vector<Hit>* hits) {
  const size_t count = search.count == 0 ? hits->size() : std::min(search.count, hits->size());
  // Without an order the count would mean any.
  const Order order = search.order == Order::kAny && search.count > 0 && !search.any
                          ? Order::kNearest
                          : search.order;
  // Scores that are no points have distances that are no numbers: they count as farthest.
  const auto is_nearer = [](const Hit& a, const Hit& b) {
    return a.distance_m < b.distance_m || (!std::isnan(a.distance_m) && std::isnan(b.distance_m));
  };
  const auto is_farther = [&](const Hit& a, const Hit& b) { return is_nearer(b, a); };
  const auto sort = [&](const auto& is_before) {
    if (count == hits->size()) return std::stable_sort(hits->begin(), hits->end(), is_before);
    std::partial_sort(hits->begin(), hits->begin() + static_cast<ptrdiff_t>(count), hits->end(),
                      is_before);
  };
  if (order == Order::kNearest) sort(is_nearer);
  if (order == Order::kFarthest) sort(is_farther);
  hits->resize(count);
}

void ReplyHits(const Search& search, const std::vector<Hit>& hits, Reply& reply) {
  const size_t detail_count = search.with_distance + search.with_hash + search.with_point;
  reply.Array(hits.size());
  for (const Hit& hit : hits) {
    if (detail_count > 0) reply.Array(1 + detail_count);
    reply.Bulk(hit.member);
    if (search.with_distance) ReplyGeoDistance(hit.distance_m / search.unit_m, reply);
    if (search.with_hash) reply.Integer(static_cast<int64_t>(hit.score));
    if (search.with_point) ReplyGeoPoint(hit.point, reply);
  }
}

void StoreHits(const Search& search, const std::vector<Hit>& hits, std::string_view event, Tx& tx,
               Reply& reply) {
  std::vector<ScoredMember> elements;
  elements.reserve(hits.size());
  for (const Hit& hit : hits) {
    elements.push_back(
        {hit.member, search.stores_distance ? hit.distance_m / search.unit_m : hit.score});
  }
  std::sort(elements.begin(), elements.end(), IsBefore);
  ChangeCount changes(tx);
  if (!elements.empty()) changes.Is(elements.size());
  StoreSortedSet(tx, search.target, elements, event);
  reply.Integer(static_cast<int64_t>(elements.size()));
}

void RunSearch(const Args& args, const SearchForm& form, Tx& tx, Reply& reply) {
  const bool is_store_command = form.kind == SearchForm::Kind::kSearch && form.may_store;
  const std::string_view key = args[is_store_command ? 2 : 1];
  const Object* object;
  if (!FindSortedSet(key, tx, reply, &object)) return;
  tx.NoteSource(key, object != nullptr);
  Search search;
  std::vector<Hit> hits;
  {
    const SortedSetKey set(tx, key, object);
    if (!SearchParser(args, form, &search, reply).Parse(set)) return;
    if (set.exists()) {
      hits = FindHits(set, ShapeOf(search), search.any ? search.count : SIZE_MAX);
    }
  }
  Choose(search, &hits);
  if (search.stores) {
    const std::string_view event = is_store_command ? "geosearchstore" : "georadiusstore";
    return StoreHits(search, hits, event, tx, reply);
  }
  ReplyHits(search, hits, reply);
}

}  // namespace

// GEORADIUS key longitude latitude radius unit [WITHCOORD] [WITHDIST] [WITHHASH]
//   [COUNT count [ANY]] [ASC | DESC] [STORE key | STOREDIST key] -> the members in the circle, or
// how many were stored
void GeoRadius(const Args& args, Tx& tx, Reply& reply) {
  RunSearch(args, {SearchForm::Kind::kAroundPoint, true}, tx, reply);
}
void GeoRadiusRo(const Args& args, Tx& tx, Reply& reply) {
  RunSearch(args, {SearchForm::Kind::kAroundPoint, false}, tx, reply);
}

// GEORADIUSBYMEMBER key member radius unit ...: the same around a member
void GeoRadiusByMember(const Args& args, Tx& tx, Reply& reply) {
  RunSearch(args, {SearchForm::Kind::kAroundMember, true}, tx, reply);
}
void GeoRadiusByMemberRo(const Args& args, Tx& tx, Reply& reply) {
  RunSearch(args, {SearchForm::Kind::kAroundMember, false}, tx, reply);
}

// The source, and the last target named: the options may name several.
bool GeoRadiusKeys(const Args& args, uint32_t session_db, std::vector<KeyRef>* keys) {
  keys->emplace_back(session_db, args[1]);
  size_t target = 0;
  for (size_t index = 5; index + 1 < args.size(); ++index) {
    if (!IsWord(args[index], "STORE") && !IsWord(args[index], "STOREDIST")) continue;
    target = ++index;
  }
  if (target > 0) keys->emplace_back(session_db, args[target]);
  return true;
}

// GEOSEARCH key FROMMEMBER member | FROMLONLAT longitude latitude
//   BYRADIUS radius unit | BYBOX width height unit [ASC | DESC] [COUNT count [ANY]] [WITHCOORD]
//   [WITHDIST] [WITHHASH] -> the members in the shape
void GeoSearch(const Args& args, Tx& tx, Reply& reply) {
  RunSearch(args, {SearchForm::Kind::kSearch, false}, tx, reply);
}

// GEOSEARCHSTORE destination source ... [STOREDIST] -> how many members were stored
void GeoSearchStore(const Args& args, Tx& tx, Reply& reply) {
  RunSearch(args, {SearchForm::Kind::kSearch, true}, tx, reply);
}

}  // namespace hearth
