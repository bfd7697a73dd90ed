// The messages a proxy makes itself: answers, and the ACK and CANCEL of an INVITE.

#include "sip/message_text.h"
#include "sip/sofia.h"
#include "sip/text.h"

namespace ringtrace::sip {
namespace {

void add(std::string& text, std::string_view name, std::string_view value) {
  text.append(name).append(": ").append(value).append("\r\n");
}

// An ACK or CANCEL that goes the way of `invite`: its Request-URI, topmost Via, Route, From, Call-ID and CSeq
// number.
Message follow_up(const Message& invite, const char* method, std::string_view to) {
  std::string text(method);
  text.append(" ").append(invite.request_uri_text()).append(" SIP/2.0\r\n");
  add(text, "Via", invite.first_value(Field::kVia));
  invite.append_rows(Field::kRoute, text);
  add(text, "Max-Forwards", "70");
  invite.append_rows(Field::kFrom, text);
  add(text, "To", to);
  invite.append_rows(Field::kCallId, text);
  add(text, "CSeq", std::to_string(invite.cseq()) + " " + method);
  return Message::judged(text + "Content-Length: 0\r\n\r\n", std::nullopt);
}

}  // namespace

std::string_view reason_phrase(int status) {
  if (status == 440) return "Max-Breadth Exceeded";  // RFC 5393
  const char* phrase = sip_status_phrase(status);
  return phrase == nullptr ? "Unknown" : phrase;
}

Message make_response(const Message& request, int status, std::string_view to_tag,
                      const std::vector<std::string>& extra, std::string_view phrase) {
  if (phrase.empty()) phrase = reason_phrase(status);
  std::string text = "SIP/2.0 " + std::to_string(status) + " ";
  text.append(phrase).append("\r\n");
  request.append_rows(Field::kVia, text);
  request.append_rows(Field::kFrom, text);
  if (status > 100 && !to_tag.empty() && request.to_tag().empty()) {
    add(text, "To", std::string(request.first_value(Field::kTo)).append(";tag=").append(to_tag));
  } else {
    request.append_rows(Field::kTo, text);
  }
  request.append_rows(Field::kCallId, text);
  request.append_rows(Field::kCSeq, text);
  if (const auto timestamp = request.extension_header("Timestamp"); status == 100 && timestamp)
    add(text, "Timestamp", *timestamp);
  for (const std::string& line : extra) text.append(line).append("\r\n");
  return Message::judged(text + "Content-Length: 0\r\n\r\n", std::nullopt);
}

Message make_ack(const Message& invite, const Message& response) {
  return follow_up(invite, "ACK", response.first_value(Field::kTo));
}

Message make_stateless_ack(const Message& response, const Hop& to, const std::string& via) {
  std::string text = "ACK sip:" + to.endpoint.to_string();
  text.append(transport_parameter(to.transport)).append(" SIP/2.0\r\n");
  add(text, "Via", via);
  add(text, "Max-Forwards", "70");
  response.append_rows(Field::kFrom, text);
  response.append_rows(Field::kTo, text);
  response.append_rows(Field::kCallId, text);
  add(text, "CSeq", std::to_string(response.cseq()) + " ACK");
  return Message::judged(text + "Content-Length: 0\r\n\r\n", std::nullopt);
}

Message make_cancel(const Message& invite) {
  return follow_up(invite, "CANCEL", invite.first_value(Field::kTo));
}

}  // namespace ringtrace::sip
