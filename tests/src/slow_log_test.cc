// SLOWLOG and LATENCY: the logs themselves, and over a socket.
#include "src/slow_log.h"

#include "src/latency_monitor.h"
#include "tests/src/server_fixture.h"

namespace hearth {
namespace {

std::string ArgsOf(const SlowLog& log) {
  std::string text;
  for (const SlowLog::Entry& entry : log.Latest(SIZE_MAX)) {
    text += std::to_string(entry.id) + ":";
    for (const std::string& arg : entry.args) text += " " + arg;
    text += "\n";
  }
  return text;
}

void AddWords(SlowLog* log, const std::vector<std::string>& words) {
  const std::vector<std::string_view> views(words.begin(), words.end());
  log->Add(1, 20, views, "addr", "name");
}

TEST(SlowLogTest, KeepsTheLatest) {
  SlowLog log;
  log.Configure(10, 2);
  EXPECT_FALSE(log.Wants(9));
  EXPECT_TRUE(log.Wants(10));
  for (const char* word : {"a", "b", "c"}) AddWords(&log, {word});
  EXPECT_EQ(ArgsOf(log), "2: c\n1: b\n");
  log.Configure(-1, 1);
  EXPECT_FALSE(log.Wants(1'000'000));
  EXPECT_EQ(ArgsOf(log), "2: c\n");
}

TEST(SlowLogTest, ShortensAndHidesSecrets) {
  SlowLog log;
  AddWords(&log, {"SET", std::string(130, 'x')});
  EXPECT_EQ(ArgsOf(log), "0: SET " + std::string(128, 'x') + "... (2 more bytes)\n");
  log.Reset();
  AddWords(&log, std::vector<std::string>(40, "w"));
  EXPECT_TRUE(ArgsOf(log).ends_with(" w ... (9 more arguments)\n"));
  log.Reset();
  AddWords(&log, {"AUTH", "u", "p"});
  AddWords(&log, {"HELLO", "3", "AUTH", "u", "p", "SETNAME", "n"});
  AddWords(&log, {"config", "set", "hz", "10", "requirepass", "p"});
  AddWords(&log, {"CONFIG", "SET", "masterauth", "p", "primaryauth", "p"});
  AddWords(&log, {"MIGRATE", "h", "1", "", "0", "9", "COPY", "AUTH", "p", "KEYS", "AUTH", "k"});
  AddWords(&log, {"migrate", "h", "1", "k", "0", "9", "auth2", "u", "p", "REPLACE"});
  EXPECT_EQ(ArgsOf(log),
            "7: migrate h 1 k 0 9 auth2 (redacted) (redacted) REPLACE\n"
            "6: MIGRATE h 1  0 9 COPY AUTH (redacted) KEYS AUTH k\n"
            "5: CONFIG SET masterauth (redacted) primaryauth (redacted)\n"
            "4: config set hz 10 requirepass (redacted)\n"
            "3: HELLO 3 AUTH (redacted) (redacted) SETNAME n\n"
            "2: AUTH (redacted) (redacted)\n");
}

TEST(LatencyMonitorTest, KeepsTheWorstOfASecond) {
  LatencyMonitor monitor;
  EXPECT_FALSE(monitor.Wants(1'000'000));
  monitor.SetThreshold(5);
  EXPECT_TRUE(monitor.Wants(5000));
  monitor.Add("command", 1, 10);
  monitor.Add("command", 1, 30);
  monitor.Add("command", 2, 20);
  const auto events = monitor.Events();
  const LatencyMonitor::Event& event = events.at("command");
  ASSERT_EQ(event.samples.size(), 2u);
  EXPECT_EQ(event.samples[0].took_ms, 30u);
  EXPECT_EQ(event.worst_ms, 30u);
  EXPECT_EQ(monitor.Reset({"nosuch"}), 0u);
  EXPECT_EQ(monitor.Reset({}), 1u);
}

TEST(LatencyMonitorTest, TellsSpikesAsRedisDoes) {
  LatencyMonitor monitor;
  monitor.Add("command", 97, 10);
  monitor.Add("command", 98, 20);
  monitor.Add("command", 99, 30);
  const LatencyMonitor::Event event = monitor.Events().at("command");
  EXPECT_EQ(LatencyGraphText("command", event, 100),
            "command - high 30 ms, low 10 ms (all time high 30 ms)\n" + std::string(80, '-') +
                "\n  #\n _|\n ||\n_||\n   \n321\nsss\n");
  EXPECT_EQ(LatencySummaryText("command", event, 100),
            "command: 3 latency spikes (average 20ms, mean deviation 6ms, period 1.00 sec). Worst "
            "all time event 30ms.");
}

TEST(LatencyMonitorTest, GraphsOfManySamplesHaveSeveralRows) {
  LatencyMonitor monitor;
  for (int64_t at_s = 0; at_s < 81; ++at_s) monitor.Add("command", at_s, 5);
  const std::string text = LatencyGraphText("command", monitor.Events().at("command"), 7300);
  const std::string rows = "\n" + std::string(80, '_') + "\n" + std::string(80, ' ') + "\n" +
                           std::string(80, '2') + "\n" + std::string(80, 'h') + "\n";
  EXPECT_TRUE(text.ends_with(rows + "\n \n \n \n_\n \n2\nh\n")) << text;
}

using SlowLogCommands = ServerFixture;

TEST_F(SlowLogCommands, SlowlogTellsWhatWasSlow) {
  EXPECT_EQ(Run("CONFIG SET slowlog-log-slower-than 0"), "+OK\r\n");
  EXPECT_EQ(Run("SLOWLOG RESET"), "+OK\r\n");
  Run("CLIENT SETNAME me");
  Run("CONFIG SET slowlog-log-slower-than -1");
  EXPECT_EQ(Run("SLOWLOG LEN"), ":2\r\n");
  const std::string latest = Run("SLOWLOG GET 2");
  EXPECT_TRUE(latest.starts_with("*2\r\n*6\r\n")) << latest;
  EXPECT_NE(latest.find(WireArray({"CLIENT", "SETNAME", "me"})), std::string::npos) << latest;
  EXPECT_EQ(Run("SLOWLOG GET x"), "-ERR count should be greater than or equal to -1\r\n");
  EXPECT_EQ(Run("SLOWLOG GET -2"), "-ERR count should be greater than or equal to -1\r\n");
}

// As in Redis each by itself, before what ran it, and as of nobody.
TEST_F(SlowLogCommands, SlowlogTellsOfCommandsOfScripts) {
  const auto latest = [&](const std::string& line, int count) {
    Run("CONFIG SET slowlog-log-slower-than 0");
    Run(line);
    Run("CONFIG SET slowlog-log-slower-than -1");
    return Run("SLOWLOG GET " + std::to_string(count));
  };
  const std::string of_script = latest(
      "EVAL \"redis.call('set','a',1) redis.pcall('incr','b') redis.pcall('nosuch') "
      "redis.pcall('lpush','a','x')\" 0",
      4);
  size_t at = 0;
  const std::string nobody = WireBulk("?:0") + WireBulk("");
  for (const std::string& part :
       {WireBulk("EVAL"), WireArray({"lpush", "a", "x"}) + nobody,
        WireArray({"incr", "b"}) + nobody, WireArray({"set", "a", "1"}) + nobody}) {
    at = of_script.find(part, at);
    ASSERT_NE(at, std::string::npos) << part << " in " << of_script;
  }
  Run("FUNCTION LOAD \"#!lua name=l\\nredis.register_function('f', function() return "
      "redis.call('get', 'a') end)\"");
  const std::string of_function = latest("FCALL f 0", 2);
  EXPECT_NE(of_function.find(WireArray({"get", "a"}) + nobody), std::string::npos) << of_function;
}

// The work of the script itself is no command's.
TEST_F(SlowLogCommands, ACommandIsNotSlowBecauseItsScriptIs) {
  Run("CONFIG SET slowlog-log-slower-than 250000");
  Run("EVAL \"local t = os.clock() while os.clock() - t < 0.5 do end "
      "return redis.call('set','a',1)\" 0");
  EXPECT_EQ(Run("SLOWLOG LEN"), ":1\r\n") << Run("SLOWLOG GET 10");
}

TEST_F(SlowLogCommands, LatencyTellsSpikesAndHistograms) {
  EXPECT_EQ(Run("LATENCY LATEST"), "*0\r\n");
  EXPECT_EQ(Run("LATENCY GRAPH foo"), "-ERR No samples available for event 'foo'\r\n");
  EXPECT_EQ(Run("CONFIG SET latency-monitor-threshold 20"), "+OK\r\n");
  EXPECT_EQ(Run("DEBUG SLEEP 0.05"), "+OK\r\n");
  EXPECT_TRUE(Run("LATENCY LATEST").starts_with("*1\r\n*4\r\n$7\r\ncommand\r\n"));
  EXPECT_TRUE(Run("LATENCY HISTORY command").starts_with("*1\r\n*2\r\n:"));
  EXPECT_EQ(Run("LATENCY RESET command"), ":1\r\n");
  Run("SET k v");
  const std::string histogram = Run("LATENCY HISTOGRAM set nosuch");
  EXPECT_TRUE(histogram.starts_with(
      "*2\r\n$3\r\nset\r\n*4\r\n$5\r\ncalls\r\n:1\r\n$14\r\nhistogram_usec\r\n*2\r\n:"))
      << histogram;
}

TEST_F(SlowLogCommands, TheLatencyDoctorAdvises) {
  EXPECT_NE(Run("LATENCY DOCTOR").find("latency monitor is off"), std::string::npos);
  Run("CONFIG SET latency-monitor-threshold 1");
  EXPECT_NE(Run("LATENCY DOCTOR").find("Nothing took as long"), std::string::npos);
  Run("DEBUG SLEEP 0.002");
  const std::string report = Run("LATENCY DOCTOR");
  EXPECT_NE(report.find("1. command: 1 latency spikes (average "), std::string::npos) << report;
  EXPECT_NE(report.find("CONFIG SET slowlog-log-slower-than 1000 "), std::string::npos) << report;
  EXPECT_NE(report.find("SLOWLOG GET"), std::string::npos) << report;
}

}  // namespace
}  // namespace hearth
