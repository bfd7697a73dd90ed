#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "sip/endpoint.h"

namespace ringtrace::sip {

/// A message's text, looked through without being understood: for what has to be known before the parser is
/// asked, or when it has failed. Valid as long as the text.
class RawMessage {
 public:
  struct Header {
    std::string_view name;   ///< without the white space before its colon
    std::string_view value;  ///< without white space around it; may hold folded lines
  };

  explicit RawMessage(std::string_view text);

  /// The start line names a method, something, and a version of SIP.
  bool is_request() const;
  /// Of a request; empty otherwise.
  std::string_view method() const;
  const std::vector<Header>& headers() const { return headers_; }
  /// The value of the first header with this name, or with this compact form ('\0': it has none); empty when
  /// there is none.
  std::string_view header(std::string_view name, char compact) const;
  /// The value of its tag parameter; empty when it has none.
  std::string_view to_tag() const;
  /// As ViaView::answers_at().
  Hop answers_at(const Hop& source) const;

 private:
  std::string_view start_line_;
  std::vector<Header> headers_;
};

/// RawMessage(text).to_tag(), for one look.
std::string_view raw_to_tag(std::string_view text);

/// The answer to a request that cannot be taken apart: its Via, From, To, Call-ID and CSeq as they came (RFC
/// 3261 section 8.2.6). `to_tag` is added where there is none. Empty when the request has no Via to answer
/// by.
std::string make_raw_response(const RawMessage& request, int status, std::string_view reason,
                              std::string_view to_tag, const std::vector<std::string>& extra = {});

}  // namespace ringtrace::sip
