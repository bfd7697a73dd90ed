#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "sip/endpoint.h"

namespace ringtrace::sip {

enum class Field : std::uint8_t;  ///< sip/message_text.h
enum class Method : std::uint8_t { kInvite, kAck, kCancel, kBye, kOptions, kOther };

/// A URI inside a message; valid as long as the message is neither changed nor destroyed. Absent parts are
/// empty.
struct UriView {
  std::string_view scheme;  ///< "sip", "sips", "tel", ...; in lower case where it is one of these
  std::string_view user;    ///< with its own parameters, escapes as received; of a tel: URI the number
  std::string_view host;
  std::string_view port;
  std::string_view parameters;  ///< without the leading ';'
  std::string_view headers;     ///< without the leading '?'

  /// The numeric address this URI leads to; nothing for a host name, a port outside 1..65535, an address that
  /// is not unicast, or a transport we do not speak. RFC 3263 section 4 without its DNS part.
  std::optional<Hop> numeric_hop() const;
};

/// One Via header field, valid as UriView is.
struct ViaView {
  std::string_view protocol;  ///< "SIP/2.0/UDP"
  std::string_view host;
  std::string_view port;
  std::string_view branch;
  std::string_view received;
  std::string_view rport;
  bool asks_port = false;  ///< it has an rport, be it empty

  /// Where a response goes without any state: received and rport, else the sent-by (RFC 3261 18.2.2, RFC
  /// 3581).
  std::optional<Hop> response_hop() const;
  /// Where the answers to a request go that came from `source` with this topmost Via. Over UDP that is the
  /// port of its sent-by, unless it asks for the one it was sent from (RFC 3581): some listen at another.
  /// Where the sent-by is not the address it came from, a NAT may be between, and only the way back is sure.
  Hop answers_at(const Hop& source) const;
};

/// Why a message cannot be served, and what a request with it is answered (RFC 3261 section 16.3 step 1).
struct Defect {
  int status = 400;
  std::string_view reason;
};

/// One SIP message: its text as it came, and which rows of it are whose. A change replaces, adds or removes
/// whole rows, so that all others leave byte for byte as they came; nothing is parsed before it is asked for.
///
/// Copies share the same message; clone() makes one to change. Not for several threads.
class Message {
 public:
  Message() = default;
  /// Takes one datagram's text apart. is_well_formed() says whether it is a message, with so many headers at
  /// most.
  static Message parse(std::string_view text, std::size_t most_headers = std::string_view::npos);
  /// The same of a stream's, which has been judged already.
  static Message judged(std::string_view text, std::optional<Defect> defect);

  explicit operator bool() const { return content_ != nullptr; }

  /// A message that leaves as exactly this text; nothing but prepare(), text() and to_string() may be asked
  /// of it.
  static Message verbatim(std::string_view text);

  /// What is wrong with the start line, Via, From, To, Call-ID, CSeq or another header that Field names;
  /// nothing when all are there and make sense.
  std::optional<Defect> defect() const;
  /// No defect. Nothing else may be asked of a message for which this is false.
  bool is_well_formed() const { return !defect(); }

  bool is_request() const;
  Method method() const;                 ///< of a request; of a response that of its CSeq
  std::string_view method_name() const;  ///< likewise
  int status() const;                    ///< of a response, 100..699; 0 of a request
  UriView request_uri() const;
  std::string_view request_uri_text() const;
  /// It has "?name=value", which only an address on paper may have (RFC 3261 section 19.1.1, table 1).
  bool request_uri_has_headers() const;

  std::string_view sip_call_id() const;
  std::uint32_t cseq() const;
  std::string_view from_tag() const;
  std::string_view to_tag() const;
  UriView from_uri() const;
  UriView to_uri() const;
  /// Absent, or at least 0; 256 for anything beyond the 255 of RFC 3261 section 20.22.
  std::optional<std::uint32_t> max_forwards() const;
  std::size_t via_count() const;
  ViaView via(std::size_t index) const;
  bool has_route() const;
  std::size_t route_count() const;
  UriView route_uri(std::size_t index) const;
  std::string_view route_text(std::size_t index) const;
  /// The values of all headers of this name, or of this compact form ("": it has none), joined by commas.
  std::string joined_header(std::string_view name, std::string_view compact = {}) const;
  /// A token stands in the comma-separated values of these headers, as an option tag in Supported does.
  bool lists(std::string_view name, std::string_view compact, std::string_view token) const;
  /// The first value of a header that Field does not name, such as P-Asserted-Identity.
  std::optional<std::string_view> extension_header(std::string_view name) const;
  /// The values of all its rows, in order.
  std::vector<std::string_view> extension_headers(std::string_view name) const;

  /// Adds the rows of a kind to `text` as they stand.
  void append_rows(Field field, std::string& text) const;
  /// The first value of a kind, a row with several of them taken apart; empty when there is none.
  std::string_view first_value(Field field) const;

  /// A message of its own, for changing. Header order stays, and every header that is not changed keeps its
  /// very bytes.
  Message clone() const;
  /// Notes on the topmost Via where the request really came from (RFC 3261 18.2.1, RFC 3581). Where its
  /// answers go.
  Hop stamp_received(const Hop& source);
  void prepend_via(const std::string& value);
  void pop_via();
  void set_request_uri(const std::string& uri);
  void set_max_forwards(std::uint32_t count);
  void prepend_record_route(const std::string& uri);
  void pop_route();
  /// Takes off the last Route and makes it the Request-URI (RFC 3261 16.4, a strict router's message).
  void restore_request_uri();
  /// Removes every extension header whose name begins with `prefix`.
  void remove_extension_headers(std::string_view prefix);
  void remove_extension_header(std::string_view name);
  void add_extension_header(const std::string& name, const std::string& value);

  /// Gives the message its final form for sending. False when it cannot be written.
  bool prepare();
  /// What is sent: of a message that has been prepared, as long as it is not changed.
  std::string_view text() const;
  std::string to_string() const;

 private:
  struct Content;
  std::shared_ptr<Content> content_;
};

/// A response of our own to `request`; `to_tag` is added unless the request has one or the status is 100.
/// `extra` are whole header lines such as "Retry-After: 5"; `phrase` stands for the standard reason phrase.
Message make_response(const Message& request, int status, std::string_view to_tag,
                      const std::vector<std::string>& extra = {}, std::string_view phrase = {});
/// The standard reason phrase.
std::string_view reason_phrase(int status);

/// The ACK of a final answer other than 2xx to `invite` as we sent it (RFC 3261 17.1.1.3).
Message make_ack(const Message& invite, const Message& response);
/// The same when the INVITE is not known any more: made from what the response repeats of it, under our
/// `via`, for the line at `to`, which finds its transaction by the branch (RFC 3261 17.2.3).
Message make_stateless_ack(const Message& response, const Hop& to, const std::string& via);
/// The CANCEL of `invite` as we sent it (RFC 3261 9.1).
Message make_cancel(const Message& invite);

/// The first URI of a P-Asserted-Identity or similar value, taken apart. Valid as long as `value`.
std::optional<UriView> first_uri(std::string_view value);

}  // namespace ringtrace::sip
