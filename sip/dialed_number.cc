#include "sip/dialed_number.h"

#include <algorithm>
#include <array>
#include <utility>

#include "sip/attribution.h"
#include "sip/text.h"
#include "sip/uri_list.h"

namespace ringtrace::sip {
namespace {

constexpr std::size_t kMaximumTexts = 16;

using Kind = DialedSource::Kind;

constexpr std::array<std::pair<std::string_view, Kind>, 5> kWords = {{
    {"r-uri", Kind::kRequestUri},
    {"to", Kind::kTo},
    {"p-called-party-id", Kind::kCalledPartyId},
    {"diversion", Kind::kDiversion},
    {"history-info", Kind::kHistoryInfo},
}};
constexpr std::string_view kHeaderPrefix = "header:";

std::string_view header_of(const DialedSource& source) {
  switch (source.kind) {
    case Kind::kCalledPartyId:
      return "P-Called-Party-ID";
    case Kind::kDiversion:
      return "Diversion";
    case Kind::kHistoryInfo:
      return "History-Info";
    default:
      return source.header;
  }
}

// Of a header that holds no URI: the value up to its parameters.
std::string_view bare_text(std::string_view value) {
  value = value.substr(0, value.find_first_of(";,"));
  constexpr std::string_view kAround = " \t\"";
  const std::size_t first = value.find_first_not_of(kAround);
  if (first == std::string_view::npos) return {};
  return value.substr(first, value.find_last_not_of(kAround) - first + 1);
}

}  // namespace

std::optional<DialedSource> DialedSource::parse(std::string_view text) {
  for (const auto& [word, kind] : kWords) {
    if (equals_ignoring_case(text, word)) return DialedSource{kind, {}};
  }
  if (!starts_with_ignoring_case(text, kHeaderPrefix) || !is_token(text.substr(kHeaderPrefix.size())))
    return std::nullopt;
  return DialedSource{Kind::kHeader, std::string(text.substr(kHeaderPrefix.size()))};
}

std::string DialedSource::to_string() const {
  for (const auto& [word, named] : kWords) {
    if (named == kind) return std::string(word);
  }
  return std::string(kHeaderPrefix) + header;
}

std::vector<std::string_view> dialed_texts(const Message& invite, const DialedSource& source) {
  if (source.kind == Kind::kRequestUri) return {invite.request_uri().user};
  if (source.kind == Kind::kTo) return {invite.to_uri().user};
  std::vector<std::string_view> texts;
  for (const std::string_view value : invite.extension_headers(header_of(source))) {
    const std::vector<UriView> uris = uris_of(value);
    for (const UriView& uri : uris) texts.push_back(uri.user);
    if (uris.empty() && source.kind == Kind::kHeader) texts.push_back(bare_text(value));
  }
  std::erase_if(texts, [](std::string_view text) { return text.empty(); });
  if (source.kind == Kind::kHistoryInfo) std::reverse(texts.begin(), texts.end());
  if (texts.size() > kMaximumTexts) texts.resize(kMaximumTexts);
  return texts;
}

Party dialed_of(const Message& invite, const std::vector<DialedSource>& sources, const NumberReader& reader,
                const Attribution& ours) {
  std::optional<Party> first;
  for (const DialedSource& source : sources) {
    for (const std::string_view text : dialed_texts(invite, source)) {
      const auto number = reader.read(text);
      if (!number) continue;
      if (ours.knows(*number)) return {number, number->to_string()};
      if (!first) first = Party{number, number->to_string()};
    }
  }
  if (first) return *first;
  return {std::nullopt, display_number(std::nullopt, invite.request_uri().user)};
}

std::string user_for_line(const Message& invite, const Party& dialed, const NumberReader& reader) {
  const std::string_view user = invite.request_uri().user;
  if (!dialed.number || reader.read(user) == dialed.number) return std::string(user);
  return dialed.text;
}

}  // namespace ringtrace::sip
