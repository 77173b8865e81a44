// Tested by tests/src/config_commands_test.cc.
#include "src/config.h"

#include <algorithm>
#include <cstring>
#include <fstream>
#include <iterator>
#include <sstream>
#include <utility>

#include "engine/check.h"
#include "src/keyspace_events.h"
#include "src/numbers.h"
#include "src/redis_text.h"
#include "src/replace_file.h"
#include "src/slow_log.h"

namespace hearth {
namespace {

constexpr int kIncludeDepthMax = 8;
constexpr std::string_view kNotEnum = "argument(s) must be one of the following: ";

std::string Join(const std::vector<std::string>& words, size_t from = 0) {
  std::string text;
  for (size_t i = from; i < words.size(); ++i) text += (i > from ? " " : "") + words[i];
  return text;
}

bool CanonicalEnum(const Directive& directive, const std::string& word, std::string* text,
                   std::string* error) {
  std::istringstream choices{std::string(directive.choices)};
  std::string all;
  for (std::string choice; choices >> choice;) {
    if (ToLower(word) == choice) {
      *text = choice;
      return true;
    }
    all += (all.empty() ? "" : ", ") + choice;
  }
  *error = std::string(kNotEnum) + all;
  return false;
}

bool CanonicalNumber(const Directive& directive, const std::string& word, std::string* text,
                     std::string* error) {
  const bool memory = directive.kind == DirectiveKind::kMemory;
  auto value = memory ? ParseMemory(word) : ParseInt64(word);
  if (!value || (memory && *value < 0)) {
    *error = memory ? "argument must be a memory value"
                    : "argument couldn't be parsed into an "
                      "integer";
    return false;
  }
  // Redis takes any, and makes of it what it can.
  if (directive.name == "hz") value = std::clamp(*value, directive.min, directive.max);
  if (*value < directive.min || *value > directive.max) {
    *error = "argument must be between " + std::to_string(directive.min) + " and " +
             std::to_string(directive.max) + " inclusive";
    return false;
  }
  *text = std::to_string(*value);
  return true;
}

// Percentiles between the directive's bounds, or none.
bool CanonicalPercentiles(const Directive& directive, const std::vector<std::string>& words,
                          std::string* text, std::string* error) {
  *text = Join(words);
  std::istringstream parts(*text);
  for (std::string word; parts >> word;) {
    const auto number = ParseDouble(word);
    if (!number) *error = "Invalid " + std::string(directive.name) + " parameters";
    if (number && !(*number >= static_cast<double>(directive.min) &&
                    *number <= static_cast<double>(directive.max))) {
      *error = std::string(directive.name) + " parameters should sit between [0.0,100.0]";
    }
  }
  return error->empty();
}

bool CanonicalSave(const std::vector<std::string>& words, std::string* text, std::string* error) {
  if (words.size() == 1 && words[0].empty()) {
    text->clear();
    return true;
  }
  std::istringstream parts(Join(words));
  std::vector<std::string> numbers{std::istream_iterator<std::string>(parts), {}};
  bool good = !numbers.empty() && numbers.size() % 2 == 0;
  for (size_t i = 0; good && i < numbers.size(); ++i) {
    const auto number = ParseInt64(numbers[i]);
    good = number && *number >= (i % 2 == 0 ? 1 : 0);
  }
  if (!good) *error = "Invalid save parameters";
  *text = Join(numbers);
  return good;
}

bool CanonicalOutputLimits(const std::vector<std::string>& words, std::string_view old_text,
                           std::string* text, std::string* error) {
  std::istringstream given(Join(words)), old{std::string(old_text)};
  std::map<std::string, std::string> limits;
  std::string name, hard, soft, seconds;
  while (old >> name >> hard >> soft >> seconds) limits[name] = hard + " " + soft + " " + seconds;
  int count = 0;
  while (given >> name) {
    ++count;
    name = ToLower(name) == "replica" ? "slave" : ToLower(name);
    if (!(given >> hard >> soft >> seconds)) {
      *error = "Wrong number of arguments in buffer limit configuration.";
      return false;
    }
    const auto hard_bytes = ParseMemory(hard), soft_bytes = ParseMemory(soft);
    const auto soft_seconds = ParseInt64(seconds);
    if (!limits.count(name) && name != "normal" && name != "slave" && name != "pubsub") {
      *error = "Invalid client class specified in buffer limit configuration.";
      return false;
    }
    if (!hard_bytes || !soft_bytes || !soft_seconds || *hard_bytes < 0 || *soft_bytes < 0 ||
        *soft_seconds < 0) {
      *error = "Error in hard, soft or soft_seconds setting in buffer limit configuration.";
      return false;
    }
    limits[name] = std::to_string(*hard_bytes) + " " + std::to_string(*soft_bytes) + " " +
                   std::to_string(*soft_seconds);
  }
  if (count == 0) {
    *error = "Wrong number of arguments in buffer limit configuration.";
    return false;
  }
  text->clear();
  for (const char* known : {"normal", "slave", "pubsub"}) {
    *text += (text->empty() ? "" : " ") + std::string(known) + " " + limits[known];
  }
  return true;
}

// "host port"; "no one" and nothing at all mean none.
bool CanonicalReplicaOf(std::vector<std::string> words, std::string* text, std::string* error) {
  if (words.size() == 1 && words[0].empty()) {
    text->clear();
    return true;
  }
  // Host and port may be one argument of the command line.
  if (words.size() == 1) words = SplitWords(words[0]).value_or(std::move(words));
  if (words.size() != 2) {
    *error = "wrong number of arguments";
    return false;
  }
  if (ToLower(words[0]) == "no" && ToLower(words[1]) == "one") {
    text->clear();
    return true;
  }
  const auto port = ParseInt64(words[1]);
  if (!port || *port < 0 || *port > 65535) {
    *error = "Invalid master port";
    return false;
  }
  *text = words[0] + " " + words[1];
  return true;
}

// A line as the log may show it: without passwords and what follows one that is quoted.
std::string WithoutSecrets(std::string_view line) {
  constexpr std::string_view kBlanks = " \t\r";
  std::string shown, name;
  bool is_first = true;
  for (size_t at = 0; at < line.size();) {
    const size_t start = std::min(line.find_first_not_of(kBlanks, at), line.size());
    const size_t end = std::min(line.find_first_of(kBlanks, start), line.size());
    const std::string_view word = line.substr(start, end - start);
    shown += line.substr(at, start - at);
    at = end;
    if (std::exchange(is_first, false)) {
      name = ToLower(word);
      std::erase_if(name, [](char c) { return c == '"' || c == '\''; });
    } else if (name == "requirepass" || name == "masterauth" || name.ends_with("-file-pass")) {
      return shown + std::string(kRedacted);
    } else if (const size_t sign = word.find_first_not_of("\"'("); name == "user") {
      if (sign != word.npos && word.find_first_of("<>#!", sign) == sign) {
        shown += std::string(word.substr(0, sign + 1)) + std::string(kRedacted);
        if (sign > 0 && word[0] != '(') return shown;
        continue;
      }
    }
    shown += word;
  }
  return shown;
}

std::string PlaceOf(const std::string& path, int number, const std::string& line) {
  return "Reading the configuration file " + path + ", at line " + std::to_string(number) +
         "\n>>> '" + WithoutSecrets(line) + "'";
}

}  // namespace

Config::Config() {
  for (const auto directives : {Directives(), IgnoredDirectives()}) {
    for (const Directive& directive : directives) {
      std::string text(directive.default_text);
      values_[std::string(directive.name)] = {&directive, text, false};
      if (!directive.alias.empty()) aliases_[std::string(directive.alias)] = directive.name;
    }
  }
}

Config::Value* Config::Find(std::string_view name) {
  std::string lower = ToLower(name);
  if (const auto alias = aliases_.find(lower); alias != aliases_.end()) lower = alias->second;
  const auto found = values_.find(lower);
  return found == values_.end() ? nullptr : &found->second;
}

const Config::Value& Config::At(std::string_view name) const {
  const auto found = values_.find(name);
  HEARTH_CHECK(found != values_.end());
  return found->second;
}

// Checks the words of a directive and makes the text that CONFIG GET prints.
bool Config::Canonical(const Directive& directive, const std::vector<std::string>& words,
                       std::string_view old_text, std::string* text, std::string* error) {
  if (!CanonicalText(directive, words, old_text, text, error)) return false;
  if ((directive.flags & kNotYet) && *text != directive.default_text) {
    *error = "not supported by this version, and refused because ignoring it would not be safe";
    return false;
  }
  return true;
}

bool Config::CanonicalText(const Directive& directive, const std::vector<std::string>& words,
                           std::string_view old_text, std::string* text, std::string* error) {
  const bool one_word =
      directive.kind != DirectiveKind::kWords && directive.kind != DirectiveKind::kSave &&
      directive.kind != DirectiveKind::kOutputLimits && directive.kind != DirectiveKind::kReplicaOf;
  if (words.empty() || (one_word && words.size() != 1)) {
    *error = "wrong number of arguments";
    return false;
  }
  switch (directive.kind) {
    case DirectiveKind::kBool:
      *text = ToLower(words[0]);
      if (*text == "yes" || *text == "no") return true;
      *error = "argument must be 'yes' or 'no'";
      return false;
    case DirectiveKind::kInt:
    case DirectiveKind::kMemory:
      return CanonicalNumber(directive, words[0], text, error);
    case DirectiveKind::kEnum:
      return CanonicalEnum(directive, words[0], text, error);
    case DirectiveKind::kSave:
      return CanonicalSave(words, text, error);
    case DirectiveKind::kOutputLimits:
      return CanonicalOutputLimits(words, old_text, text, error);
    case DirectiveKind::kOctal: {
      const bool octal = !words[0].empty() && words[0].size() <= 4 &&
                         words[0].find_first_not_of("01234567") == std::string::npos;
      if (!octal) *error = "argument must be an octal number of at most 777";
      *text = words[0];
      return octal;
    }
    case DirectiveKind::kAmountOrPercent: {
      const bool percent = words[0].size() > 1 && words[0].back() == '%';
      const auto number =
          percent ? ParseInt64(words[0].substr(0, words[0].size() - 1)) : ParseMemory(words[0]);
      const bool good = number && *number >= 0 && (!percent || *number <= 100);
      if (!good) *error = "argument must be a memory value or a percentage";
      *text = words[0];
      return good;
    }
    case DirectiveKind::kEvents: {
      const auto flags = ParseEventFlags(Join(words));
      if (!flags) *error = "Invalid event class character. Use 'Ag$lshzxeKEtmdn'.";
      *text = Join(words);  // as given: what CONFIG GET prints is not all of it
      return flags.has_value();
    }
    case DirectiveKind::kReplicaOf:
      return CanonicalReplicaOf(words, text, error);
    case DirectiveKind::kWords:
      if (directive.max != INT64_MAX) return CanonicalPercentiles(directive, words, text, error);
      [[fallthrough]];
    case DirectiveKind::kText:
      *text = Join(words);
      return true;
  }
  return false;
}

std::string Config::SetWords(const std::vector<std::string>& words, bool first_of_source,
                             const std::string& place) {
  Value* value = Find(words[0]);
  if (value == nullptr) return "Bad directive or wrong number of arguments";
  if (value->directive->flags & kLines) {
    lines_[std::string(value->directive->name)].push_back(
        {{words.begin() + 1, words.end()}, place});
    return {};
  }
  std::string text, error;
  if (!Canonical(*value->directive, {words.begin() + 1, words.end()}, value->text, &text, &error)) {
    return error == "wrong number of arguments" ? "Bad directive or wrong number of arguments"
                                                : error;
  }
  const bool adds = (value->directive->flags & kRepeated) ||
                    (value->directive->kind == DirectiveKind::kSave && !first_of_source);
  value->text = adds && !text.empty() && !value->text.empty() ? value->text + " " + text : text;
  value->given = true;
  return {};
}

std::string Config::LineError(const Line& line, std::string_view error) {
  return "*** FATAL CONFIG FILE ERROR (Hearth " HEARTH_VERSION ") ***\n" + line.place + "\n" +
         std::string(error);
}

std::vector<Config::Line> Config::Lines(std::string_view name) const {
  std::lock_guard lock(mutex_);
  const auto found = lines_.find(name);
  return found == lines_.end() ? std::vector<Line>() : found->second;
}

std::string Config::LoadFile(const std::string& path, int depth) {
  std::ifstream file(path);
  if (!file || depth > kIncludeDepthMax) {
    return "Fatal error, can't open config file '" + path + "'";
  }
  std::string line;
  bool save_seen = false;
  for (int number = 1; std::getline(file, line); ++number) {
    const size_t start = line.find_first_not_of(" \t\r");
    if (start == std::string::npos || line[start] == '#') continue;
    const auto words = SplitWords(line);
    std::string error;
    if (!words) {
      error = "Unbalanced quotes in configuration line";
    } else if (ToLower((*words)[0]) == "include" && words->size() == 2) {
      error = LoadFile((*words)[1], depth + 1);
      if (!error.empty()) return error;
      continue;
    } else {
      const bool is_save = ToLower((*words)[0]) == "save";
      error = SetWords(*words, is_save && !save_seen, PlaceOf(path, number, line));
      save_seen |= is_save;
    }
    if (!error.empty()) return LineError({{}, PlaceOf(path, number, line)}, error);
  }
  return {};
}

std::string Config::Load(const std::vector<std::string>& args) {
  std::lock_guard lock(mutex_);
  size_t at = 0;
  if (!args.empty() && !args[0].starts_with("--")) {
    char* absolute = ::realpath(args[0].c_str(), nullptr);
    file_ = absolute != nullptr ? absolute : args[0];
    std::free(absolute);
    if (std::string error = LoadFile(file_, 0); !error.empty()) return error;
    at = 1;
  }
  bool save_seen = false;
  while (at < args.size()) {
    if (!args[at].starts_with("--") || args[at].size() < 3) {
      return "Unexpected argument '" + args[at] + "' on the command line";
    }
    std::vector<std::string> words{args[at++].substr(2)};
    // One argument may hold the value's words too: --save "60 1000".
    while (at < args.size() && !args[at].starts_with("--")) words.push_back(args[at++]);
    const bool is_save = ToLower(words[0]) == "save";
    const std::string place = "Reading the command line\n>>> '" + WithoutSecrets(Join(words)) + "'";
    const std::string error = SetWords(words, is_save && !save_seen, place);
    save_seen |= is_save;
    if (!error.empty()) return LineError({{}, place}, error);
  }
  return {};
}

std::vector<std::string> Config::Notes() const {
  std::lock_guard lock(mutex_);
  std::vector<std::string> notes;
  for (const auto& [name, value] : values_) {
    if (value.given && (value.directive->flags & kNoMeaning)) {
      notes.push_back("The directive '" + name + "' is accepted but has no meaning here");
    }
  }
  return notes;
}

bool Config::Bool(std::string_view name) const {
  std::lock_guard lock(mutex_);
  return At(name).text == "yes";
}

int64_t Config::Int(std::string_view name) const {
  std::lock_guard lock(mutex_);
  return *ParseInt64(At(name).text);
}

std::string Config::Text(std::string_view name) const {
  std::lock_guard lock(mutex_);
  return At(name).text;
}

// What CONFIG GET prints.
static std::string ShownText(const Directive& directive, const std::string& text) {
  if (directive.kind != DirectiveKind::kEvents) return text;
  return FormatEventFlags(ParseEventFlags(text).value_or(0));
}

void Config::Note(std::string_view name, const std::string& text) {
  std::lock_guard lock(mutex_);
  Value* value = Find(name);
  HEARTH_CHECK(value != nullptr);
  value->text = text;
  value->given = true;
}

std::vector<std::pair<std::string, std::string>> Config::Get(std::string_view pattern) const {
  std::lock_guard lock(mutex_);
  std::vector<std::pair<std::string, std::string>> found;
  for (const auto& [name, value] : values_) {
    if (!(value.directive->flags & kHidden) && GlobMatch(pattern, name, /*nocase=*/true)) {
      found.emplace_back(name, ShownText(*value.directive, value.text));
    }
  }
  for (const auto& [alias, name] : aliases_) {
    if (GlobMatch(pattern, alias, /*nocase=*/true)) {
      found.emplace_back(alias, values_.find(name)->second.text);
    }
  }
  std::sort(found.begin(), found.end());
  return found;
}

std::string Config::Set(const std::vector<std::pair<std::string, std::string>>& pairs) {
  std::lock_guard set_lock(set_mutex_);
  const auto failed = [](const std::string& name, const std::string& why) {
    return "ERR CONFIG SET failed (possibly related to argument '" + name + "') - " + why;
  };
  std::vector<std::pair<Value*, std::string>> changes;
  {
    std::lock_guard lock(mutex_);
    const bool protected_allowed = At("enable-protected-configs").text == "yes";
    for (const auto& [name, word] : pairs) {
      Value* value = Find(name);
      if (value == nullptr || (value->directive->flags & kLines)) {
        return "ERR Unknown option or number of arguments for CONFIG SET - '" + name + "'";
      }
      const uint8_t flags = value->directive->flags;
      for (const auto& [other, text] : changes) {
        if (other == value) return failed(name, "duplicate parameter");
      }
      std::string text, error;
      const auto words = value->directive->kind == DirectiveKind::kWords ||
                                 value->directive->kind == DirectiveKind::kReplicaOf ||
                                 value->directive->kind == DirectiveKind::kOutputLimits
                             ? SplitWords(word)
                             : std::vector<std::string>{word};
      if (!words ||
          !Canonical(*value->directive, words->empty() ? std::vector<std::string>{""} : *words,
                     value->text, &text, &error)) {
        return failed(name, words ? error : "Unbalanced quotes");
      }
      if (text == value->text) continue;  // also of immutable ones: nothing changes
      if (flags & kImmutable) return failed(name, "can't set immutable config");
      if ((flags & kProtected) && !protected_allowed) {
        return failed(name, "can't set protected config");
      }
      changes.emplace_back(value, text);
    }
    for (auto& [value, text] : changes) std::swap(value->text, text);
  }
  for (size_t i = 0; i < changes.size(); ++i) {
    const auto apply = on_change_.find(changes[i].first->directive->name);
    std::string error;
    if (apply == on_change_.end() || apply->second(&error)) {
      changes[i].first->given = true;
      continue;
    }
    {
      std::lock_guard lock(mutex_);
      for (auto& [value, text] : changes) std::swap(value->text, text);
    }
    for (size_t j = 0; j < i; ++j) {
      std::string ignored;
      const auto undo = on_change_.find(changes[j].first->directive->name);
      if (undo != on_change_.end()) (void)undo->second(&ignored);
    }
    return failed(std::string(changes[i].first->directive->name), error);
  }
  return {};
}

namespace {

std::string DirectiveLine(const Directive& directive, const std::string& text) {
  const bool several =
      directive.kind == DirectiveKind::kWords || directive.kind == DirectiveKind::kSave ||
      directive.kind == DirectiveKind::kReplicaOf || directive.kind == DirectiveKind::kOutputLimits;
  return std::string(directive.name) + " " + (several && !text.empty() ? text : QuoteWord(text));
}

std::string JoinLines(const std::vector<std::string>& lines) {
  std::string text;
  for (const std::string& line : lines) text += line + "\n";
  return text;
}

}  // namespace

std::string Config::Rewrite() {
  if (file_.empty()) return "ERR The server is running without a config file";
  std::map<std::string, std::string, std::less<>> whole_lines;
  for (const auto& [name, lines] : lines_to_write_) whole_lines[name] = JoinLines(lines());
  std::lock_guard set_lock(set_mutex_);
  std::lock_guard lock(mutex_);
  std::ifstream in(file_);
  if (!in) return "ERR Rewriting config file: " + std::string(std::strerror(errno));
  std::string out, line;
  std::map<const Value*, bool> written;
  while (std::getline(in, line)) {
    const size_t start = line.find_first_not_of(" \t\r");
    const auto words =
        start == std::string::npos || line[start] == '#' ? std::nullopt : SplitWords(line);
    Value* value = words && !words->empty() ? Find((*words)[0]) : nullptr;
    const auto whole =
        value == nullptr ? whole_lines.end() : whole_lines.find(value->directive->name);
    if (whole != whole_lines.end()) {
      if (!std::exchange(written[value], true)) out += whole->second;
      continue;
    }
    if (value == nullptr || (value->directive->flags & (kRepeated | kLines))) {
      out += line + "\n";
      if (value != nullptr) written[value] = true;
      continue;
    }
    if (written[value]) continue;  // a repeated line: the first holds it all
    written[value] = true;
    // No line tells that a server has no primary.
    if (value->directive->kind == DirectiveKind::kReplicaOf && value->text.empty()) continue;
    out += DirectiveLine(*value->directive, value->text) + "\n";
  }
  bool marked = false;
  for (const auto& [name, value] : values_) {
    if (!value.given || written[&value] || value.text == value.directive->default_text) continue;
    if (!marked) out += "# Generated by CONFIG REWRITE\n";
    marked = true;
    out += DirectiveLine(*value.directive, value.text) + "\n";
  }
  for (const auto& [name, text] : whole_lines) {
    if (written[Find(name)] || text.empty()) continue;
    if (!marked) out += "# Generated by CONFIG REWRITE\n";
    marked = true;
    out += text;
  }
  const std::string error = ReplaceFile(file_, out);
  return error.empty() ? error : "ERR Rewriting config file: " + error;
}

}  // namespace hearth
