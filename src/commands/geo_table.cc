// Tested by tests/src/commands/geo_test.cc.
//
// The rows of the geo commands: what COMMAND INFO and COMMAND DOCS of Redis 7.0
// print.
#include "src/commands/geo.h"
#include "src/commands/groups.h"

namespace hearth {
namespace {

constexpr KeySpec kGeoaddKeys[] = {{.flags = "RW update"}};

constexpr ArgDoc kGeoaddConditionArguments[] = {
    {.name = "nx", .type = "pure-token", .token = "NX"},
    {.name = "xx", .type = "pure-token", .token = "XX"},
};

constexpr ArgDoc kGeoaddLongitudeLatitudeMemberArguments[] = {
    {.name = "longitude", .type = "double"},
    {.name = "latitude", .type = "double"},
    {.name = "member", .type = "string"},
};

constexpr ArgDoc kGeoaddArguments[] = {
    {.name = "key", .type = "key", .key_spec_index = 0},
    {.name = "condition",
     .type = "oneof",
     .since = "6.2.0",
     .flags = "optional",
     .children = kGeoaddConditionArguments},
    {.name = "change", .type = "pure-token", .token = "CH", .since = "6.2.0", .flags = "optional"},
    {.name = "longitude_latitude_member",
     .type = "block",
     .flags = "multiple",
     .children = kGeoaddLongitudeLatitudeMemberArguments},
};

constexpr std::string_view kGeoaddHistory[] = {
    "6.2.0",
    "Added the `CH`, `NX` and `XX` options.",
};

constexpr KeySpec kGeodistKeys[] = {{.flags = "RO access"}};

constexpr ArgDoc kGeodistUnitArguments[] = {
    {.name = "m", .type = "pure-token", .token = "M"},
    {.name = "km", .type = "pure-token", .token = "KM"},
    {.name = "ft", .type = "pure-token", .token = "FT"},
    {.name = "mi", .type = "pure-token", .token = "MI"},
};

constexpr ArgDoc kGeodistArguments[] = {
    {.name = "key", .type = "key", .key_spec_index = 0},
    {.name = "member1", .type = "string"},
    {.name = "member2", .type = "string"},
    {.name = "unit", .type = "oneof", .flags = "optional", .children = kGeodistUnitArguments},
};

constexpr ArgDoc kGeohashArguments[] = {
    {.name = "key", .type = "key", .key_spec_index = 0},
    {.name = "member", .type = "string", .flags = "multiple"},
};

constexpr KeySpec kGeoradiusKeys[] = {
    {.flags = "RO access"},
    {.flags = "OW update", .begin = KeySpec::Begin::kKeyword, .index = 6, .keyword = "STORE"},
    {.flags = "OW update", .begin = KeySpec::Begin::kKeyword, .index = 6, .keyword = "STOREDIST"}};

constexpr ArgDoc kGeoradiusCountArguments[] = {
    {.name = "count", .type = "integer", .token = "COUNT"},
    {.name = "any", .type = "pure-token", .token = "ANY", .since = "6.2.0", .flags = "optional"},
};

constexpr ArgDoc kGeoradiusOrderArguments[] = {
    {.name = "asc", .type = "pure-token", .token = "ASC"},
    {.name = "desc", .type = "pure-token", .token = "DESC"},
};

constexpr ArgDoc kGeoradiusArguments[] = {
    {.name = "key", .type = "key", .key_spec_index = 0},
    {.name = "longitude", .type = "double"},
    {.name = "latitude", .type = "double"},
    {.name = "radius", .type = "double"},
    {.name = "unit", .type = "oneof", .children = kGeodistUnitArguments},
    {.name = "withcoord", .type = "pure-token", .token = "WITHCOORD", .flags = "optional"},
    {.name = "withdist", .type = "pure-token", .token = "WITHDIST", .flags = "optional"},
    {.name = "withhash", .type = "pure-token", .token = "WITHHASH", .flags = "optional"},
    {.name = "count", .type = "block", .flags = "optional", .children = kGeoradiusCountArguments},
    {.name = "order", .type = "oneof", .flags = "optional", .children = kGeoradiusOrderArguments},
    {.name = "key", .type = "key", .token = "STORE", .flags = "optional", .key_spec_index = 1},
    {.name = "key", .type = "key", .token = "STOREDIST", .flags = "optional", .key_spec_index = 2},
};

constexpr std::string_view kGeoradiusHistory[] = {
    "6.2.0",
    "Added the `ANY` option for `COUNT`.",
    "7.0.0",
    "Added support for uppercase unit names.",
};

constexpr ArgDoc kGeoradiusRoArguments[] = {
    {.name = "key", .type = "key", .key_spec_index = 0},
    {.name = "longitude", .type = "double"},
    {.name = "latitude", .type = "double"},
    {.name = "radius", .type = "double"},
    {.name = "unit", .type = "oneof", .children = kGeodistUnitArguments},
    {.name = "withcoord", .type = "pure-token", .token = "WITHCOORD", .flags = "optional"},
    {.name = "withdist", .type = "pure-token", .token = "WITHDIST", .flags = "optional"},
    {.name = "withhash", .type = "pure-token", .token = "WITHHASH", .flags = "optional"},
    {.name = "count", .type = "block", .flags = "optional", .children = kGeoradiusCountArguments},
    {.name = "order", .type = "oneof", .flags = "optional", .children = kGeoradiusOrderArguments},
};

constexpr std::string_view kGeoradiusRoHistory[] = {
    "6.2.0",
    "Added the `ANY` option for `COUNT`.",
};

constexpr KeySpec kGeoradiusbymemberKeys[] = {
    {.flags = "RO access"},
    {.flags = "OW update", .begin = KeySpec::Begin::kKeyword, .index = 5, .keyword = "STORE"},
    {.flags = "OW update", .begin = KeySpec::Begin::kKeyword, .index = 5, .keyword = "STOREDIST"}};

constexpr ArgDoc kGeoradiusbymemberCountArguments[] = {
    {.name = "count", .type = "integer", .token = "COUNT"},
    {.name = "any", .type = "pure-token", .token = "ANY", .flags = "optional"},
};

constexpr ArgDoc kGeoradiusbymemberArguments[] = {
    {.name = "key", .type = "key", .key_spec_index = 0},
    {.name = "member", .type = "string"},
    {.name = "radius", .type = "double"},
    {.name = "unit", .type = "oneof", .children = kGeodistUnitArguments},
    {.name = "withcoord", .type = "pure-token", .token = "WITHCOORD", .flags = "optional"},
    {.name = "withdist", .type = "pure-token", .token = "WITHDIST", .flags = "optional"},
    {.name = "withhash", .type = "pure-token", .token = "WITHHASH", .flags = "optional"},
    {.name = "count",
     .type = "block",
     .flags = "optional",
     .children = kGeoradiusbymemberCountArguments},
    {.name = "order", .type = "oneof", .flags = "optional", .children = kGeoradiusOrderArguments},
    {.name = "key", .type = "key", .token = "STORE", .flags = "optional", .key_spec_index = 1},
    {.name = "key", .type = "key", .token = "STOREDIST", .flags = "optional", .key_spec_index = 2},
};

constexpr std::string_view kGeoradiusbymemberHistory[] = {
    "7.0.0",
    "Added support for uppercase unit names.",
};

constexpr ArgDoc kGeoradiusbymemberRoArguments[] = {
    {.name = "key", .type = "key", .key_spec_index = 0},
    {.name = "member", .type = "string"},
    {.name = "radius", .type = "double"},
    {.name = "unit", .type = "oneof", .children = kGeodistUnitArguments},
    {.name = "withcoord", .type = "pure-token", .token = "WITHCOORD", .flags = "optional"},
    {.name = "withdist", .type = "pure-token", .token = "WITHDIST", .flags = "optional"},
    {.name = "withhash", .type = "pure-token", .token = "WITHHASH", .flags = "optional"},
    {.name = "count",
     .type = "block",
     .flags = "optional",
     .children = kGeoradiusbymemberCountArguments},
    {.name = "order", .type = "oneof", .flags = "optional", .children = kGeoradiusOrderArguments},
};

constexpr ArgDoc kGeosearchFromLongitudeLatitudeArguments[] = {
    {.name = "longitude", .type = "double"},
    {.name = "latitude", .type = "double"},
};

constexpr ArgDoc kGeosearchFromArguments[] = {
    {.name = "member", .type = "string", .token = "FROMMEMBER"},
    {.name = "longitude_latitude",
     .type = "block",
     .token = "FROMLONLAT",
     .children = kGeosearchFromLongitudeLatitudeArguments},
};

constexpr ArgDoc kGeosearchByCircleArguments[] = {
    {.name = "radius", .type = "double", .token = "BYRADIUS"},
    {.name = "unit", .type = "oneof", .children = kGeodistUnitArguments},
};

constexpr ArgDoc kGeosearchByBoxArguments[] = {
    {.name = "width", .type = "double", .token = "BYBOX"},
    {.name = "height", .type = "double"},
    {.name = "unit", .type = "oneof", .children = kGeodistUnitArguments},
};

constexpr ArgDoc kGeosearchByArguments[] = {
    {.name = "circle", .type = "block", .children = kGeosearchByCircleArguments},
    {.name = "box", .type = "block", .children = kGeosearchByBoxArguments},
};

constexpr ArgDoc kGeosearchArguments[] = {
    {.name = "key", .type = "key", .key_spec_index = 0},
    {.name = "from", .type = "oneof", .children = kGeosearchFromArguments},
    {.name = "by", .type = "oneof", .children = kGeosearchByArguments},
    {.name = "order", .type = "oneof", .flags = "optional", .children = kGeoradiusOrderArguments},
    {.name = "count",
     .type = "block",
     .flags = "optional",
     .children = kGeoradiusbymemberCountArguments},
    {.name = "withcoord", .type = "pure-token", .token = "WITHCOORD", .flags = "optional"},
    {.name = "withdist", .type = "pure-token", .token = "WITHDIST", .flags = "optional"},
    {.name = "withhash", .type = "pure-token", .token = "WITHHASH", .flags = "optional"},
};

constexpr KeySpec kGeosearchstoreKeys[] = {{.flags = "OW update"},
                                           {.flags = "RO access", .index = 2}};

constexpr ArgDoc kGeosearchstoreArguments[] = {
    {.name = "destination", .type = "key", .key_spec_index = 0},
    {.name = "source", .type = "key", .key_spec_index = 1},
    {.name = "from", .type = "oneof", .children = kGeosearchFromArguments},
    {.name = "by", .type = "oneof", .children = kGeosearchByArguments},
    {.name = "order", .type = "oneof", .flags = "optional", .children = kGeoradiusOrderArguments},
    {.name = "count",
     .type = "block",
     .flags = "optional",
     .children = kGeoradiusbymemberCountArguments},
    {.name = "storedist", .type = "pure-token", .token = "STOREDIST", .flags = "optional"},
};

constexpr Command kGeoCommands[] = {
    {.name = "geoadd",
     .arity = -5,
     .flags = kCmdWrite | kCmdDenyOom,
     .acl = kAclGeo,
     .key_specs = kGeoaddKeys,
     .data = GeoAdd,
     .summary =
         "Add one or more geospatial items in the geospatial index represented using a sorted set",
     .since = "3.2.0",
     .group = "geo",
     .complexity =
         "O(log(N)) for each item added, where N is the number of elements in the sorted set.",
     .arguments = kGeoaddArguments,
     .history = kGeoaddHistory},
    {.name = "geodist",
     .arity = -4,
     .flags = kCmdReadonly,
     .acl = kAclGeo,
     .key_specs = kGeodistKeys,
     .data = GeoDist,
     .summary = "Returns the distance between two members of a geospatial index",
     .since = "3.2.0",
     .group = "geo",
     .complexity = "O(log(N))",
     .arguments = kGeodistArguments},
    {.name = "geohash",
     .arity = -2,
     .flags = kCmdReadonly,
     .acl = kAclGeo,
     .key_specs = kGeodistKeys,
     .data = GeoHash,
     .summary = "Returns members of a geospatial index as standard geohash strings",
     .since = "3.2.0",
     .group = "geo",
     .complexity = "O(log(N)) for each member requested, where N is the number of elements in the "
                   "sorted set.",
     .arguments = kGeohashArguments},
    {.name = "geopos",
     .arity = -2,
     .flags = kCmdReadonly,
     .acl = kAclGeo,
     .key_specs = kGeodistKeys,
     .data = GeoPos,
     .summary = "Returns longitude and latitude of members of a geospatial index",
     .since = "3.2.0",
     .group = "geo",
     .complexity = "O(N) where N is the number of members requested.",
     .arguments = kGeohashArguments},
    {.name = "georadius",
     .arity = -6,
     .flags = kCmdWrite | kCmdDenyOom | kCmdMovableKeys,
     .acl = kAclGeo,
     .key_specs = kGeoradiusKeys,
     .data = GeoRadius,
     .keys = GeoRadiusKeys,
     .summary = "Query a sorted set representing a geospatial index to fetch members matching a "
                "given maximum distance from a point",
     .since = "3.2.0",
     .group = "geo",
     .complexity =
         "O(N+log(M)) where N is the number of elements inside the bounding box of the circular "
         "area delimited by center and radius and M is the number of items inside the index.",
     .arguments = kGeoradiusArguments,
     .history = kGeoradiusHistory,
     .doc_flags = "deprecated",
     .deprecated_since = "6.2.0",
     .replaced_by = "`GEOSEARCH` and `GEOSEARCHSTORE` with the `BYRADIUS` argument"},
    {.name = "georadius_ro",
     .arity = -6,
     .flags = kCmdReadonly,
     .acl = kAclGeo,
     .key_specs = kGeodistKeys,
     .data = GeoRadiusRo,
     .summary = "A read-only variant for GEORADIUS",
     .since = "3.2.10",
     .group = "geo",
     .complexity =
         "O(N+log(M)) where N is the number of elements inside the bounding box of the circular "
         "area delimited by center and radius and M is the number of items inside the index.",
     .arguments = kGeoradiusRoArguments,
     .history = kGeoradiusRoHistory,
     .doc_flags = "deprecated",
     .deprecated_since = "6.2.0",
     .replaced_by = "`GEOSEARCH` with the `BYRADIUS` argument"},
    {.name = "georadiusbymember",
     .arity = -5,
     .flags = kCmdWrite | kCmdDenyOom | kCmdMovableKeys,
     .acl = kAclGeo,
     .key_specs = kGeoradiusbymemberKeys,
     .data = GeoRadiusByMember,
     .keys = GeoRadiusKeys,
     .summary = "Query a sorted set representing a geospatial index to fetch members matching a "
                "given maximum distance from a member",
     .since = "3.2.0",
     .group = "geo",
     .complexity =
         "O(N+log(M)) where N is the number of elements inside the bounding box of the circular "
         "area delimited by center and radius and M is the number of items inside the index.",
     .arguments = kGeoradiusbymemberArguments,
     .history = kGeoradiusbymemberHistory,
     .doc_flags = "deprecated",
     .deprecated_since = "6.2.0",
     .replaced_by =
         "`GEOSEARCH` and `GEOSEARCHSTORE` with the `BYRADIUS` and `FROMMEMBER` arguments"},
    {.name = "georadiusbymember_ro",
     .arity = -5,
     .flags = kCmdReadonly,
     .acl = kAclGeo,
     .key_specs = kGeodistKeys,
     .data = GeoRadiusByMemberRo,
     .summary = "A read-only variant for GEORADIUSBYMEMBER",
     .since = "3.2.10",
     .group = "geo",
     .complexity =
         "O(N+log(M)) where N is the number of elements inside the bounding box of the circular "
         "area delimited by center and radius and M is the number of items inside the index.",
     .arguments = kGeoradiusbymemberRoArguments,
     .doc_flags = "deprecated",
     .deprecated_since = "6.2.0",
     .replaced_by = "`GEOSEARCH` with the `BYRADIUS` and `FROMMEMBER` arguments"},
    {.name = "geosearch",
     .arity = -7,
     .flags = kCmdReadonly,
     .acl = kAclGeo,
     .key_specs = kGeodistKeys,
     .data = GeoSearch,
     .summary = "Query a sorted set representing a geospatial index to fetch members inside an "
                "area of a box or a circle.",
     .since = "6.2.0",
     .group = "geo",
     .complexity =
         "O(N+log(M)) where N is the number of elements in the grid-aligned bounding box area "
         "around the shape provided as the filter and M is the number of items inside the shape",
     .arguments = kGeosearchArguments,
     .history = kGeoradiusbymemberHistory},
    {.name = "geosearchstore",
     .arity = -8,
     .flags = kCmdWrite | kCmdDenyOom,
     .acl = kAclGeo,
     .key_specs = kGeosearchstoreKeys,
     .data = GeoSearchStore,
     .summary = "Query a sorted set representing a geospatial index to fetch members inside an "
                "area of a box or a circle, and store the result in another key.",
     .since = "6.2.0",
     .group = "geo",
     .complexity =
         "O(N+log(M)) where N is the number of elements in the grid-aligned bounding box area "
         "around the shape provided as the filter and M is the number of items inside the shape",
     .arguments = kGeosearchstoreArguments,
     .history = kGeoradiusbymemberHistory},
};

}  // namespace

std::span<const Command> GeoCommands() {
  return kGeoCommands;
}

}  // namespace hearth
