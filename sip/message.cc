#include "sip/message.h"

#include <algorithm>

#include "sip/message_class.h"
#include "sip/sofia.h"
#include "sip/text.h"

namespace ringtrace::sip {
namespace {

std::string_view view(const char* text) { return text == nullptr ? std::string_view{} : text; }

UriView view_of(const url_t& url) {
  return {view(url.url_scheme), view(url.url_user), view(url.url_host), view(url.url_port),
          view(url.url_params)};
}

Method method_of(sip_method_t method) {
  switch (method) {
    case sip_method_invite:
      return Method::kInvite;
    case sip_method_ack:
      return Method::kAck;
    case sip_method_cancel:
      return Method::kCancel;
    case sip_method_bye:
      return Method::kBye;
    case sip_method_options:
      return Method::kOptions;
    default:
      return Method::kOther;
  }
}

sip_t* sip_of(const Message& message) { return message ? sip_object(message.get()) : nullptr; }

std::optional<Hop> hop_of(std::string_view host, std::string_view port, Transport transport) {
  const auto address = IpAddress::parse(host);
  const auto number = port.empty() ? std::optional<std::uint16_t>(default_port(transport)) : parse_port(port);
  if (!address || !address->is_unicast() || !number) return std::nullopt;
  return Hop{transport, {*address, *number}};
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

void Message::Release::operator()(msg_s* message) const { msg_destroy(message); }

Message Message::adopt(msg_s* message) {
  Message result;
  result.message_ = std::shared_ptr<msg_s>(message, Release{});
  return result;
}

Message Message::parse(std::string_view text) {
  return adopt(
      msg_make(message_class(), MSG_DO_EXTRACT_COPY, text.data(), static_cast<ssize_t>(text.size())));
}

std::optional<Defect> Message::defect() const {
  const sip_t* sip = sip_of(*this);
  if (sip == nullptr) return Defect{400, "Bad Request"};
  if (sip->sip_request != nullptr && !equals_ignoring_case(view(sip->sip_request->rq_version), "SIP/2.0")) {
    return Defect{505, "Version Not Supported"};
  }
  if (sip->sip_request == nullptr && sip->sip_status == nullptr) return Defect{400, "Bad Start Line"};
  if (sip->sip_via == nullptr) return Defect{400, "Missing or Bad Via"};
  if (sip->sip_from == nullptr) return Defect{400, "Missing or Bad From"};
  if (sip->sip_to == nullptr) return Defect{400, "Missing or Bad To"};
  if (sip->sip_call_id == nullptr) return Defect{400, "Missing or Bad Call-ID"};
  if (sip->sip_cseq == nullptr) return Defect{400, "Missing or Bad CSeq"};
  // Of the few headers that are taken apart, one that could not be, or one that may not come twice.
  if (sip->sip_error != nullptr) return Defect{400, "Malformed or Repeated Header"};
  if ((sip->sip_flags & MSG_FLG_TOOLARGE) != 0) return Defect{513, "Message Too Large"};
  if ((sip->sip_flags & MSG_FLG_TRUNC) != 0) return Defect{400, "Body Shorter Than Content-Length"};
  if (msg_has_error(get())) return Defect{400, "Bad Request"};
  if (sip->sip_request != nullptr) {
    if (view(sip->sip_request->rq_method_name) != view(sip->sip_cseq->cs_method_name)) {
      return Defect{400, "CSeq Names Another Method"};
    }
    if (sip_sanity_check(sip) < 0) return Defect{400, "Bad Request-URI"};
  } else if (sip_sanity_check(sip) < 0 || sip->sip_status->st_status < 100 ||
             sip->sip_status->st_status > 699) {
    return Defect{400, "Bad Status"};
  }
  return std::nullopt;
}

bool Message::is_request() const { return sip_of(*this)->sip_request != nullptr; }

Method Message::method() const {
  const sip_t* sip = sip_of(*this);
  return method_of(sip->sip_request != nullptr ? sip->sip_request->rq_method : sip->sip_cseq->cs_method);
}

std::string_view Message::method_name() const {
  const sip_t* sip = sip_of(*this);
  return view(sip->sip_request != nullptr ? sip->sip_request->rq_method_name : sip->sip_cseq->cs_method_name);
}

int Message::status() const {
  const sip_status_t* status_line = sip_of(*this)->sip_status;
  return status_line == nullptr ? 0 : status_line->st_status;
}

UriView Message::request_uri() const { return view_of(*sip_of(*this)->sip_request->rq_url); }

std::string Message::request_uri_text() const {
  const url_t* url = sip_of(*this)->sip_request->rq_url;
  std::string text(static_cast<std::size_t>(std::max<isize_t>(url_e(nullptr, 0, url), 0)) + 1, '\0');
  url_e(text.data(), static_cast<isize_t>(text.size()), url);
  text.pop_back();
  return text;
}

bool Message::request_uri_has_headers() const {
  return !view(sip_of(*this)->sip_request->rq_url->url_headers).empty();
}

std::string_view Message::sip_call_id() const { return view(sip_of(*this)->sip_call_id->i_id); }
std::uint32_t Message::cseq() const { return sip_of(*this)->sip_cseq->cs_seq; }
std::string_view Message::from_tag() const { return view(sip_of(*this)->sip_from->a_tag); }
std::string_view Message::to_tag() const { return view(sip_of(*this)->sip_to->a_tag); }
UriView Message::from_uri() const { return view_of(*sip_of(*this)->sip_from->a_url); }
UriView Message::to_uri() const { return view_of(*sip_of(*this)->sip_to->a_url); }

std::optional<std::uint32_t> Message::max_forwards() const {
  const sip_max_forwards_t* header = sip_of(*this)->sip_max_forwards;
  if (header == nullptr) return std::nullopt;
  return static_cast<std::uint32_t>(std::min(header->mf_count, 256ul));
}

std::size_t Message::via_count() const {
  std::size_t count = 0;
  for (const sip_via_t* via = sip_of(*this)->sip_via; via != nullptr; via = via->v_next) ++count;
  return count;
}

ViaView Message::via(std::size_t index) const {
  const sip_via_t* found = sip_of(*this)->sip_via;
  while (found != nullptr && index-- > 0) found = found->v_next;
  if (found == nullptr) return {};
  return {view(found->v_protocol), view(found->v_host),     view(found->v_port),
          view(found->v_branch),   view(found->v_received), view(found->v_rport)};
}

std::size_t Message::route_count() const {
  std::size_t count = 0;
  for (const sip_route_t* route = sip_of(*this)->sip_route; route != nullptr; route = route->r_next) ++count;
  return count;
}

UriView Message::route_uri(std::size_t index) const {
  const sip_route_t* route = sip_of(*this)->sip_route;
  while (route != nullptr && index-- > 0) route = route->r_next;
  return route == nullptr ? UriView{} : view_of(*route->r_url);
}

std::string Message::route_text(std::size_t index) const {
  const sip_route_t* route = sip_of(*this)->sip_route;
  while (route != nullptr && index-- > 0) route = route->r_next;
  if (route == nullptr) return {};
  std::string text(static_cast<std::size_t>(std::max<isize_t>(url_e(nullptr, 0, route->r_url), 0)) + 1, '\0');
  url_e(text.data(), static_cast<isize_t>(text.size()), route->r_url);
  text.pop_back();
  return text;
}

std::string Message::joined_header(std::string_view name, std::string_view compact) const {
  std::string text;
  for (const sip_unknown_t* header = sip_of(*this)->sip_unknown; header != nullptr;
       header = header->un_next) {
    const std::string_view found = view(header->un_name);
    if (!equals_ignoring_case(found, name) && (compact.empty() || !equals_ignoring_case(found, compact)))
      continue;
    const std::string_view value = view(header->un_value);
    if (value.empty()) continue;
    if (!text.empty()) text += ", ";
    text += value;
  }
  return text;
}

bool Message::lists(std::string_view name, std::string_view compact, std::string_view token) const {
  const std::string joined = joined_header(name, compact);
  return contains_token(joined, token);
}

bool Message::asks_privacy() const {
  const auto text = extension_header("Privacy");
  return text && !text->empty() && !equals_ignoring_case(*text, "none");
}

std::optional<std::string_view> Message::extension_header(std::string_view name) const {
  for (const sip_unknown_t* header = sip_of(*this)->sip_unknown; header != nullptr;
       header = header->un_next) {
    if (equals_ignoring_case(view(header->un_name), name)) return view(header->un_value);
  }
  return std::nullopt;
}

std::vector<std::string_view> Message::extension_headers(std::string_view name) const {
  std::vector<std::string_view> values;
  for (const sip_unknown_t* header = sip_of(*this)->sip_unknown; header != nullptr;
       header = header->un_next) {
    if (equals_ignoring_case(view(header->un_name), name)) values.push_back(view(header->un_value));
  }
  return values;
}

std::string Message::to_string() const {
  std::string text;
  if (!message_) return text;
  if (*msg_chain_head(get()) == nullptr) {
    // Not even the start line could be read; the text still waits to be.
    const auto* bytes = static_cast<const char*>(msg_buf_committed_data(get()));
    return bytes == nullptr ? text : std::string(bytes, msg_buf_committed(get()));
  }
  if (msg_prepare(get()) < 0) return text;
  for (const msg_header_t* header = *msg_chain_head(get()); header != nullptr; header = header->sh_succ) {
    if (header->sh_data == nullptr) continue;
    text.append(static_cast<const char*>(header->sh_data), header->sh_len);
  }
  return text;
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
