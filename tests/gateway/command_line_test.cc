#include "gateway/command_line.h"

#include <catch2/catch.hpp>
#include <sstream>
#include <vector>

namespace ringtrace::gateway {
namespace {

struct Parsed {
  std::variant<CommandLine, int> result;
  std::string out;
  std::string err;
};

Parsed parse(std::vector<const char*> arguments) {
  arguments.insert(arguments.begin(), "ringtraced");
  std::ostringstream out;
  std::ostringstream err;
  auto result = parse_command_line(static_cast<int>(arguments.size()), arguments.data(), out, err);
  return {std::move(result), out.str(), err.str()};
}

}  // namespace

TEST_CASE("the arguments are read") {
  const Parsed run = parse({"--config", "a.toml"});
  REQUIRE(std::holds_alternative<CommandLine>(run.result));
  CHECK(std::get<CommandLine>(run.result).config == "a.toml");
  CHECK_FALSE(std::get<CommandLine>(run.result).check);
  CHECK(std::get<CommandLine>(parse({"--config=a.toml", "--check"}).result).check);
  CHECK(std::get<CommandLine>(parse({"--print-config-reference"}).result).print_reference);
}

TEST_CASE("help has examples and the exit statuses, and ends well") {
  const Parsed help = parse({"--help"});
  REQUIRE(std::holds_alternative<int>(help.result));
  CHECK(std::get<int>(help.result) == 0);
  CHECK(help.out.find("ringtraced --config ringtrace.toml --check") != std::string::npos);
  CHECK(help.out.find("Exit status") != std::string::npos);
  CHECK(help.err.empty());
}

TEST_CASE("the version is told") {
  const Parsed version = parse({"--version"});
  CHECK(std::get<int>(version.result) == 0);
  CHECK(version.out.starts_with("ringtraced "));
}

TEST_CASE("mistakes in the arguments are told on the error stream with status 2") {
  for (const std::vector<const char*>& arguments :
       {std::vector<const char*>{}, {"--check"}, {"--confg", "a.toml"}, {"--config"}, {"a.toml"}}) {
    const Parsed wrong = parse(arguments);
    REQUIRE(std::holds_alternative<int>(wrong.result));
    CHECK(std::get<int>(wrong.result) == 2);
    CHECK(wrong.err.starts_with("ringtraced: "));
    CHECK(wrong.out.empty());
  }
}

}  // namespace ringtrace::gateway
