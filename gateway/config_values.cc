#include "gateway/config_values.h"

#include <arpa/inet.h>

#include <algorithm>
#include <array>
#include <charconv>

namespace ringtrace::gateway {
namespace {

struct Unit {
  std::string_view name;
  std::int64_t milliseconds;
};

constexpr std::array<Unit, 5> kUnits = {
    {{"d", 86'400'000}, {"h", 3'600'000}, {"m", 60'000}, {"s", 1'000}, {"ms", 1}}};
constexpr std::int64_t kLongest = std::int64_t{100} * 365 * 86'400'000;

template <typename Integer>
std::optional<Integer> whole(std::string_view text) {
  Integer value{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size() || text.empty()) return std::nullopt;
  return value;
}

bool is_digit(char c) { return c >= '0' && c <= '9'; }

std::string_view take_while_digits(std::string_view& rest, bool digits) {
  const auto end = std::find_if(rest.begin(), rest.end(), [&](char c) { return is_digit(c) != digits; });
  const auto size = static_cast<std::size_t>(end - rest.begin());
  const std::string_view taken = rest.substr(0, size);
  rest.remove_prefix(size);
  return taken;
}

enum class Family : std::uint8_t { kNone, kV4, kV6 };

using AddressBytes = std::array<unsigned char, sizeof(in6_addr)>;

Family family_of(std::string_view host, AddressBytes& bytes) {
  const std::string text(host);
  if (inet_pton(AF_INET, text.c_str(), bytes.data()) == 1) return Family::kV4;
  if (inet_pton(AF_INET6, text.c_str(), bytes.data()) == 1) return Family::kV6;
  return Family::kNone;
}

Family family_of(std::string_view host) {
  AddressBytes bytes{};
  return family_of(host, bytes);
}

bool take_prefix(std::string_view& text, std::string_view prefix) {
  if (!text.starts_with(prefix)) return false;
  text.remove_prefix(prefix.size());
  return true;
}

/// Splits "host:port" or "[host]:port"; the port may be absent.
bool split_host(std::string_view text, std::string_view& host, std::string_view& port) {
  if (text.starts_with('[')) {
    const std::size_t close = text.find(']');
    if (close == std::string_view::npos) return false;
    host = text.substr(1, close - 1);
    text.remove_prefix(close + 1);
    if (family_of(host) != Family::kV6) return false;
  } else {
    const std::size_t colon = text.find(':');
    host = text.substr(0, colon);
    text.remove_prefix(host.size());
  }
  if (text.empty()) return true;
  if (text.front() != ':') return false;
  port = text.substr(1);
  return !port.empty();
}

}  // namespace

std::optional<pool::Duration> parse_duration(std::string_view text) {
  if (text.empty()) return std::nullopt;
  std::int64_t total = 0;
  const Unit* next = kUnits.begin();
  while (!text.empty()) {
    const std::optional<std::int64_t> count = whole<std::int64_t>(take_while_digits(text, true));
    const std::string_view name = take_while_digits(text, false);
    const Unit* unit =
        std::find_if(next, kUnits.end(), [&](const Unit& candidate) { return candidate.name == name; });
    if (!count || unit == kUnits.end()) return std::nullopt;
    if (*count > (kLongest - total) / unit->milliseconds) return std::nullopt;
    total += *count * unit->milliseconds;
    next = unit + 1;
  }
  return pool::Duration(total);
}

std::string format_duration(pool::Duration duration) {
  std::int64_t rest = duration.count();
  std::string text;
  for (const Unit& unit : kUnits) {
    if (rest < unit.milliseconds) continue;
    text += std::to_string(rest / unit.milliseconds);
    text += unit.name;
    rest %= unit.milliseconds;
  }
  return text.empty() ? "0s" : text;
}

std::string Endpoint::to_string() const {
  const bool v6 = host.find(':') != std::string::npos;
  return (v6 ? "[" + host + "]" : host) + ":" + std::to_string(port);
}

bool Endpoint::is_loopback() const { return host.starts_with("127.") || host == "::1"; }

std::optional<Endpoint> parse_endpoint(std::string_view text, bool any_port) {
  std::string_view host;
  std::string_view port;
  if (!split_host(text, host, port) || family_of(host) == Family::kNone) return std::nullopt;
  const std::optional<std::uint16_t> number = whole<std::uint16_t>(port);
  if (!number || (*number == 0 && !any_port)) return std::nullopt;
  return Endpoint{std::string(host), *number};
}

std::string SipEndpoint::to_string() const {
  return std::string(sip::transport_name(transport)) + ":" + endpoint.to_string();
}

std::optional<SipEndpoint> parse_sip_endpoint(std::string_view text, bool any_port) {
  const std::size_t colon = std::min(text.find(':'), text.size());
  const auto transport = sip::parse_transport(text.substr(0, colon));
  if (!transport || colon == text.size()) return std::nullopt;
  std::optional<Endpoint> endpoint = parse_endpoint(text.substr(colon + 1), any_port);
  if (!endpoint) return std::nullopt;
  return SipEndpoint{*transport, std::move(*endpoint)};
}

std::optional<sip::Target> parse_sip_target(std::string_view text) {
  if (const auto endpoint = parse_sip_endpoint(text, false)) {
    return sip::Target{endpoint->transport, endpoint->endpoint.host, endpoint->endpoint.port};
  }
  const std::size_t colon = std::min(text.find(':'), text.size());
  const auto transport = sip::parse_transport(text.substr(0, colon));
  if (!transport || colon == text.size()) return std::nullopt;
  const std::string_view rest = text.substr(colon + 1);
  const std::size_t end = std::min(rest.find(':'), rest.size());
  if (!sip::is_host_name(rest.substr(0, end))) return std::nullopt;
  const auto port =
      end == rest.size() ? std::optional<std::uint16_t>(0) : sip::parse_port(rest.substr(end + 1));
  if (!port) return std::nullopt;
  return sip::Target{*transport, std::string(rest.substr(0, end)), *port};
}

namespace {

/// Cuts "tcp://", "tls://", "sentinel://"... off, and says what it means.
std::optional<RedisAddress> take_redis_scheme(std::string_view& text) {
  using Kind = RedisAddress::Kind;
  RedisAddress result;
  const auto is = [&](std::string_view scheme, Kind kind, bool tls) {
    if (!take_prefix(text, scheme)) return false;
    result.kind = kind;
    result.tls = tls;
    return true;
  };
  if (is("tcp://", Kind::kServer, false) || is("tls://", Kind::kServer, true) ||
      is("sentinel://", Kind::kSentinel, false) || is("sentinel+tls://", Kind::kSentinel, true) ||
      is("cluster://", Kind::kCluster, false) || is("cluster+tls://", Kind::kCluster, true)) {
    return result;
  }
  return std::nullopt;
}

}  // namespace

std::optional<RedisAddress> parse_redis_url(std::string_view text) {
  RedisAddress result;
  std::string_view database;
  if (take_prefix(text, "unix://")) {
    const std::size_t query = text.find("?db=");
    if (query != std::string_view::npos) {
      database = text.substr(query + 4);
      if (database.empty()) return std::nullopt;
      text = text.substr(0, query);
    }
    if (!text.starts_with('/') || text.size() < 2) return std::nullopt;
    result.socket_path = std::string(text);
  } else if (const std::optional<RedisAddress> scheme = take_redis_scheme(text)) {
    result = *scheme;
    const std::size_t slash = text.find('/');
    if (slash != std::string_view::npos) {
      database = text.substr(slash + 1);
      text = text.substr(0, slash);
    }
    if (result.kind == RedisAddress::Kind::kSentinel) {
      if (text.empty()) return std::nullopt;
      result.master = std::string(text);
    } else {
      std::string_view host;
      std::string_view port = "6379";
      if (!split_host(text, host, port) || host.empty()) return std::nullopt;
      const std::optional<std::uint16_t> number = whole<std::uint16_t>(port);
      if (!number || *number == 0) return std::nullopt;
      result.host = std::string(host);
      result.port = *number;
    }
  } else {
    return std::nullopt;
  }
  // A cluster has one database.
  if (result.kind == RedisAddress::Kind::kCluster && !database.empty() && database != "0")
    return std::nullopt;
  if (!database.empty()) {
    const std::optional<std::uint32_t> index = whole<std::uint32_t>(database);
    if (!index) return std::nullopt;
    result.database = *index;
  }
  return result;
}

bool is_address_block(std::string_view text) {
  const std::size_t slash = text.find('/');
  AddressBytes bytes{};
  const Family family = family_of(text.substr(0, slash), bytes);
  if (family == Family::kNone) return false;
  if (slash == std::string_view::npos) return true;
  const std::optional<std::uint8_t> bits = whole<std::uint8_t>(text.substr(slash + 1));
  const unsigned width = family == Family::kV4 ? 32 : 128;
  if (!bits || *bits > width) return false;
  for (unsigned bit = *bits; bit < width; ++bit) {
    if ((bytes[bit / 8] & (0x80U >> (bit % 8))) != 0) return false;
  }
  return true;
}

std::optional<NumberRange> parse_number_range(std::string_view text) {
  const std::size_t dash = text.find('-');
  const std::optional<pool::Number> first = pool::Number::parse(trimmed(text.substr(0, dash)));
  if (!first) return std::nullopt;
  if (dash == std::string_view::npos) return NumberRange{*first, *first};
  const std::optional<pool::Number> last = pool::Number::parse(trimmed(text.substr(dash + 1)));
  if (!last || *last < *first) return std::nullopt;
  return NumberRange{*first, *last};
}

std::string_view trimmed(std::string_view text) {
  constexpr std::string_view kSpace = " \t\r\n";
  const std::size_t begin = text.find_first_not_of(kSpace);
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(kSpace) - begin + 1);
}

}  // namespace ringtrace::gateway
