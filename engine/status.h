#pragma once

// Status: how the world's failures travel through the engine.
//
// A failed disk, a full volume or a damaged file is a Status, handled or logged once at the top;
// a programmer's mistake is HEARTH_CHECK (engine/check.h), in every build.
//
// Thread:   a value; copy it freely.
// Lifetime: owns its message.

#include <string>
#include <string_view>
#include <utility>

namespace hearth {

class [[nodiscard]] Status {
 public:
  enum class Code {
    kOk,
    kNotFound,
    kCorruption,  // stored bytes are not what was written; never served as data
    kIoError,     // the disk refused; the cause may pass
    kNoSpace,     // the volume is full
    kBusy,        // in progress or refused for now
    kInvalid,     // the caller asked for something impossible
  };

  Status() = default;
  Status(Code code, std::string message) : code_(code), message_(std::move(message)) {}

  static Status Ok() { return {}; }
  static Status NotFound(std::string message) { return {Code::kNotFound, std::move(message)}; }
  static Status Corruption(std::string message) { return {Code::kCorruption, std::move(message)}; }
  static Status IoError(std::string message) { return {Code::kIoError, std::move(message)}; }
  static Status NoSpace(std::string message) { return {Code::kNoSpace, std::move(message)}; }
  static Status Busy(std::string message) { return {Code::kBusy, std::move(message)}; }
  static Status Invalid(std::string message) { return {Code::kInvalid, std::move(message)}; }

  bool ok() const { return code_ == Code::kOk; }
  bool IsNotFound() const { return code_ == Code::kNotFound; }
  bool IsCorruption() const { return code_ == Code::kCorruption; }
  Code code() const { return code_; }
  const std::string& message() const { return message_; }

 private:
  Code code_ = Code::kOk;
  std::string message_;
};

}  // namespace hearth
