#pragma once

// ReplaceFile: new contents in the place of a file's old ones, whole or not at all.
//
// Thread: any; two at once for the same path mix up their temporary file.
// Errors: the system's text; empty when the new contents are on the disk.

#include <string>

namespace hearth {

// Writes path + ".rewrite", syncs it, and renames it. It keeps the old one's permissions; where
// there was none, only its owner may read it.
[[nodiscard]] std::string ReplaceFile(const std::string& path, const std::string& contents);

}  // namespace hearth
