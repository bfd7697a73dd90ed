#include "sip/message.h"

#include <algorithm>
#include <charconv>

#include "sip/message_content.h"
#include "sip/message_defect.h"
#include "sip/plain_message.h"
#include "sip/text.h"

namespace ringtrace::sip {
namespace {

std::optional<Hop> hop_of(std::string_view host, std::string_view port, Transport transport) {
  const auto address = IpAddress::parse(host);
  const auto number = port.empty() ? std::optional<std::uint16_t>(default_port(transport)) : parse_port(port);
  if (!address || !address->is_unicast() || !number) return std::nullopt;
  return Hop{transport, {*address, *number}};
}

std::uint64_t number_at_front(std::string_view text) {
  std::uint64_t number = 0;
  std::from_chars(text.data(), text.data() + text.size(), number);
  return number;
}

}  // namespace

std::optional<Hop> UriView::numeric_hop() const {
  if (!equals_ignoring_case(scheme, "sip")) return std::nullopt;
  Transport transport = Transport::kUdp;
  if (const auto word = find_parameter(parameters, "transport")) {
    const auto known = parse_transport(*word);
    if (!known) return std::nullopt;
    transport = *known;
  }
  return hop_of(host, port, transport);
}

std::optional<Hop> ViaView::response_hop() const {
  const auto transport = parse_transport(protocol.substr(protocol.rfind('/') + 1));
  if (!transport) return std::nullopt;
  return hop_of(received.empty() ? host : received, rport.empty() ? port : rport, *transport);
}

Hop ViaView::answers_at(const Hop& source) const {
  if (asks_port || is_reliable(source.transport) || IpAddress::parse(host) != source.endpoint.address)
    return source;
  const auto own =
      port.empty() ? std::optional<std::uint16_t>(default_port(source.transport)) : parse_port(port);
  return own ? Hop{source.transport, {source.endpoint.address, *own}} : source;
}

Message Message::parse(std::string_view text, std::size_t most_headers) {
  Message message;
  message.content_ = std::make_shared<Content>();
  Content& content = *message.content_;
  content.received = text;
  MessageParts parts = take_apart(content.received);
  const bool has_too_many = parts.rows.size() > most_headers;
  const bool plain = !has_too_many && is_plain(parts);
  if (has_too_many) {
    content.defect = {400, "Too Many Headers"};
  } else if (!plain) {
    const bool has_nul = parts.head.find('\0') != std::string_view::npos;
    content.defect = has_nul ? Defect{400, "NUL in a Header"} : find_defect(text);
  }
  content.take(std::move(parts), plain);
  return message;
}

Message Message::judged(std::string_view text, std::optional<Defect> defect) {
  Message message;
  message.content_ = std::make_shared<Content>();
  message.content_->received = text;
  message.content_->defect = defect;
  message.content_->take(take_apart(message.content_->received), false);
  return message;
}

Message Message::verbatim(std::string_view text) {
  Message message;
  message.content_ = std::make_shared<Content>();
  message.content_->wire = text;
  return message;
}

std::optional<Defect> Message::defect() const {
  return content_ ? content_->defect : Defect{400, "Bad Request"};
}

bool Message::is_request() const { return content_->is_request; }
Method Message::method() const { return method_of(content_->method_name); }
std::string_view Message::method_name() const { return content_->method_name; }
int Message::status() const { return content_->status; }
UriView Message::request_uri() const { return read_uri(content_->request_uri); }
std::string_view Message::request_uri_text() const { return content_->request_uri; }
bool Message::request_uri_has_headers() const { return !request_uri().headers.empty(); }

std::string_view Message::sip_call_id() const { return content_->value_of(Field::kCallId); }

std::uint32_t Message::cseq() const {
  return static_cast<std::uint32_t>(number_at_front(content_->value_of(Field::kCSeq)));
}

std::string_view Message::from_tag() const { return content_->tag_of(Field::kFrom, content_->from_tag); }
std::string_view Message::to_tag() const { return content_->tag_of(Field::kTo, content_->to_tag); }

UriView Message::from_uri() const { return read_uri(read_address(content_->value_of(Field::kFrom)).uri); }
UriView Message::to_uri() const { return read_uri(read_address(content_->value_of(Field::kTo)).uri); }

std::optional<std::uint32_t> Message::max_forwards() const {
  const std::string_view value = content_->value_of(Field::kMaxForwards);
  if (value.empty()) return std::nullopt;
  return static_cast<std::uint32_t>(std::min<std::uint64_t>(number_at_front(value), 256));
}

std::size_t Message::via_count() const { return content_->count(Field::kVia); }

ViaView Message::via(std::size_t index) const {
  if (index > 0) return read_via(content_->value_at(Field::kVia, index));
  if (!content_->top_via) content_->top_via = read_via(content_->value_at(Field::kVia, 0));
  return *content_->top_via;
}

bool Message::has_route() const { return !content_->value_at(Field::kRoute, 0).empty(); }
std::size_t Message::route_count() const { return content_->count(Field::kRoute); }

UriView Message::route_uri(std::size_t index) const {
  return read_uri(read_address(content_->value_at(Field::kRoute, index)).uri);
}

std::string_view Message::route_text(std::size_t index) const {
  return read_address(content_->value_at(Field::kRoute, index)).uri;
}

std::string Message::joined_header(std::string_view name, std::string_view compact) const {
  std::string text;
  for (const Row& row : content_->rows) {
    if (row.field != Field::kOther || row.value.empty()) continue;
    if (!equals_ignoring_case(row.name, name) &&
        (compact.empty() || !equals_ignoring_case(row.name, compact)))
      continue;
    if (!text.empty()) text += ", ";
    text += row.value;
  }
  return text;
}

bool Message::lists(std::string_view name, std::string_view compact, std::string_view token) const {
  const std::string joined = joined_header(name, compact);
  return contains_token(joined, token);
}

std::optional<std::string_view> Message::extension_header(std::string_view name) const {
  for (const Row& row : content_->rows)
    if (row.field == Field::kOther && equals_ignoring_case(row.name, name)) return row.value;
  return std::nullopt;
}

std::vector<std::string_view> Message::extension_headers(std::string_view name) const {
  std::vector<std::string_view> values;
  for (const Row& row : content_->rows)
    if (row.field == Field::kOther && equals_ignoring_case(row.name, name)) values.push_back(row.value);
  return values;
}

void Message::append_rows(Field field, std::string& text) const {
  for (const Row& row : content_->rows)
    if (row.field == field) text.append(row.text);
}

std::string_view Message::first_value(Field field) const {
  const bool may_list = field == Field::kVia || field == Field::kRoute || field == Field::kRecordRoute;
  return may_list ? content_->value_at(field, 0) : content_->value_of(field);
}

std::string_view Message::text() const {
  return content_ ? std::string_view(content_->wire) : std::string_view{};
}

std::string Message::to_string() const {
  if (!content_) return {};
  if (!content_->wire.empty()) return content_->wire;
  return content_->defect || content_->rows.empty() ? content_->received : content_->write();
}

std::optional<UriView> first_uri(std::string_view value) {
  // A display name may hold anything inside quotes, angle brackets included.
  bool quoted = false;
  std::size_t open = std::string_view::npos;
  for (std::size_t i = 0; i < value.size(); ++i) {
    if (quoted && value[i] == '\\') {
      ++i;
    } else if (value[i] == '"') {
      quoted = !quoted;
    } else if (!quoted && value[i] == '<') {
      open = i;
      break;
    }
  }
  std::string_view uri;
  if (open != std::string_view::npos) {
    const std::size_t close = value.find('>', open);
    if (close == std::string_view::npos) return std::nullopt;
    uri = value.substr(open + 1, close - open - 1);
  } else {
    uri = value.substr(0, value.find_first_of(",; \t"));
  }
  const std::size_t colon = uri.find(':');
  if (colon == std::string_view::npos) return std::nullopt;
  UriView result;
  result.scheme = uri.substr(0, colon);
  uri.remove_prefix(colon + 1);
  if (equals_ignoring_case(result.scheme, "tel")) {
    result.user = uri;
    return result;
  }
  const std::size_t at = uri.find('@');
  if (at == std::string_view::npos) return std::nullopt;
  result.user = uri.substr(0, at);
  result.user = result.user.substr(0, result.user.find(':'));
  result.host = uri.substr(at + 1);
  return result;
}

}  // namespace ringtrace::sip
