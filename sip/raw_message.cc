#include "sip/raw_message.h"

#include <algorithm>
#include <array>

#include "sip/message_text.h"
#include "sip/text.h"

namespace ringtrace::sip {
namespace {

constexpr std::string_view kWhiteSpace = " \t\r\n";

std::string_view trimmed(std::string_view text) {
  const std::size_t first = text.find_first_not_of(kWhiteSpace);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(kWhiteSpace) - first + 1);
}

bool is_named(const RawMessage::Header& header, std::string_view name, char compact) {
  if (header.name.size() == 1 && compact != '\0') {
    return equals_ignoring_case(header.name, std::string_view(&compact, 1));
  }
  return equals_ignoring_case(header.name, name);
}

std::string_view tag_of(std::string_view value) {
  // Parameters come after the address; a tag inside <> is the URI's.
  const std::size_t close = value.rfind('>');
  const std::size_t first = value.find(';', close == std::string_view::npos ? 0 : close);
  if (first == std::string_view::npos) return {};
  const auto tag = find_parameter(value.substr(first + 1), "tag");
  return tag ? trimmed(*tag) : std::string_view{};
}

}  // namespace

RawMessage::RawMessage(std::string_view text) {
  const MessageParts parts = take_apart(text);
  start_line_ = trimmed(parts.start_line);
  for (const Row& row : parts.rows)
    if (!row.name.empty()) headers_.push_back({row.name, row.value});
}

bool RawMessage::is_request() const { return !method().empty(); }

std::string_view RawMessage::method() const {
  const std::size_t first = start_line_.find(' ');
  const std::size_t last = start_line_.rfind(' ');
  if (first == std::string_view::npos || first == last) return {};
  if (!starts_with_ignoring_case(start_line_.substr(last + 1), "SIP/")) return {};
  return start_line_.substr(0, first);
}

std::string_view RawMessage::header(std::string_view name, char compact) const {
  const auto found = std::find_if(headers_.begin(), headers_.end(),
                                  [&](const Header& header) { return is_named(header, name, compact); });
  return found == headers_.end() ? std::string_view{} : found->value;
}

std::string_view RawMessage::to_tag() const { return tag_of(header("To", 't')); }

Hop RawMessage::answers_at(const Hop& source) const {
  std::string_view vias = header("Via", 'v');
  return read_via(take_value(vias)).answers_at(source);
}

std::string_view raw_to_tag(std::string_view text) { return tag_of(first_row(text, Field::kTo)); }

std::string make_raw_response(const RawMessage& request, int status, std::string_view reason,
                              std::string_view to_tag, const std::vector<std::string>& extra) {
  struct Echoed {
    std::string_view name;
    char compact;
  };
  constexpr std::array<Echoed, 5> kEchoed = {
      {{"Via", 'v'}, {"From", 'f'}, {"To", 't'}, {"Call-ID", 'i'}, {"CSeq", '\0'}}};
  if (request.header("Via", 'v').empty()) return {};
  std::string text = "SIP/2.0 " + std::to_string(status) + " " + std::string(reason) + "\r\n";
  for (const Echoed& echoed : kEchoed) {
    for (const RawMessage::Header& header : request.headers()) {
      if (!is_named(header, echoed.name, echoed.compact)) continue;
      text.append(echoed.name).append(": ").append(header.value);
      if (echoed.compact == 't' && request.to_tag().empty()) text.append(";tag=").append(to_tag);
      text.append("\r\n");
      if (echoed.compact != 'v') break;
    }
  }
  for (const std::string& line : extra) text.append(line).append("\r\n");
  return text + "Content-Length: 0\r\n\r\n";
}

}  // namespace ringtrace::sip
