// The changes a proxy makes to a message (RFC 3261 section 16.6 and 16.7), and the messages it makes itself.

#include <algorithm>

#include "sip/message.h"
#include "sip/message_class.h"
#include "sip/sofia.h"
#include "sip/text.h"

namespace ringtrace::sip {
namespace {

sip_t* sip_of(const Message& message) { return sip_object(message.get()); }

template <typename Header>
void insert(const Message& message, Header* header) {
  if (header != nullptr) msg_header_insert(message.get(), public_part(sip_of(message)), as_header(header));
}

template <typename Header>
void remove(const Message& message, Header* header) {
  if (header != nullptr) msg_header_remove(message.get(), public_part(sip_of(message)), as_header(header));
}

template <typename Header>
void add_copy(const Message& message, const Header* header) {
  if (header != nullptr) msg_header_add_dup(message.get(), public_part(sip_of(message)), as_header(header));
}

Message new_message() { return Message::adopt(msg_create(message_class(), 0)); }

// An ACK or CANCEL that goes the way of `invite`: its Request-URI, topmost Via, Route, From, Call-ID and CSeq
// number.
Message follow_up(const Message& invite, sip_method_t method, const char* name, const sip_to_t* to) {
  Message message = new_message();
  su_home_t* home = msg_home(message.get());
  const sip_t* original = sip_of(invite);
  insert(message,
         sip_request_create(home, method, name,
                            reinterpret_cast<const url_string_t*>(original->sip_request->rq_url), nullptr));
  if (original->sip_via != nullptr) {
    insert(message, msg_header_dup_one(home, as_header(original->sip_via)));
  }
  add_copy(message, original->sip_route);
  message.set_max_forwards(70);
  add_copy(message, original->sip_from);
  add_copy(message, to);
  add_copy(message, original->sip_call_id);
  insert(message, sip_cseq_create(home, original->sip_cseq->cs_seq, static_cast<unsigned>(method), name));
  return message;
}

// Headers that came in one row share its text: when one of them changes, all are written anew.
template <typename Header>
void forget_text(Header* first, Header* Header::*next) {
  for (Header* header = first; header != nullptr; header = header->*next) {
    as_header(header)->sh_data = nullptr;
    as_header(header)->sh_len = 0;
  }
}

}  // namespace

Message Message::clone() const {
  Message copy = adopt(msg_copy(get()));
  if (!copy) return copy;
  // sofia-sip would write the copy's headers anew. Their text belongs to the original, which the copy keeps.
  msg_header_t* to = *msg_chain_head(copy.get());
  for (const msg_header_t* from = *msg_chain_head(get()); from != nullptr && to != nullptr;
       from = from->sh_succ, to = to->sh_succ) {
    if (from->sh_class != to->sh_class) break;
    to->sh_data = from->sh_data;
    to->sh_len = from->sh_len;
  }
  return copy;
}

Message Message::verbatim(std::string_view text) {
  Message message = new_message();
  message.verbatim_ = true;
  su_home_t* home = msg_home(message.get());
  sip_status_t* whole = sip_status_create(home, 200, "OK", nullptr);
  insert(message, whole);
  if (whole != nullptr) {
    whole->st_common->h_data = su_strndup(home, text.data(), static_cast<isize_t>(text.size()));
    whole->st_common->h_len = static_cast<usize_t>(text.size());
  }
  return message;
}

void Message::stamp_received(const Endpoint& source) {
  su_home_t* home = msg_home(get());
  sip_via_t* via = sip_of(*this)->sip_via;
  const std::string received = "received=" + source.address.to_string();
  const std::string rport = "rport=" + std::to_string(source.port);
  forget_text(via, &sip_via_t::v_next);
  msg_header_replace_param(home, via->v_common, su_strdup(home, received.c_str()));
  msg_header_replace_param(home, via->v_common, su_strdup(home, rport.c_str()));
}

void Message::prepend_via(const std::string& value) {
  insert(*this, sip_via_make(msg_home(get()), value.c_str()));
}

void Message::pop_via() { remove(*this, sip_of(*this)->sip_via); }

void Message::set_request_uri(const std::string& uri) {
  const sip_request_t* old = sip_of(*this)->sip_request;
  su_home_t* home = msg_home(get());
  insert(*this,
         sip_request_create(home, old->rq_method, old->rq_method_name,
                            reinterpret_cast<const url_string_t*>(su_strdup(home, uri.c_str())), nullptr));
}

void Message::set_max_forwards(std::uint32_t count) {
  insert(*this, sip_max_forwards_make(msg_home(get()), std::to_string(count).c_str()));
}

void Message::prepend_record_route(const std::string& uri) {
  const std::string value = "<" + uri + ">";
  insert(*this, sip_record_route_make(msg_home(get()), value.c_str()));
}

void Message::pop_route() { remove(*this, sip_of(*this)->sip_route); }

void Message::restore_request_uri() {
  const std::size_t count = route_count();
  if (count == 0) return;
  set_request_uri(route_text(count - 1));
  sip_route_t* last = sip_of(*this)->sip_route;
  while (last->r_next != nullptr) last = last->r_next;
  remove(*this, last);
}

void Message::remove_extension_headers(std::string_view prefix) {
  sip_unknown_t* next = nullptr;
  for (sip_unknown_t* header = sip_of(*this)->sip_unknown; header != nullptr; header = next) {
    next = header->un_next;
    if (starts_with_ignoring_case(header->un_name == nullptr ? "" : header->un_name, prefix))
      remove(*this, header);
  }
}

void Message::remove_extension_header(std::string_view name) {
  sip_unknown_t* next = nullptr;
  for (sip_unknown_t* header = sip_of(*this)->sip_unknown; header != nullptr; header = next) {
    next = header->un_next;
    if (equals_ignoring_case(header->un_name == nullptr ? "" : header->un_name, name)) remove(*this, header);
  }
}

void Message::add_extension_header(const std::string& name, const std::string& value) {
  const std::string line = name + ": " + value;
  insert(*this, sip_unknown_make(msg_home(get()), line.c_str()));
}

bool Message::prepare() {
  if (!message_) return false;
  sip_t* sip = sip_of(*this);
  if (sip == nullptr || (!verbatim_ && sip_complete_message(get()) < 0)) return false;
  return msg_serialize(get(), public_part(sip)) >= 0 && *msg_chain_head(get()) != nullptr &&
         msg_prepare(get()) >= 0;
}

std::string_view reason_phrase(int status) {
  if (status == 440) return "Max-Breadth Exceeded";  // RFC 5393
  const char* phrase = sip_status_phrase(status);
  return phrase == nullptr ? "Unknown" : phrase;
}

Message make_response(const Message& request, int status, std::string_view to_tag,
                      const std::vector<std::string>& extra, std::string_view phrase) {
  Message response = new_message();
  su_home_t* home = msg_home(response.get());
  const sip_t* original = sip_of(request);
  if (phrase.empty()) phrase = reason_phrase(status);
  insert(response,
         sip_status_create(home, static_cast<unsigned>(status),
                           su_strndup(home, phrase.data(), static_cast<isize_t>(phrase.size())), nullptr));
  add_copy(response, original->sip_via);
  add_copy(response, original->sip_from);
  add_copy(response, original->sip_to);
  if (status > 100 && !to_tag.empty() && original->sip_to->a_tag == nullptr) {
    sip_to_tag(home, sip_of(response)->sip_to, std::string(to_tag).c_str());
  }
  add_copy(response, original->sip_call_id);
  add_copy(response, original->sip_cseq);
  if (const auto timestamp = request.extension_header("Timestamp"); status == 100 && timestamp) {
    response.add_extension_header("Timestamp", std::string(*timestamp));
  }
  for (const std::string& line : extra) {
    msg_header_add_str(response.get(), public_part(sip_of(response)), line.c_str());
  }
  return response;
}

Message make_ack(const Message& invite, const Message& response) {
  return follow_up(invite, sip_method_ack, "ACK", sip_of(response)->sip_to);
}

Message make_stateless_ack(const Message& response, const Hop& to, const std::string& via) {
  Message ack = new_message();
  su_home_t* home = msg_home(ack.get());
  const sip_t* original = sip_of(response);
  const std::string uri = "sip:" + to.endpoint.to_string() + std::string(transport_parameter(to.transport));
  insert(ack,
         sip_request_create(home, sip_method_ack, "ACK",
                            reinterpret_cast<const url_string_t*>(su_strdup(home, uri.c_str())), nullptr));
  insert(ack, sip_via_make(home, via.c_str()));
  ack.set_max_forwards(70);
  add_copy(ack, original->sip_from);
  add_copy(ack, original->sip_to);
  add_copy(ack, original->sip_call_id);
  insert(ack,
         sip_cseq_create(home, original->sip_cseq->cs_seq, static_cast<unsigned>(sip_method_ack), "ACK"));
  return ack;
}

Message make_cancel(const Message& invite) {
  return follow_up(invite, sip_method_cancel, "CANCEL", sip_of(invite)->sip_to);
}

}  // namespace ringtrace::sip
