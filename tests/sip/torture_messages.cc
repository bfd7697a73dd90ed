#include "tests/sip/torture_messages.h"

#include <fstream>
#include <functional>
#include <regex>
#include <sstream>
#include <stdexcept>

namespace ringtrace::sip::test {
namespace {

std::string replace_each(const std::string& text, const std::string& pattern,
                         const std::function<std::string(const std::smatch&)>& replacement) {
  std::string result;
  const std::regex expression(pattern);
  std::string rest = text;
  std::smatch match;
  while (std::regex_search(rest, match, expression)) {
    result += match.prefix();
    result += replacement(match);
    rest = match.suffix();
  }
  return result + rest;
}

std::string without(std::string text, const std::string& characters) {
  std::erase_if(text, [&](char c) { return characters.find(c) != std::string::npos; });
  return text;
}

std::string expand(std::string text) {
  text = replace_each(text, "<allOneLine>\n([^]*?)\n</allOneLine>",
                      [](const std::smatch& match) { return without(match[1], "\n"); });
  text = replace_each(text, "<repeat count=([0-9]+)>([^<]*)</repeat>", [](const std::smatch& match) {
    std::string repeated;
    for (int i = std::stoi(match[1]); i > 0; --i) repeated += match[2];
    return repeated;
  });
  text = replace_each(text, "\n", [](const std::smatch&) { return "\r\n"; });
  return replace_each(text, "<hex>([0-9A-Fa-f \r\n]*)</hex>", [](const std::smatch& match) {
    const std::string digits = without(match[1], " \r\n");
    std::string bytes;
    for (std::size_t i = 0; i + 1 < digits.size(); i += 2) {
      bytes += static_cast<char>(std::stoi(digits.substr(i, 2), nullptr, 16));
    }
    return bytes;
  });
}

std::vector<int> answers_of(const std::string& text) {
  std::vector<int> answers;
  std::istringstream parts(text);
  for (std::string part; text != "none" && std::getline(parts, part, '|');)
    answers.push_back(std::stoi(part));
  return answers;
}

}  // namespace

std::vector<TortureMessage> read_torture_messages(const std::string& path) {
  std::ifstream file(path);
  if (!file) throw std::runtime_error(path + " cannot be read");
  std::vector<TortureMessage> messages;
  for (std::string line; std::getline(file, line);) {
    if (line.rfind("==== ", 0) == 0) {
      std::istringstream words(line.substr(5));
      TortureMessage message;
      std::string udp;
      std::string tcp;
      words >> message.name >> message.section >> udp >> tcp;
      message.over_udp = answers_of(udp);
      message.over_tcp = tcp.empty() ? message.over_udp : answers_of(tcp.substr(4));
      messages.push_back(std::move(message));
    } else if (!messages.empty()) {
      messages.back().bytes += line + "\n";
    }
  }
  for (TortureMessage& message : messages) message.bytes = expand(message.bytes);
  return messages;
}

}  // namespace ringtrace::sip::test
