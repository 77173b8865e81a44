// Reads DUMP payloads from standard input, one a line in hexadecimal, and answers each with a line:
// the payload that the codec writes for the value it read, or "error" and why. For
// tests/rdb/restore_test.py. Arguments: the limits, NAME=NUMBER under Redis' names.
#include <cstdio>
#include <cstdlib>
#include <iostream>
#include <string>

#include "src/rdb/dump_payload.h"

namespace {

std::string FromHex(const std::string& hex) {
  std::string bytes;
  for (size_t i = 0; i + 1 < hex.size(); i += 2) {
    bytes.push_back(static_cast<char>(std::stoi(hex.substr(i, 2), nullptr, 16)));
  }
  return bytes;
}

std::string ToHex(const std::string& bytes) {
  static constexpr char kDigits[] = "0123456789abcdef";
  std::string hex;
  for (const char c : bytes) {
    hex.push_back(kDigits[static_cast<unsigned char>(c) >> 4]);
    hex.push_back(kDigits[c & 15]);
  }
  return hex;
}

bool SetLimit(const std::string& name, long value, hearth::RdbEncodingLimits* limits) {
  const auto size = static_cast<size_t>(value);
  if (name == "hash-max-listpack-entries") return limits->hash_max_listpack_entries = size, true;
  if (name == "hash-max-listpack-value") return limits->hash_max_listpack_value = size, true;
  if (name == "zset-max-listpack-entries") return limits->zset_max_listpack_entries = size, true;
  if (name == "zset-max-listpack-value") return limits->zset_max_listpack_value = size, true;
  if (name == "set-max-intset-entries") return limits->set_max_intset_entries = size, true;
  if (name == "stream-node-max-bytes") return limits->stream_node_max_bytes = size, true;
  if (name == "stream-node-max-entries") return limits->stream_node_max_entries = size, true;
  if (name == "rdbcompression") return limits->rdbcompression = value != 0, true;
  if (name != "list-max-listpack-size") return false;
  limits->list_max_listpack_size = static_cast<int>(value);
  return true;
}

}  // namespace

int main(int argc, char** argv) {
  hearth::RdbEncodingLimits limits;
  for (int i = 1; i < argc; ++i) {
    const std::string argument = argv[i];
    const size_t equals = argument.find('=');
    if (equals == std::string::npos ||
        !SetLimit(argument.substr(0, equals), std::atol(argv[i] + equals + 1), &limits)) {
      std::cerr << "not a limit: " << argument << "\n";
      return 2;
    }
  }
  for (std::string line; std::getline(std::cin, line);) {
    hearth::RdbValue value;
    const auto status = hearth::ReadDumpPayload(FromHex(line), &value);
    std::cout << (status.ok() ? ToHex(hearth::MakeDumpPayload(value, limits))
                              : "error " + status.message())
              << std::endl;
  }
}
