// Tested by tests/src/rdb/dump_payload_test.cc.
#include "src/rdb/dump_payload.h"

#include "src/rdb/crc64.h"
#include "src/rdb/packed_integer.h"

namespace hearth {
namespace {

constexpr size_t kVersionSize = 2;
constexpr size_t kFooterSize = kVersionSize + 8;

// The version whose types are read by no older Redis.
constexpr uint16_t kRdbVersionOfExpiringHashes = 12;

}  // namespace

std::string MakeDumpPayload(const RdbValue& value, const RdbEncodingLimits& limits) {
  std::string payload(1, '\0');
  const uint8_t type = WriteRdbValue(value, limits, &payload);
  payload[0] = static_cast<char>(type);
  const bool expiring_hash = type == kRdbHashMetadata;
  rdb::AppendLittleEndian(expiring_hash ? kRdbVersionOfExpiringHashes : kRdbVersionWritten,
                          kVersionSize, &payload);
  rdb::AppendLittleEndian(rdb::Crc64(0, payload), 8, &payload);
  return payload;
}

bool VerifyDumpPayload(std::string_view payload) {
  if (payload.size() < kFooterSize) return false;
  const std::string_view footer = payload.substr(payload.size() - kFooterSize);
  const uint64_t version = rdb::UnsignedLittleEndian(footer.substr(0, kVersionSize));
  if (version > kRdbVersionMax && version != kRdbVersionOfValkey) return false;
  const uint64_t checksum = rdb::UnsignedLittleEndian(footer.substr(kVersionSize));
  return checksum == rdb::Crc64(0, payload.substr(0, payload.size() - 8));
}

Status ReadDumpPayload(std::string_view payload, RdbValue* value) {
  if (!VerifyDumpPayload(payload)) {
    return Status::Invalid("the version or the checksum is wrong");
  }
  const auto version = static_cast<int>(
      rdb::UnsignedLittleEndian(payload.substr(payload.size() - kFooterSize, kVersionSize)));
  payload.remove_suffix(kFooterSize);
  if (payload.empty()) return Status::Corruption("no type");
  const uint8_t type = RdbTypeOf(static_cast<uint8_t>(payload.front()), version);
  payload.remove_prefix(1);
  if (Status status = ReadRdbValue(type, &payload, value); !status.ok()) {
    return Status::Corruption(status.message());
  }
  return payload.empty() ? Status::Ok() : Status::Corruption("bytes behind the value");
}

}  // namespace hearth
