#include "tests/src/request_maker.h"

#include <algorithm>
#include <set>

#include "tests/src/test_client.h"

namespace hearth {
namespace {

// Ends, stops or locks out: also commands that may come later.
const std::set<std::string_view> kNever = {
    "shutdown",      "client|pause", "replicaof",  "slaveof",       "sync",
    "psync",         "replconf",     "failover",   "migrate",       "acl|setuser",
    "acl|load",      "acl|deluser",  "script",     "script|debug",  "module|load",
    "module|loadex", "debug",        "config|set", "restore-asking"};
// Their connection closes, gets several replies or none, or waits.
const std::set<std::string_view> kDisturbing = {
    "quit",         "client|kill",    "client|reply", "monitor",     "client|tracking",
    "subscribe",    "psubscribe",     "ssubscribe",   "unsubscribe", "punsubscribe",
    "sunsubscribe", "client|caching", "wait"};
// So slow, or emptying so much, that they are made rarely.
const std::set<std::string_view> kRare = {"save",    "bgsave",   "bgrewriteaof",
                                          "flushdb", "flushall", "swapdb"};
constexpr uint64_t kRareOdds = 30;

constexpr std::string_view kDebugRequests[] = {
    "OBJECT", "PROTOCOL", "STRINGMATCH-LEN", "SET-ACTIVE-EXPIRE", "JMAP",
    "ERROR",  "HELP",     "DIGEST",          "DIGEST-VALUE"};
constexpr std::string_view kDirectives[] = {"appendfsync",
                                            "maxmemory-samples",
                                            "slowlog-max-len",
                                            "slowlog-log-slower-than",
                                            "lfu-log-factor",
                                            "lfu-decay-time",
                                            "hz",
                                            "latency-monitor-threshold",
                                            "databases",
                                            "nosuch",
                                            "latency-tracking"};
constexpr std::string_view kIntegers[] = {"0",
                                          "1",
                                          "-1",
                                          "2",
                                          "3",
                                          "10",
                                          "100",
                                          "65536",
                                          "2147483647",
                                          "2147483648",
                                          "-2147483648",
                                          "-2147483649",
                                          "4294967295",
                                          "4294967296",
                                          "536870911",
                                          "536870912",
                                          "9223372036854775807",
                                          "-9223372036854775807",
                                          "-9223372036854775808",
                                          "9223372036854775808",
                                          "18446744073709551615",
                                          "-4611686018427387905",
                                          "1e3",
                                          "0x10",
                                          " 1",
                                          "1 ",
                                          "+1",
                                          "007",
                                          "-0",
                                          ""};
constexpr std::string_view kDoubles[] = {
    "0",      "1.5",  "-1.5", "1e400", "-1e400", "nan",  "inf",   "-inf",  "(1", "1e-400",
    "3.0e17", "1e17", ".",    "1,5",   "+inf",   "1.0e", "0x1p3", "1e308", "",   "5e-324"};
constexpr size_t kKeyCount = 24;
constexpr size_t kBigTextBytes = 20'000;

}  // namespace

RequestMaker::RequestMaker(const CommandTable& commands, uint64_t seed) : random_(seed) {
  for (const Command* command : commands.all()) {
    CollectTokens(command->arguments);
    if (!kNever.contains(command->name)) commands_.push_back(command);
  }
  for (const char* word :
       {"*", "a*", "[", "\\", "EX", "GET", "normal", "yes", "no", "$", "-", "+"}) {
    tokens_.emplace_back(word);
  }
}

void RequestMaker::CollectTokens(std::span<const ArgDoc> docs) {
  for (const ArgDoc& doc : docs) {
    if (!doc.token.empty()) tokens_.emplace_back(doc.token);
    CollectTokens(doc.children);
  }
}

std::string RequestMaker::Key() {
  const uint64_t number = Below(kKeyCount);
  if (number == 0) return {};
  if (number == 1) return std::string("\0\r\n\xff", 4);
  return (number % 3 == 0 ? "{tag}" : "k") + std::to_string(number);
}

std::string RequestMaker::Text() {
  const uint64_t kind = Below(40);
  std::string text(kind == 0 ? Below(kBigTextBytes) : Below(20), 'x');
  if (kind % 2 == 0) {
    for (char& byte : text) byte = static_cast<char>(Below(256));
  }
  return text;
}

std::string RequestMaker::Integer() {
  return Below(2) == 0 ? std::to_string(Below(12))
                       : std::string(kIntegers[Below(std::size(kIntegers))]);
}

std::string RequestMaker::Double() {
  return std::string(kDoubles[Below(std::size(kDoubles))]);
}

std::string RequestMaker::AnyWord() {
  switch (Below(5)) {
    case 0:
      return Key();
    case 1:
      return Integer();
    case 2:
      return Double();
    case 3:
      return tokens_[Below(tokens_.size())];
    default:
      return Text();
  }
}

void RequestMaker::AddValue(const ArgDoc& doc, std::vector<std::string>* words) {
  if (doc.type == "pure-token") return;
  if (doc.type == "key") return words->push_back(Key());
  if (doc.type == "integer" || doc.type == "unix-time") return words->push_back(Integer());
  if (doc.type == "double") return words->push_back(Below(3) == 0 ? Double() : Integer());
  if (doc.type == "pattern") return words->push_back(Below(2) == 0 ? "*" : AnyWord());
  if (doc.type == "oneof" && !doc.children.empty()) {
    return AddArgument(doc.children[Below(doc.children.size())], words);
  }
  if (doc.type == "block") {
    for (const ArgDoc& child : doc.children) AddArgument(child, words);
    return;
  }
  words->push_back(Below(4) == 0 ? Integer() : Text());
}

void RequestMaker::AddArgument(const ArgDoc& doc, std::vector<std::string>* words) {
  const auto has = [&](std::string_view flag) {
    return doc.flags.find(flag) != std::string_view::npos;
  };
  if (has("optional") && Below(2) == 0) return;
  const uint64_t count = has("multiple") ? 1 + Below(Below(50) == 0 ? 60 : 4) : 1;
  for (uint64_t i = 0; i < count; ++i) {
    if (!doc.token.empty() && (i == 0 || has("multiple_token"))) words->emplace_back(doc.token);
    AddValue(doc, words);
  }
}

void RequestMaker::Mutate(std::vector<std::string>* words) {
  const size_t at = Below(words->size());
  switch (Below(7)) {
    case 0:
      if (words->size() > 1) words->pop_back();
      break;
    case 1:
      words->push_back(AnyWord());
      break;
    case 2:
      words->insert(words->begin() + static_cast<long>(at), (*words)[at]);
      break;
    case 3:
      if (at > 0) (*words)[at] = AnyWord();
      break;
    case 4:
      if (at > 0) words->erase(words->begin() + static_cast<long>(at));
      break;
    case 5:
      std::shuffle(words->begin() + 1, words->end(), random_);
      break;
    default:
      for (char& byte : (*words)[at]) byte = static_cast<char>(byte ^ (Below(8) == 0 ? 32 : 0));
  }
}

RequestMaker::Request RequestMaker::Next() {
  Request request;
  const uint64_t special = Below(100);
  if (special == 0) {
    request.words = {"DEBUG", std::string(kDebugRequests[Below(std::size(kDebugRequests))]), Key()};
    if (Below(3) == 0) request.words.push_back(AnyWord());
    return request;
  }
  if (special == 1) {
    request.words = {"CONFIG", "SET", std::string(kDirectives[Below(std::size(kDirectives))]),
                     Integer()};
    return request;
  }
  const Command* command = commands_[Below(commands_.size())];
  while (kRare.contains(command->name) && Below(kRareOdds) != 0) {
    command = commands_[Below(commands_.size())];
  }
  const size_t bar = command->name.find('|');
  request.words.emplace_back(command->name.substr(0, bar));
  if (bar != std::string_view::npos) request.words.emplace_back(command->name.substr(bar + 1));
  const std::vector<std::string> name = request.words;
  for (const ArgDoc& doc : command->arguments) AddArgument(doc, &request.words);
  while (Below(4) == 0) Mutate(&request.words);
  // A container's subcommand may have been changed to one that is never made.
  if (!command->subcommands.empty() || bar != std::string_view::npos) {
    if (request.words.size() < name.size()) request.words = name;
    if (bar != std::string_view::npos)
      std::copy(name.begin(), name.end(), request.words.begin());
    else
      request.words.resize(1);
  }
  request.disturbs_connection =
      (command->flags & kCmdBlocking) || kDisturbing.contains(command->name);
  request.kills = command->name == "client|kill";
  return request;
}

std::string RequestMaker::BrokenBytes() {
  Request request = Next();
  while (request.kills) request = Next();
  // The name goes too: no change of a length may turn it into something else that works.
  if (Below(2) == 0) request.words[0] = "nosuch";
  std::string bytes = WireArray(request.words);
  for (uint64_t i = 0; i <= Below(4); ++i) {
    const size_t at = Below(bytes.size());
    switch (Below(4)) {
      case 0:
        bytes[at] = static_cast<char>(Below(256));
        break;
      case 1:
        bytes.insert(at, std::to_string(static_cast<int64_t>(random_())));
        break;
      case 2:
        bytes.resize(at + 1);
        break;
      default:
        bytes.insert(at, "\r\n");
    }
  }
  return bytes;
}

}  // namespace hearth
