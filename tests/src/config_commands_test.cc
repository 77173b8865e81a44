// CONFIG over a socket: what it answers, and what a change does.
#include <fstream>
#include <iostream>
#include <sstream>

#include "tests/src/server_fixture.h"

#ifdef HEARTH_JEMALLOC
#include <jemalloc/jemalloc.h>
#endif

namespace hearth {
namespace {

class ConfigCommandsTest : public ServerFixture {
 protected:
  std::string WriteFile(const std::string& text, const std::string& name = "hearth.conf") {
    const std::string path = folder_.path() + "/" + name;
    std::ofstream(path) << text;
    return path;
  }
};

std::string Refusal(const std::string& name, const std::string& why) {
  return "-ERR CONFIG SET failed (possibly related to argument '" + name + "') - " + why + "\r\n";
}

TEST_F(ConfigCommandsTest, GetTakesPatternsAndNames) {
  EXPECT_EQ(Run("CONFIG GET appendfsync"), WireArray({"appendfsync", "everysec"}));
  EXPECT_EQ(Run("CONFIG GET MAX*-samples nosuch APPENDONLY appendonly"),
            WireArray({"APPENDONLY", "yes", "maxmemory-samples", "5"}))
      << "a name stands there as it was asked for";
  EXPECT_EQ(Run("CONFIG GET nosuch"), "*0\r\n");
  EXPECT_EQ(Run("CONFIG GET"), "-ERR wrong number of arguments for 'config|get' command\r\n");
}

TEST_F(ConfigCommandsTest, TheAllocatorsThreadsAreTurnedOffAndOn) {
  for (const std::string on : {"no", "yes"}) {
    EXPECT_EQ(Run("CONFIG SET jemalloc-bg-thread " + on), "+OK\r\n");
#ifdef HEARTH_JEMALLOC
    bool runs = on != "yes";
    size_t size = sizeof(runs);
    ASSERT_EQ(mallctl("background_thread", &runs, &size, nullptr, 0), 0);
    EXPECT_EQ(runs, on == "yes");
#endif
  }
}

TEST_F(ConfigCommandsTest, WorkersAreToldWhetherTheyMayLookLong) {
  for (const std::string on : {"yes", "no", "yes"}) {
    EXPECT_EQ(Run("CONFIG SET worker-busy-poll " + on), "+OK\r\n");
    for (const auto& worker : server_->workers()) EXPECT_EQ(worker->busy_polls(), on == "yes");
  }
}

TEST_F(ConfigCommandsTest, SetRefusesInRedisWords) {
  EXPECT_EQ(Run("CONFIG SET foo bar"),
            "-ERR Unknown option or number of arguments for CONFIG SET - 'foo'\r\n");
  EXPECT_EQ(Run("CONFIG SET maxmemory abc"),
            Refusal("maxmemory", "argument must be a memory value"));
  EXPECT_EQ(Run("CONFIG SET appendonly maybe"),
            Refusal("appendonly", "argument must be 'yes' or 'no'"));
  EXPECT_EQ(Run("CONFIG SET databases 3"), Refusal("databases", "can't set immutable config"));
  EXPECT_EQ(Run("CONFIG SET dir /"), Refusal("dir", "can't set protected config"));
  EXPECT_EQ(Run("CONFIG SET snapshot-dir /"),
            Refusal("snapshot-dir", "can't set protected config"));
  EXPECT_EQ(Run("CONFIG SET hz x"), Refusal("hz", "argument couldn't be parsed into an integer"));
  EXPECT_EQ(Run("CONFIG SET maxmemory -1"),
            Refusal("maxmemory", "argument must be a memory value"));
  const std::string percentiles = "latency-tracking-info-percentiles";
  EXPECT_EQ(Run("CONFIG SET " + percentiles + " \"50 abc\""),
            Refusal(percentiles, "Invalid " + percentiles + " parameters"));
  EXPECT_EQ(Run("CONFIG SET " + percentiles + " \"50 100.1\""),
            Refusal(percentiles, percentiles + " parameters should sit between [0.0,100.0]"));
  EXPECT_EQ(Run("CONFIG SET " + percentiles + " \"0.0 50.0 99.123456789 1e2\""), "+OK\r\n");
  EXPECT_EQ(Run("CONFIG GET " + percentiles), WireArray({percentiles, "0 50 99.123457 100"}));
  EXPECT_TRUE(InfoField("latencystats", "latency_percentiles_usec_config|set").starts_with("p0="));
  EXPECT_EQ(Run("CONFIG SET " + percentiles + " \"\""), "+OK\r\n");
  EXPECT_EQ(Run("CONFIG SET hz 0"), "+OK\r\n");
  EXPECT_EQ(Run("CONFIG GET hz"), WireArray({"hz", "1"}));
  EXPECT_EQ(Run("CONFIG SET hz 1000"), "+OK\r\n");
  EXPECT_EQ(Run("CONFIG GET hz"), WireArray({"hz", "500"}));
  EXPECT_EQ(Run("CONFIG SET maxmemory 1mb maxmemory 2mb"),
            Refusal("maxmemory", "duplicate parameter"));
  EXPECT_EQ(Run("CONFIG SET maxmemory 1mb timeout"), "-ERR syntax error\r\n");
}

TEST_F(ConfigCommandsTest, TheFolderHasToBeThere) {
  Restart({"--enable-protected-configs", "yes"});
  EXPECT_EQ(Run("CONFIG SET dir /none"), Refusal("dir", "No such file or directory"));
  EXPECT_EQ(Run("CONFIG SET dir /dev/null"), Refusal("dir", "Not a directory"));
  EXPECT_EQ(Run("CONFIG SET dir /"), "+OK\r\n");
  EXPECT_EQ(Run("CONFIG GET dir"), WireArray({"dir", "/"}));
}

// What is not supported yet and would be less safe when ignored stops the start, unless it says
// no more than the default.
TEST_F(ConfigCommandsTest, AnUnsafeDirectiveThatIsNotSupportedIsRefused) {
  const std::string why =
      "not supported by this version, and refused because ignoring it would not be safe";
  for (const char* line : {"cluster-enabled yes", "loadmodule x.so", "replica-read-only no"}) {
    EXPECT_NE(Config().Load({WriteFile(line)}).find(why), std::string::npos) << line;
  }
  for (const char* line : {"cluster-enabled no", "replica-read-only yes"}) {
    EXPECT_EQ(Config().Load({WriteFile(line)}), "") << line;
  }
  EXPECT_EQ(Run("CONFIG SET replica-read-only no"), Refusal("replica-read-only", why));
}

// Files of later versions of Redis, and of Valkey.
TEST_F(ConfigCommandsTest, LaterDirectivesAreTakenAndNotShown) {
  Config config;
  ASSERT_EQ(config.Load({WriteFile("max-new-connections-per-cycle 20\nprimaryauth p\n"
                                   "commandlog-execution-slower-than 7\nrdb-version-check relaxed\n"
                                   "lazyexpire-nested-arbitrary-keys yes\n")}),
            "");
  EXPECT_EQ(config.Text("masterauth"), "p");
  EXPECT_EQ(config.Int("slowlog-log-slower-than"), 7);
  EXPECT_EQ(config.Notes().size(), 3u);
  EXPECT_NE(Config().Load({WriteFile("rdb-version-check never\n")}), "");
  for (const auto& [name, value] : config_->Get("*")) {
    EXPECT_FALSE(name.starts_with("max-new-")) << name;
  }
}

// One refused directive leaves all of them as they were.
TEST_F(ConfigCommandsTest, SetIsAllOrNothing) {
  EXPECT_EQ(Run("CONFIG SET maxmemory-samples 7 hz x"),
            Refusal("hz", "argument couldn't be parsed into an integer"));
  EXPECT_EQ(Run("CONFIG GET maxmemory-samples"), WireArray({"maxmemory-samples", "5"}));
  EXPECT_EQ(Run("CONFIG SET maxmemory-samples 7 hz 20"), "+OK\r\n");
  EXPECT_EQ(Run("CONFIG GET maxmemory-samples"), WireArray({"maxmemory-samples", "7"}));
}

// Tools write back what they read.
TEST_F(ConfigCommandsTest, EveryDirectiveTakesItsOwnValue) {
  for (const auto& [name, value] : config_->Get("*")) {
    EXPECT_EQ(client_->RunWords({"CONFIG", "SET", name, value}), "+OK\r\n") << name;
  }
}

TEST_F(ConfigCommandsTest, ChangesTakeEffect) {
  EXPECT_EQ(Run("CONFIG SET appendfsync always"), "+OK\r\n");
  EXPECT_EQ(Run("SET k v"), "+OK\r\n");
  EXPECT_EQ(Run("CONFIG SET appendonly no"), "+OK\r\n");
  EXPECT_EQ(InfoField("persistence", "aof_enabled"), "0");
  EXPECT_EQ(Run("CONFIG SET appendonly yes"), "+OK\r\n");
  EXPECT_EQ(InfoField("persistence", "aof_enabled"), "1");
  EXPECT_EQ(Run("CONFIG SET proto-max-bulk-len 1mb"), "+OK\r\n");
  EXPECT_EQ(Run("SETRANGE k 1048576 x"),
            "-ERR string exceeds maximum allowed size (proto-max-bulk-len)\r\n");
  EXPECT_EQ(Run("CONFIG SET maxmemory 1gb maxmemory-policy allkeys-lru"), "+OK\r\n");
  EXPECT_EQ(InfoField("memory", "maxmemory_policy"), "allkeys-lru");
}

// With the new limit the client that is one too many is told so.
TEST_F(ConfigCommandsTest, MaxClientsTakesEffect) {
  EXPECT_EQ(Run("CONFIG SET maxclients 1"), "+OK\r\n");
  TestClient second = Connect();
  EXPECT_EQ(second.ReadToEnd(), "-ERR max number of clients reached\r\n");
  EXPECT_EQ(InfoField("stats", "rejected_connections"), "1");
  EXPECT_EQ(Run("CONFIG RESETSTAT"), "+OK\r\n");
  EXPECT_EQ(InfoField("stats", "rejected_connections"), "0");
}

TEST_F(ConfigCommandsTest, RewriteNeedsAFile) {
  EXPECT_EQ(Run("CONFIG REWRITE"), "-ERR The server is running without a config file\r\n");
}

TEST_F(ConfigCommandsTest, RewriteKeepsTheFilesWordsAndSurvivesARestart) {
  const std::string path = WriteFile("# mine\nmaxmemory-samples 4\n");
  Restart({path});
  EXPECT_EQ(Run("CONFIG SET maxmemory-samples 9 slowlog-max-len 3"), "+OK\r\n");
  EXPECT_EQ(Run("CONFIG REWRITE"), "+OK\r\n");
  std::ifstream in(path);
  const std::string text{std::istreambuf_iterator<char>(in), {}};
  EXPECT_TRUE(text.starts_with("# mine\nmaxmemory-samples 9\n")) << text;
  EXPECT_NE(text.find("\nslowlog-max-len 3\n"), std::string::npos) << text;
  Restart({path});
  EXPECT_EQ(Run("CONFIG GET slowlog-max-len"), WireArray({"slowlog-max-len", "3"}));
}

TEST_F(ConfigCommandsTest, RewriteWritesWhatTheCommandLineSaidAndItsMarkOnce) {
  const std::string path = WriteFile("# mine\n");
  Restart({path, "--loglevel", "warning"});
  Run("CONFIG REWRITE");
  Run("CONFIG SET slowlog-max-len 3");
  Run("CONFIG REWRITE");
  std::ifstream in(path);
  const std::string text{std::istreambuf_iterator<char>(in), {}};
  EXPECT_NE(text.find("\nloglevel warning\n"), std::string::npos) << text;
  const size_t mark = text.find("# Generated by CONFIG REWRITE\n");
  ASSERT_NE(mark, std::string::npos) << text;
  EXPECT_EQ(text.find("# Generated by CONFIG REWRITE\n", mark + 1), std::string::npos) << text;
}

TEST_F(ConfigCommandsTest, IncludeTakesPatterns) {
  std::ofstream(folder_.path() + "/a.part") << "slowlog-max-len 3\n";
  std::ofstream(folder_.path() + "/b.part") << "maxmemory-samples 9\n";
  Config config;
  EXPECT_EQ(config.Load({WriteFile("include " + folder_.path() + "/*.part\ninclude " +
                                   folder_.path() + "/nomatch*.conf\n")}),
            "");
  EXPECT_EQ(config.Int("slowlog-max-len"), 3);
  EXPECT_EQ(config.Int("maxmemory-samples"), 9);
  EXPECT_NE(Config().Load({WriteFile("include " + folder_.path() + "/nosuch.conf\n")}), "");
}

TEST_F(ConfigCommandsTest, TheConfigurationMayComeFromTheStandardInput) {
  std::istringstream in("slowlog-max-len 3\nsave 60 1\n");
  std::streambuf* const before = std::cin.rdbuf(in.rdbuf());
  Config config;
  const std::string error = config.Load({"-", "--maxmemory-samples", "9", "--save"});
  std::cin.rdbuf(before);
  EXPECT_EQ(error, "");
  EXPECT_EQ(config.Int("slowlog-max-len"), 3);
  EXPECT_EQ(config.Int("maxmemory-samples"), 9);
  EXPECT_EQ(config.Text("save"), "");
}

TEST_F(ConfigCommandsTest, SavePointsAddUpWhateverTheyStandIn) {
  const std::string part = WriteFile("save 30 1\n", "saves.part");
  const std::string file = WriteFile("save 900 1\ninclude " + part + "\n");
  Config config;
  EXPECT_EQ(config.Load({file, "--save", "5 5"}), "");
  EXPECT_EQ(config.Text("save"), "900 1 30 1 5 5");
  Config none;
  EXPECT_EQ(none.Load({file, "--save", "", "--save", "7 7"}), "");
  EXPECT_EQ(none.Text("save"), "7 7");
  Config given;
  EXPECT_EQ(given.Load({"--include", part, "--", "--hz 20"}), "");
  EXPECT_EQ(given.Text("save"), "30 1") << "in place of the default ones";
  EXPECT_EQ(given.Int("hz"), 20);
}

TEST_F(ConfigCommandsTest, ResetStatForgetsTheCounts) {
  Run("NOPE");
  Run("GET k");
  EXPECT_EQ(InfoField("errorstats", "errorstat_ERR"), "count=1");
  EXPECT_EQ(Run("CONFIG RESETSTAT"), "+OK\r\n");
  EXPECT_EQ(InfoField("errorstats", "errorstat_ERR"), "(none)");
  EXPECT_EQ(InfoField("commandstats", "cmdstat_get"), "(none)");
}

TEST_F(ConfigCommandsTest, ResetStatForgetsWhatWasReadAndWhatExpired) {
  Run("SET k v");
  Run("SET short v PX 1");
  Run("GET k");
  while (Run("GET short") != "$-1\r\n") {
  }
  const char* const kFields[] = {"keyspace_hits", "keyspace_misses", "expired_keys"};
  for (const char* field : kFields) EXPECT_NE(InfoField("stats", field), "0") << field;
  EXPECT_EQ(Run("CONFIG RESETSTAT"), "+OK\r\n");
  for (const char* field : kFields) EXPECT_EQ(InfoField("stats", field), "0") << field;
  Run("GET k");
  EXPECT_EQ(InfoField("stats", "keyspace_hits"), "1");
}

int OomScore() {
  int score = 0;
  std::ifstream("/proc/self/oom_score_adj") >> score;
  return score;
}

TEST_F(ConfigCommandsTest, TheOomScoreFollowsTheRoleAndComesBack) {
  TestClient client = Connect();
  const auto set = [&client](const std::string& name, const std::string& value) {
    return client.RunWords({"CONFIG", "SET", name, value});
  };
  const int before = OomScore();
  EXPECT_EQ(set("oom-score-adj-values", "1 3 5"), "+OK\r\n");
  EXPECT_EQ(OomScore(), before) << "it is not asked for yet";
  EXPECT_EQ(set("oom-score-adj", "yes"), "+OK\r\n");
  EXPECT_EQ(OomScore(), before + 1);
  EXPECT_EQ(set("oom-score-adj-values", "2 4 6"), "+OK\r\n");
  EXPECT_EQ(OomScore(), before + 2);
  EXPECT_EQ(Run("REPLICAOF 127.0.0.1 1"), "+OK\r\n");
  EXPECT_EQ(OomScore(), before + 4);
  EXPECT_EQ(Run("REPLICAOF NO ONE"), "+OK\r\n");
  EXPECT_EQ(OomScore(), before + 2);
  const std::string higher = std::to_string(before + 7);
  EXPECT_EQ(set("oom-score-adj-values", higher + " 0 0"), "+OK\r\n");
  EXPECT_EQ(set("oom-score-adj", "absolute"), "+OK\r\n");
  EXPECT_EQ(OomScore(), before + 7);
  EXPECT_EQ(set("oom-score-adj", "no"), "+OK\r\n");
  EXPECT_EQ(OomScore(), before);
}

TEST_F(ConfigCommandsTest, OomScoresThatAreWrongChangeNothing) {
  TestClient client = Connect();
  const int before = OomScore();
  const std::string range =
      "Invalid oom-score-adj-values, elements must be between -2000 and 2000.";
  for (const auto& [values, why] :
       {std::pair<std::string, std::string>{"1 2", "wrong number of arguments"},
        {"", "wrong number of arguments"},
        {"1 2 3 4", "wrong number of arguments"},
        {"1 2 a", range},
        {"-2001 0 0", range},
        {"0 0 2001", range}}) {
    EXPECT_EQ(
        client.RunWords({"CONFIG", "SET", "oom-score-adj", "yes", "oom-score-adj-values", values}),
        Refusal("oom-score-adj-values", why));
    EXPECT_EQ(OomScore(), before) << values;
  }
  EXPECT_EQ(Run("CONFIG GET oom-score-adj"), WireArray({"oom-score-adj", "no"}));
}

TEST_F(ConfigCommandsTest, WhatASignalDoesIsSaidInSeveralWords) {
  TestClient client = Connect();
  const auto set = [&](const std::string& words) {
    const std::string reply = client.RunWords({"CONFIG", "SET", "shutdown-on-sigterm", words});
    return reply == "+OK\r\n" ? Run("CONFIG GET shutdown-on-sigterm") : reply;
  };
  const auto shown = [](const std::string& words) {
    return WireArray({"shutdown-on-sigterm", words});
  };
  EXPECT_EQ(set("force SAVE"), shown("save force"));
  EXPECT_EQ(set("default now"), shown("now"));
  EXPECT_EQ(set("default"), shown("default"));
  EXPECT_EQ(set("save nosave"),
            Refusal("shutdown-on-sigterm",
                    "shutdown options SAVE and NOSAVE can't be used simultaneously"));
  for (const char* words : {"", "quit", "save quit"}) {
    EXPECT_EQ(set(words), Refusal("shutdown-on-sigterm",
                                  "argument(s) must be one of the following: default, save, "
                                  "nosave, now, force"))
        << words;
  }
}

TEST_F(ConfigCommandsTest, ANameGivenTwiceIsRefusedWithTheValueItHasToo) {
  EXPECT_EQ(Run("CONFIG SET maxmemory-samples 5 maxmemory-samples 9"),
            Refusal("maxmemory-samples", "duplicate parameter"));
  EXPECT_EQ(Run("CONFIG GET maxmemory-samples"), WireArray({"maxmemory-samples", "5"}));
}

}  // namespace
}  // namespace hearth
