#pragma once

// What ps shows in place of the command line (`proc-title-template`, `set-proc-title`).
//
// Thread: BeginProcessTitles before any other thread; the rest any.

#include <optional>
#include <string>
#include <string_view>

namespace hearth {

class Config;

// The template with each "{name}" replaced: title, listen-addr, server-mode, port, tls-port,
// unixsocket, config-file; "{{" and "}}" stand for braces. nullopt: it has another name, or a brace
// alone. port: as the system picked it when the configuration says 0 in vain.
std::optional<std::string> FormatProcessTitle(const Config& config, std::string_view program,
                                              int port);

// Makes room: libbsd moves the environment away.
void BeginProcessTitles(int argc, char** argv);
void SetProcessTitle(const std::string& title);

}  // namespace hearth
