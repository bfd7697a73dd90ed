#include "sip/message.h"

#include <algorithm>

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
  return adopt(msg_make(sip_default_mclass(), 0, text.data(), static_cast<ssize_t>(text.size())));
}

bool Message::is_well_formed() const {
  const sip_t* sip = sip_of(*this);
  if (sip == nullptr || msg_has_error(get()) || (sip->sip_flags & MSG_FLG_TOOLARGE) != 0) return false;
  if (sip_sanity_check(sip) < 0 || sip->sip_via == nullptr) return false;
  if (sip->sip_request != nullptr) return equals_ignoring_case(view(sip->sip_request->rq_version), "SIP/2.0");
  return sip->sip_status->st_status >= 100 && sip->sip_status->st_status <= 699;
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

std::string_view Message::sip_call_id() const { return view(sip_of(*this)->sip_call_id->i_id); }
std::uint32_t Message::cseq() const { return sip_of(*this)->sip_cseq->cs_seq; }
std::string_view Message::from_tag() const { return view(sip_of(*this)->sip_from->a_tag); }
std::string_view Message::to_tag() const { return view(sip_of(*this)->sip_to->a_tag); }
UriView Message::from_uri() const { return view_of(*sip_of(*this)->sip_from->a_url); }
UriView Message::to_uri() const { return view_of(*sip_of(*this)->sip_to->a_url); }

std::optional<UriView> Message::contact_uri() const {
  const sip_contact_t* contact = sip_of(*this)->sip_contact;
  if (contact == nullptr || contact->m_next != nullptr) return std::nullopt;
  return view_of(*contact->m_url);
}

std::optional<std::uint32_t> Message::max_forwards() const {
  const sip_max_forwards_t* header = sip_of(*this)->sip_max_forwards;
  if (header == nullptr) return std::nullopt;
  return static_cast<std::uint32_t>(std::min(header->mf_count, 255ul));
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

std::string Message::proxy_require() const {
  std::string text;
  for (const sip_proxy_require_t* header = sip_of(*this)->sip_proxy_require; header != nullptr;
       header = header->k_next) {
    for (const msg_param_t* item = header->k_items; item != nullptr && *item != nullptr; ++item) {
      if (!text.empty()) text += ", ";
      text += *item;
    }
  }
  return text;
}

bool Message::asks_privacy() const {
  const sip_privacy_t* privacy = sip_privacy(sip_of(*this));
  if (privacy != nullptr) {
    const msg_param_t* values = privacy->priv_values;
    return values != nullptr && *values != nullptr && !equals_ignoring_case(*values, "none");
  }
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
  if (!message_) return {};
  size_t size = 0;
  char* text = msg_as_string(msg_home(get()), get(), nullptr, 0, &size);
  std::string result = text == nullptr ? std::string{} : std::string(text, size);
  su_free(msg_home(get()), text);
  return result;
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
