#include "tests/sip/peer_messages.h"

#include <algorithm>
#include <sstream>

namespace ringtrace::sip::test {
namespace {

std::string with_tag(const Message& request, const std::string& tag) {
  const std::string to = header(request.to_string(), "To");
  return to.find(";tag=") == std::string::npos && !tag.empty() ? to + ";tag=" + tag : to;
}

std::string routes_of(const std::vector<std::string>& record_routes) {
  std::string text;
  for (const std::string& route : record_routes) text += "Route: " + route + "\r\n";
  return text;
}

std::string uri_in(const std::string& value) {
  const std::size_t open = value.find('<');
  return value.substr(open + 1, value.find('>') - open - 1);
}

std::string request(const std::string& method, const std::string& uri, const std::string& via,
                    const std::string& routes, const std::string& from, const std::string& to,
                    const std::string& call_id, int cseq) {
  return method + " " + uri + " SIP/2.0\r\nVia: SIP/2.0/UDP " + via + "\r\nMax-Forwards: 70\r\n" + routes +
         "From: " + from + "\r\nTo: " + to + "\r\nCall-ID: " + call_id + "\r\nCSeq: " + std::to_string(cseq) +
         " " + method + "\r\nContent-Length: 0\r\n\r\n";
}

}  // namespace

std::string invite(const InviteOptions& options) {
  return "INVITE " + options.uri + " SIP/2.0\r\nVia: SIP/2.0/UDP 192.0.2.10:5060;branch=" + options.branch +
         "\r\nMax-Forwards: 70\r\nFrom: <sip:+79161234567@carrier.example>;tag=caller-tag\r\nTo: <" +
         options.uri + ">\r\nCall-ID: " + options.call_id + "\r\nCSeq: " + std::to_string(options.cseq) +
         " INVITE\r\nContact: <sip:caller@192.0.2.10:5060>\r\n" + options.extra +
         "Content-Type: application/sdp\r\nContent-Length: 5\r\n\r\nv=0\r\n";
}

std::string cancel(const InviteOptions& options) {
  return request("CANCEL", options.uri, "192.0.2.10:5060;branch=" + options.branch, "",
                 "<sip:+79161234567@carrier.example>;tag=caller-tag", "<" + options.uri + ">",
                 options.call_id, options.cseq);
}

std::string ack_failure(const InviteOptions& options, const Message& response) {
  return request("ACK", options.uri, "192.0.2.10:5060;branch=" + options.branch, "",
                 "<sip:+79161234567@carrier.example>;tag=caller-tag", header(response.to_string(), "To"),
                 options.call_id, options.cseq);
}

std::string respond_to(const Message& request, int status, const std::string& to_tag) {
  const std::string text = request.to_string();
  std::string response = "SIP/2.0 " + std::to_string(status) + " Reason\r\n";
  for (const std::string& via : headers(text, "Via")) response += "Via: " + via + "\r\n";
  if (status > 100 && status < 300) {
    for (const std::string& route : headers(text, "Record-Route"))
      response += "Record-Route: " + route + "\r\n";
  }
  response += "From: " + header(text, "From") + "\r\nTo: " + with_tag(request, status == 100 ? "" : to_tag);
  response += "\r\nCall-ID: " + header(text, "Call-ID") + "\r\nCSeq: " + header(text, "CSeq") + "\r\n";
  if (request.method() == Method::kInvite) response += "Contact: <sip:desk@198.51.100.1:5070>\r\n";
  return response + "Content-Length: 0\r\n\r\n";
}

std::string caller_request(const std::string& method, const Message& answer, const std::string& branch,
                           int cseq) {
  const std::string text = answer.to_string();
  auto routes = headers(text, "Record-Route");
  std::reverse(routes.begin(), routes.end());
  return request(method, uri_in(header(text, "Contact")), "192.0.2.10:5060;branch=" + branch,
                 routes_of(routes), header(text, "From"), header(text, "To"), header(text, "Call-ID"), cseq);
}

std::string line_request(const std::string& method, const Message& invited, const std::string& branch,
                         int cseq, const std::string& line_tag) {
  const std::string text = invited.to_string();
  return request(method, uri_in(header(text, "Contact")), "198.51.100.1:5060;branch=" + branch,
                 routes_of(headers(text, "Record-Route")), header(text, "To") + ";tag=" + line_tag,
                 header(text, "From"), header(text, "Call-ID"), cseq);
}

std::vector<std::string> headers(const std::string& text, const std::string& name) {
  std::vector<std::string> values;
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line) && line != "\r";) {
    if (line.rfind(name + ": ", 0) != 0) continue;
    line.pop_back();
    values.push_back(line.substr(name.size() + 2));
  }
  return values;
}

std::string header(const std::string& text, const std::string& name) {
  const auto values = headers(text, name);
  return values.empty() ? std::string{} : values.front();
}

std::string first_line(const std::string& text) { return text.substr(0, text.find('\r')); }

}  // namespace ringtrace::sip::test
