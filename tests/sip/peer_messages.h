#pragma once

#include <string>
#include <vector>

#include "sip/message.h"

// The messages a caller and a line send.

namespace ringtrace::sip::test {

struct InviteOptions {
  std::string uri = "sip:+74950000001@198.18.0.1";
  std::string branch = "z9hG4bK-caller-1";
  std::string call_id = "call-1@caller";
  std::string extra = "";  // whole header lines, each with its CRLF
  int cseq = 1;
};

std::string invite(const InviteOptions& options = {});
std::string cancel(const InviteOptions& options = {});
// The caller's ACK of a final answer other than 2xx.
std::string ack_failure(const InviteOptions& options, const Message& response);

// A response of a line to a request it got; adds a To tag, and a Contact for INVITE.
std::string respond_to(const Message& request, int status, const std::string& to_tag = "line-tag");

// A request inside the dialog that `answer` (a 2xx as the caller got it) set up, sent by the caller.
std::string caller_request(const std::string& method, const Message& answer, const std::string& branch,
                           int cseq);
// The same by the line; `invited` is the INVITE as the line got it.
std::string line_request(const std::string& method, const Message& invited, const std::string& branch,
                         int cseq, const std::string& line_tag = "line-tag");

// Every value of a header in the text, in order.
std::vector<std::string> headers(const std::string& text, const std::string& name);
// The first one; empty when there is none.
std::string header(const std::string& text, const std::string& name);
std::string first_line(const std::string& text);

}  // namespace ringtrace::sip::test
