#include "sip/endpoint.h"

#include <arpa/inet.h>

#include <algorithm>
#include <charconv>
#include <cstring>

#include "sip/text.h"

namespace ringtrace::sip {
namespace {

constexpr std::array<std::uint8_t, 12> kMappedPrefix = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};

}  // namespace

std::string_view transport_name(Transport transport) {
  constexpr std::array<std::string_view, kTransportCount> kNames = {"udp", "tcp", "tls"};
  return kNames[static_cast<std::size_t>(transport)];
}

std::string_view via_transport(Transport transport) {
  constexpr std::array<std::string_view, kTransportCount> kNames = {"UDP", "TCP", "TLS"};
  return kNames[static_cast<std::size_t>(transport)];
}

std::string_view transport_parameter(Transport transport) {
  constexpr std::array<std::string_view, kTransportCount> kNames = {"", ";transport=tcp", ";transport=tls"};
  return kNames[static_cast<std::size_t>(transport)];
}

std::optional<Transport> parse_transport(std::string_view text) {
  if (equals_ignoring_case(text, "tls")) return Transport::kTls;
  if (equals_ignoring_case(text, "udp")) return Transport::kUdp;
  if (equals_ignoring_case(text, "tcp")) return Transport::kTcp;
  return std::nullopt;
}

IpAddress IpAddress::v4(const std::array<std::uint8_t, 4>& bytes) {
  IpAddress address;
  address.family_ = Family::kV4;
  std::copy(bytes.begin(), bytes.end(), address.bytes_.begin());
  return address;
}

IpAddress IpAddress::v6(const std::array<std::uint8_t, 16>& bytes) {
  if (std::equal(kMappedPrefix.begin(), kMappedPrefix.end(), bytes.begin())) {
    return v4({bytes[12], bytes[13], bytes[14], bytes[15]});
  }
  IpAddress address;
  address.family_ = Family::kV6;
  address.bytes_ = bytes;
  return address;
}

std::optional<IpAddress> IpAddress::parse(std::string_view text) {
  if (text.size() >= 2 && text.front() == '[' && text.back() == ']') {
    text = text.substr(1, text.size() - 2);
    if (text.find(':') == std::string_view::npos) return std::nullopt;
  }
  char buffer[INET6_ADDRSTRLEN];
  if (text.empty() || text.size() >= sizeof buffer) return std::nullopt;
  std::memcpy(buffer, text.data(), text.size());
  buffer[text.size()] = '\0';
  std::array<std::uint8_t, 4> four{};
  if (inet_pton(AF_INET, buffer, four.data()) == 1) return v4(four);
  std::array<std::uint8_t, 16> sixteen{};
  if (inet_pton(AF_INET6, buffer, sixteen.data()) == 1) return v6(sixteen);
  return std::nullopt;
}

bool IpAddress::is_unspecified() const {
  return std::all_of(bytes_.begin(), bytes_.end(), [](std::uint8_t byte) { return byte == 0; });
}

bool IpAddress::is_unicast() const {
  if (family_ == Family::kNone || is_unspecified()) return false;
  if (is_v6()) return bytes_[0] != 0xff;
  // 0.0.0.0/8 is no host, 224.0.0.0/3 is multicast, reserved and broadcast.
  return bytes_[0] != 0 && bytes_[0] < 224;
}

std::string IpAddress::to_string() const {
  if (is_v4()) {
    // In every message several times, and the library's way is long.
    std::string text = std::to_string(bytes_[0]);
    for (std::size_t i = 1; i < 4; ++i) text.append(".").append(std::to_string(bytes_[i]));
    return text;
  }
  char buffer[INET6_ADDRSTRLEN] = "";
  if (is_v6()) inet_ntop(AF_INET6, bytes_.data(), buffer, sizeof buffer);
  return buffer;
}

std::string IpAddress::to_host() const { return is_v6() ? "[" + to_string() + "]" : to_string(); }

unsigned IpAddress::bit_count() const {
  switch (family_) {
    case Family::kV4:
      return 32;
    case Family::kV6:
      return 128;
    case Family::kNone:
      break;
  }
  return 0;
}

std::string Endpoint::to_string() const { return address.to_host() + ":" + std::to_string(port); }

std::optional<Endpoint> Endpoint::parse(std::string_view text) {
  const std::size_t colon = text.rfind(':');
  if (colon == std::string_view::npos) return std::nullopt;
  const std::string_view host = text.substr(0, colon);
  // An IPv6 address needs its brackets here, or its last group would be read as the port.
  if (host.find(':') != std::string_view::npos && host.front() != '[') return std::nullopt;
  const auto address = IpAddress::parse(host);
  const auto port = parse_port(text.substr(colon + 1));
  if (!address || !port) return std::nullopt;
  return Endpoint{*address, *port};
}

std::string Hop::to_string() const {
  return std::string(transport_name(transport)) + ":" + endpoint.to_string();
}

std::optional<Hop> Hop::parse(std::string_view text) {
  const std::size_t colon = text.find(':');
  if (colon == std::string_view::npos) return std::nullopt;
  const auto transport = parse_transport(text.substr(0, colon));
  const auto endpoint = Endpoint::parse(text.substr(colon + 1));
  if (!transport || !endpoint) return std::nullopt;
  return Hop{*transport, *endpoint};
}

std::optional<Hop> Target::numeric() const {
  const auto address = IpAddress::parse(host);
  if (!address) return std::nullopt;
  return Hop{transport, {*address, port == 0 ? default_port(transport) : port}};
}

std::string Target::to_string() const {
  const bool bracketed = host.find(':') != std::string::npos && !host.starts_with('[');
  std::string text = std::string(transport_name(transport)) + ":" + (bracketed ? "[" + host + "]" : host);
  if (port != 0) text += ":" + std::to_string(port);
  return text;
}

bool is_host_name(std::string_view text) {
  constexpr std::size_t kLongest = 253;
  constexpr std::size_t kLongestLabel = 63;
  if (text.ends_with('.')) text.remove_suffix(1);
  if (text.empty() || text.size() > kLongest) return false;
  std::size_t label = 0;
  bool letters = false;
  for (const char c : text) {
    const bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
    letters = letters || letter;
    if (c == '.') {
      if (label == 0) return false;
      label = 0;
    } else if (letter || (c >= '0' && c <= '9') || c == '-' || c == '_') {
      if (++label > kLongestLabel) return false;
    } else {
      return false;
    }
  }
  return letters && label > 0;
}

std::optional<std::uint16_t> parse_port(std::string_view text) {
  std::uint16_t port = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), port);
  if (error != std::errc{} || end != text.data() + text.size() || port == 0) return std::nullopt;
  return port;
}

std::optional<Cidr> Cidr::parse(std::string_view text) {
  const std::size_t slash = text.find('/');
  const auto base = IpAddress::parse(text.substr(0, slash));
  if (!base) return std::nullopt;
  Cidr cidr;
  cidr.base_ = *base;
  cidr.prefix_length_ = base->bit_count();
  if (slash == std::string_view::npos) return cidr;

  const std::string_view digits = text.substr(slash + 1);
  unsigned length = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), length);
  if (error != std::errc{} || end != digits.data() + digits.size() || length > base->bit_count()) {
    return std::nullopt;
  }
  for (unsigned bit = length; bit < base->bit_count(); ++bit) {
    if (base->bytes()[bit / 8] & (0x80u >> (bit % 8))) return std::nullopt;
  }
  cidr.prefix_length_ = length;
  return cidr;
}

bool Cidr::contains(const IpAddress& address) const {
  if (address.family() != base_.family()) return false;
  const unsigned whole = prefix_length_ / 8;
  if (std::memcmp(address.bytes().data(), base_.bytes().data(), whole) != 0) return false;
  const unsigned rest = prefix_length_ % 8;
  if (rest == 0) return true;
  const auto mask = static_cast<std::uint8_t>(0xff00u >> rest);
  return (address.bytes()[whole] & mask) == (base_.bytes()[whole] & mask);
}

}  // namespace ringtrace::sip
