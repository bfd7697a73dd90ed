#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

namespace ringtrace::sip {

/// How SIP messages travel. A line or a listener has exactly one.
enum class Transport : std::uint8_t { kUdp, kTcp, kTls };
inline constexpr std::size_t kTransportCount = 3;

/// "udp", "tcp" or "tls", as in a URI's transport parameter.
std::string_view transport_name(Transport transport);
/// "UDP", "TCP" or "TLS", as in a Via (RFC 3261 section 20.42).
std::string_view via_transport(Transport transport);
/// "", ";transport=tcp" or ";transport=tls": the parameter a sip: URI needs to be reached that way.
std::string_view transport_parameter(Transport transport);

/// Reads "udp", "tcp" or "tls" in any case; nothing for any other word.
std::optional<Transport> parse_transport(std::string_view text);

/// The port of a URI that names none (RFC 3261 section 19.1.2).
inline std::uint16_t default_port(Transport transport) { return transport == Transport::kTls ? 5061 : 5060; }

/// TCP and TLS deliver or fail by themselves, so that the transactions need not retransmit (RFC 3261 section
/// 17).
inline bool is_reliable(Transport transport) { return transport != Transport::kUdp; }

/// An IPv4 or IPv6 address. IPv4-mapped IPv6 addresses become IPv4, so that one peer has one address.
class IpAddress {
 public:
  enum class Family : std::uint8_t { kNone, kV4, kV6 };

  IpAddress() = default;
  static IpAddress v4(const std::array<std::uint8_t, 4>& bytes);
  static IpAddress v6(const std::array<std::uint8_t, 16>& bytes);

  /// Reads "192.0.2.1", "2001:db8::1" or "[2001:db8::1]"; nothing for a host name or anything else.
  static std::optional<IpAddress> parse(std::string_view text);

  Family family() const { return family_; }
  bool is_v4() const { return family_ == Family::kV4; }
  bool is_v6() const { return family_ == Family::kV6; }

  /// True for an address one host may have: not the unspecified, a multicast, or the broadcast address.
  bool is_unicast() const;
  bool is_unspecified() const;

  /// "192.0.2.1" or "2001:db8::1".
  std::string to_string() const;
  /// As the host of a URI or a Via: IPv6 in brackets (RFC 3261 section 25.1).
  std::string to_host() const;

  /// The first 4 bytes for IPv4, 16 for IPv6; network order.
  const std::array<std::uint8_t, 16>& bytes() const { return bytes_; }
  /// 32, 128, or 0 for no address.
  unsigned bit_count() const;

  friend bool operator==(const IpAddress&, const IpAddress&) = default;
  friend auto operator<=>(const IpAddress&, const IpAddress&) = default;

 private:
  Family family_ = Family::kNone;
  std::array<std::uint8_t, 16> bytes_{};
};

/// An address and a port, 0 for an unknown port.
struct Endpoint {
  IpAddress address;
  std::uint16_t port = 0;

  /// "192.0.2.1:5060" or "[2001:db8::1]:5060".
  std::string to_string() const;
  /// Reads what to_string() writes; the port is required and within 1..65535.
  static std::optional<Endpoint> parse(std::string_view text);

  friend bool operator==(const Endpoint&, const Endpoint&) = default;
  friend auto operator<=>(const Endpoint&, const Endpoint&) = default;
};

/// The next place a message goes to.
struct Hop {
  Transport transport = Transport::kUdp;
  Endpoint endpoint;

  /// "udp:192.0.2.1:5060".
  std::string to_string() const;
  static std::optional<Hop> parse(std::string_view text);

  friend bool operator==(const Hop&, const Hop&) = default;
  friend auto operator<=>(const Hop&, const Hop&) = default;
};

/// A peer as the configuration names it: an address, or a name that DNS knows.
struct Target {
  Transport transport = Transport::kUdp;
  std::string host;
  std::uint16_t port = 0;  ///< 0: a name's by its SRV records, else default_port() (RFC 3263 section 4.2)

  /// Where it is when `host` is an address; nothing for a name.
  std::optional<Hop> numeric() const;
  /// "udp:pbx.example.com" or "tls:192.0.2.1:5061".
  std::string to_string() const;

  friend bool operator==(const Target&, const Target&) = default;
  friend auto operator<=>(const Target&, const Target&) = default;
};

/// A name of DNS: labels of letters, digits, dash and underscore, at most 253 bytes, not all digits.
bool is_host_name(std::string_view text);

/// Decimal digits only, 1..65535.
std::optional<std::uint16_t> parse_port(std::string_view text);

/// A block of addresses such as "192.0.2.0/24" or "2001:db8::/32".
class Cidr {
 public:
  /// A bare address is a block of one. Nothing for a bad address, a prefix that is too long, or host bits
  /// set.
  static std::optional<Cidr> parse(std::string_view text);

  bool contains(const IpAddress& address) const;
  unsigned prefix_length() const { return prefix_length_; }

 private:
  IpAddress base_;
  unsigned prefix_length_ = 0;
};

}  // namespace ringtrace::sip

template <>
struct std::hash<ringtrace::sip::IpAddress> {
  std::size_t operator()(const ringtrace::sip::IpAddress& address) const noexcept {
    const auto& bytes = address.bytes();
    return std::hash<std::string_view>{}({reinterpret_cast<const char*>(bytes.data()), bytes.size()});
  }
};
