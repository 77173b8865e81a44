// CLIENT TRACKING and its like. Tested by tests/src/tracking_test.cc.
#include "src/tracking.h"

#include <algorithm>
#include <atomic>
#include <optional>

#include "src/commands/client.h"
#include "src/errors.h"
#include "src/numbers.h"
#include "src/server.h"
#include "src/session.h"

namespace hearth {
namespace {

constexpr std::string_view kErrSwitchBcast =
    "ERR You can't switch BCAST mode on/off before disabling tracking for this client, and then "
    "re-enabling it with a different mode.";
constexpr std::string_view kErrSwitchOpt =
    "ERR You can't switch OPTIN/OPTOUT mode before disabling tracking for this client, and then "
    "re-enabling it with a different mode.";
constexpr std::string_view kErrNoClient = "ERR The client ID you want redirect to does not exist";

// False: the error is written.
bool ParseTracking(const Args& args, TrackingOptions* options, bool* redirects, Reply& reply) {
  for (size_t i = 3; i < args.size(); ++i) {
    const bool has_more = i + 1 < args.size();
    if (IsWord(args[i], "REDIRECT") && has_more) {
      if (options->redirect != 0) {
        reply.Error("ERR A client can only redirect to a single other client");
        return false;
      }
      const auto id = ParseInt64(args[++i]);
      if (!id) {
        reply.Error(kErrNotInteger);
        return false;
      }
      *redirects = true;
      options->redirect = static_cast<uint64_t>(*id);
    } else if (IsWord(args[i], "BCAST")) {
      options->bcast = true;
    } else if (IsWord(args[i], "OPTIN")) {
      options->optin = true;
    } else if (IsWord(args[i], "OPTOUT")) {
      options->optout = true;
    } else if (IsWord(args[i], "NOLOOP")) {
      options->noloop = true;
    } else if (IsWord(args[i], "PREFIX") && has_more) {
      options->prefixes.emplace_back(args[++i]);
    } else {
      reply.Error(kErrSyntax);
      return false;
    }
  }
  return true;
}

bool Overlap(std::string_view a, std::string_view b) {
  const size_t size = std::min(a.size(), b.size());
  return a.substr(0, size) == b.substr(0, size);
}

// Why the prefixes can't be taken; empty when they can.
std::string PrefixConflict(const std::vector<std::string>& held,
                           const std::vector<std::string>& wanted) {
  const auto text = [](const std::string& prefix, const char* kind, const std::string& other) {
    return "ERR Prefix '" + prefix + "' overlaps with " + kind + " prefix '" + other +
           "'. Prefixes for a single client must not overlap.";
  };
  for (size_t i = 0; i < wanted.size(); ++i) {
    for (const std::string& old : held) {
      if (Overlap(old, wanted[i])) return text(wanted[i], "an existing", old);
    }
    for (size_t j = i + 1; j < wanted.size(); ++j) {
      if (Overlap(wanted[i], wanted[j])) return text(wanted[i], "another provided", wanted[j]);
    }
  }
  return {};
}

// Why the options don't fit each other or what the client tracks already; empty when they do.
std::string TrackingConflict(const TrackingOptions& options, const ClientTracking* old) {
  if (!options.bcast && !options.prefixes.empty()) {
    return "ERR PREFIX option requires BCAST mode to be enabled";
  }
  if (old != nullptr && old->options.bcast != options.bcast) return std::string(kErrSwitchBcast);
  if (options.bcast && (options.optin || options.optout)) {
    return "ERR OPTIN and OPTOUT are not compatible with BCAST";
  }
  if (options.optin && options.optout) {
    return "ERR You can't specify both OPTIN mode and OPTOUT mode";
  }
  if (old != nullptr &&
      ((options.optin && old->options.optout) || (options.optout && old->options.optin))) {
    return std::string(kErrSwitchOpt);
  }
  static const std::vector<std::string> kNone;
  return PrefixConflict(old != nullptr ? old->options.prefixes : kNone, options.prefixes);
}

void SwitchTracking(bool on, TrackingOptions options, Session& session, Reply& reply) {
  Server& server = session.server();
  if (!on) {
    if (auto table = server.tracking().Disable(session)) {
      server.engine().RunOnReaders([table = std::move(table)] {});
    }
    return reply.Ok();
  }
  const std::string conflict = TrackingConflict(options, session.tracking());
  if (!conflict.empty()) return reply.Error(conflict);
  server.tracking().Enable(session, std::move(options));
  reply.Ok();
}

}  // namespace

// CLIENT TRACKING ON|OFF [REDIRECT id] [PREFIX prefix ...] [BCAST] [OPTIN] [OPTOUT] [NOLOOP]
void ClientTrackingOnOff(const Args& args, Session& session, Reply& reply) {
  TrackingOptions options;
  bool redirects = false;
  if (!ParseTracking(args, &options, &redirects, reply)) return;
  const bool on = IsWord(args[2], "ON");
  if (!on && !IsWord(args[2], "OFF")) return reply.Error(kErrSyntax);
  if (!redirects) return SwitchTracking(on, std::move(options), session, reply);

  auto worker_found = std::make_shared<std::atomic<int>>(-1);
  auto answer = session.AnswerLater();
  session.server().OnAllWorkers(
      session.connection().worker(),
      [id = options.redirect, worker_found](Worker& worker) {
        if (worker.FindConnection(id) != nullptr) *worker_found = worker.index();
      },
      [on, options, worker_found, answer, &session]() mutable {
        answer([&](Reply& reply) {
          if (*worker_found < 0) return reply.Error(kErrNoClient);
          options.redirect_worker = static_cast<uint32_t>(*worker_found);
          SwitchTracking(on, std::move(options), session, reply);
        });
      });
}

// CLIENT CACHING YES | NO
void ClientCaching(const Args& args, Session& session, Reply& reply) {
  ClientTracking* const tracking = session.tracking();
  if (tracking == nullptr) {
    return reply.Error(
        "ERR CLIENT CACHING can be called only when the client is in tracking mode with OPTIN or "
        "OPTOUT mode enabled");
  }
  if (IsWord(args[2], "YES")) {
    if (!tracking->options.optin) {
      return reply.Error(
          "ERR CLIENT CACHING YES is only valid when tracking is enabled in OPTIN mode.");
    }
  } else if (IsWord(args[2], "NO")) {
    if (!tracking->options.optout) {
      return reply.Error(
          "ERR CLIENT CACHING NO is only valid when tracking is enabled in OPTOUT mode.");
    }
  } else {
    return reply.Error(kErrSyntax);
  }
  tracking->caching_given = true;
  reply.Ok();
}

void ClientGetRedir(const Args&, Session& session, Reply& reply) {
  const ClientTracking* const tracking = session.tracking();
  reply.Integer(tracking != nullptr ? static_cast<int64_t>(tracking->options.redirect) : -1);
}

void ClientTrackingInfo(const Args& args, Session& session, Reply& reply) {
  std::vector<std::string_view> flags;
  const ClientTracking* const tracking = session.tracking();
  flags.emplace_back(tracking != nullptr ? "on" : "off");
  if (tracking != nullptr) {
    const TrackingOptions& options = tracking->options;
    if (options.bcast) flags.emplace_back("bcast");
    if (options.optin) flags.emplace_back("optin");
    if (options.optin && tracking->caching_given) flags.emplace_back("caching-yes");
    if (options.optout) flags.emplace_back("optout");
    if (options.optout && tracking->caching_given) flags.emplace_back("caching-no");
    if (options.noloop) flags.emplace_back("noloop");
    if (tracking->broken_redirect) flags.emplace_back("broken_redirect");
  }
  reply.Map(3);
  reply.Bulk("flags");
  reply.Set(flags.size());
  for (const std::string_view flag : flags) reply.Bulk(flag);
  reply.Bulk("redirect");
  ClientGetRedir(args, session, reply);
  reply.Bulk("prefixes");
  reply.Array(tracking != nullptr ? tracking->options.prefixes.size() : 0);
  if (tracking == nullptr) return;
  for (const std::string& prefix : tracking->options.prefixes) reply.Bulk(prefix);
}

}  // namespace hearth
