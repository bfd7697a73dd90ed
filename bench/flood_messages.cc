#include "bench/flood_messages.h"

#include <algorithm>
#include <charconv>

namespace ringtrace::bench {
namespace {

constexpr std::string_view kCallId = "flood-";
constexpr const char* const kLineSdp =
    "v=0\r\no=desk 53655765 2353687637 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\n"
    "m=audio 6000 RTP/AVP 8\r\na=rtpmap:8 PCMA/8000\r\n";
constexpr const char* const kCallerSdp =
    "v=0\r\no=caller 53655765 2353687637 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\n"
    "m=audio 6000 RTP/AVP 8 0\r\na=rtpmap:8 PCMA/8000\r\na=rtpmap:0 PCMU/8000\r\n";

/// The values of a message's rows of one name, in order; the name is written as RFC 3261 writes it.
template <typename Take>
void for_each_value(std::string_view message, std::string_view name, const Take& take) {
  for (std::size_t at = message.find("\r\n"); at + 4 < message.size(); at = message.find("\r\n", at + 2)) {
    const std::string_view row = message.substr(at + 2);
    if (row.starts_with("\r\n")) return;
    if (!row.starts_with(name) || row.size() <= name.size() || row[name.size()] != ':') continue;
    std::string_view value = row.substr(name.size() + 1, row.find("\r\n") - name.size() - 1);
    while (value.starts_with(' ')) value.remove_prefix(1);
    take(value);
  }
}

std::string_view value_of(std::string_view message, std::string_view name) {
  std::string_view found;
  for_each_value(message, name, [&found](std::string_view value) { found = found.empty() ? value : found; });
  return found;
}

std::string with_body(std::string head, std::string_view body) {
  if (!body.empty()) head += "Content-Type: application/sdp\r\n";
  head.append("Content-Length: ").append(std::to_string(body.size())).append("\r\n\r\n").append(body);
  return head;
}

std::string dialog_rows(std::string_view message) {
  std::string rows;
  for (const char* const name : {"From", "To", "Call-ID"})
    rows.append(name).append(": ").append(value_of(message, name)).append("\r\n");
  return rows;
}

}  // namespace

int FloodMessages::status_of(std::string_view message) {
  int status = 0;
  if (message.starts_with("SIP/2.0 "))
    std::from_chars(message.data() + 8, message.data() + message.size(), status);
  return status;
}

std::uint64_t FloodMessages::index_of(std::string_view text) {
  const std::string_view id = value_of(text, "Call-ID");
  std::uint64_t index = ~std::uint64_t{0};
  if (id.starts_with(kCallId)) std::from_chars(id.data() + kCallId.size(), id.data() + id.size(), index);
  return index;
}

bool FloodMessages::is_to_invite(std::string_view response) {
  return value_of(response, "CSeq").ends_with("INVITE");
}

std::string FloodMessages::answer(std::string_view invite) const {
  return response(invite, "200 OK", kLineSdp);
}

std::string FloodMessages::at_caller() const { return "127.0.0.1:" + std::to_string(ports_.caller); }

std::string FloodMessages::via(std::string_view branch) const {
  return "Via: SIP/2.0/UDP " + at_caller() + ";branch=z9hG4bK-flood-" + std::string(branch) + "\r\n";
}

std::string FloodMessages::called() const {
  return "sip:" + number_ + "@127.0.0.1:" + std::to_string(ports_.proxy);
}

std::string FloodMessages::invite(std::uint64_t index) const {
  const std::string name = std::to_string(index);
  return with_body(
      "INVITE " + called() + " SIP/2.0\r\n" + via(name) + "From: <sip:+12025550190@" + at_caller() +
          ">;tag=a" + name + "\r\nTo: <" + called() + ">\r\nCall-ID: " + std::string(kCallId) + name +
          "@127.0.0.1\r\nCSeq: 1 INVITE\r\nContact: <sip:caller@" + at_caller() + ">\r\nMax-Forwards: 70\r\n",
      kCallerSdp);
}

std::string FloodMessages::acknowledgement(std::string_view refusal) const {
  return with_body("ACK " + called() + " SIP/2.0\r\n" + via(std::to_string(index_of(refusal))) +
                       dialog_rows(refusal) + "CSeq: 1 ACK\r\nMax-Forwards: 70\r\n",
                   "");
}

std::string FloodMessages::in_dialog(std::string_view answer, std::string_view method, int cseq) const {
  std::string_view target = value_of(answer, "Contact");
  target = target.substr(std::min(target.find('<') + 1, target.size()));
  target = target.substr(0, target.find('>'));
  std::string routes;
  for_each_value(answer, "Record-Route", [&routes](std::string_view value) {
    routes = "Route: " + std::string(value) + "\r\n" + routes;
  });
  std::string head(method);
  head.append(" ").append(target).append(" SIP/2.0\r\n");
  head += via(std::to_string(index_of(answer)) + "-" + std::string(method));
  head.append(routes).append(dialog_rows(answer)).append("CSeq: ").append(std::to_string(cseq));
  head.append(" ").append(method).append("\r\nMax-Forwards: 70\r\n");
  return with_body(std::move(head), "");
}

std::string FloodMessages::response(std::string_view request, std::string_view status,
                                    std::string_view body) const {
  std::string head = "SIP/2.0 " + std::string(status) + "\r\n";
  for (const char* const name : {"Via", "Record-Route"})
    for_each_value(request, name, [&](std::string_view value) {
      head.append(name).append(": ").append(value).append("\r\n");
    });
  head.append("From: ").append(value_of(request, "From")).append("\r\nTo: ").append(value_of(request, "To"));
  if (value_of(request, "To").find(";tag=") == std::string_view::npos)
    head.append(";tag=b").append(std::to_string(index_of(request)));
  head.append("\r\nCall-ID: ").append(value_of(request, "Call-ID")).append("\r\nCSeq: ");
  head.append(value_of(request, "CSeq")).append("\r\nContact: <sip:desk@127.0.0.1:");
  head.append(std::to_string(ports_.line)).append(">\r\n");
  return with_body(std::move(head), body);
}

}  // namespace ringtrace::bench
