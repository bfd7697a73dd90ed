#pragma once

#include <CLI/CLI.hpp>
#include <functional>
#include <memory>
#include <string>

#include "gateway/ctl/client.h"

namespace ringtrace::ctl {

/// The commands, their options and their help: one text, from which --help, the man page and the shells'
/// completions are made.
class CommandLine {
 public:
  CommandLine();
  ~CommandLine();
  CommandLine(const CommandLine&) = delete;
  CommandLine& operator=(const CommandLine&) = delete;

  CLI::App& app() { return *app_; }

  /// Does the command that has been parsed; what to exit with.
  int run();

 private:
  struct Options;
  using Run = std::function<int()>;

  CLI::App& add(const std::string& name, const std::string& help, const std::string& examples, Run run);
  void add_common();
  void add_leases();
  void add_calls();
  void add_pools();
  void add_tools();
  void finish_common();

  std::unique_ptr<Options> options_;
  std::unique_ptr<CLI::App> app_;
  std::vector<std::pair<CLI::App*, Run>> runs_;
};

}  // namespace ringtrace::ctl
