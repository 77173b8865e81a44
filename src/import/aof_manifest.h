#pragma once

// AofManifest: which files make up the append-only file of a Redis since 7.0, and their order.
//
//   manifest = { comment | file } ; a line each
//   comment  = "#" text
//   file     = "file" name "seq" number "type" ( "b" | "h" | "i" )
//              pairs in any order, others (of later versions) are skipped; names as SplitWords
//              reads them; b: the base, at most one; i: increments, by rising number; h: history,
//              which is no longer part of it
//
// Source: the multi part AOF's manifest, as redis-server 7.0 writes it.
//
// Thread: any; pure.

#include <string>
#include <string_view>
#include <vector>

namespace hearth {

struct AofManifest {
  std::vector<std::string> files;  // the base, if there is one, and the increments: names only

  // Empty when all went well, else the line and what is wrong with it.
  std::string Parse(std::string_view text);
};

}  // namespace hearth
