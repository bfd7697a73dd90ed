#include "sip/request_checks.h"

#include "sip/branch.h"
#include "sip/text.h"

namespace ringtrace::sip {
namespace {

// What the parser lets pass and nothing can be built on; the phrase to answer with.
std::string_view find_fault(const Message& request) {
  const ViaView via = request.via(0);
  if (!via.port.empty() && !parse_port(via.port)) return "Bad Port in Via";
  const UriView uri = request.request_uri();
  if (!uri.port.empty() && !parse_port(uri.port)) return "Bad Port in Request-URI";
  if (request.request_uri_has_headers()) return "Headers in Request-URI";
  // Only RFC 2543 knew requests without a tag.
  if (request.from_tag().empty() && has_magic_cookie(via.branch)) return "Missing From Tag";
  if (request.sip_call_id().empty()) return "Empty Call-ID";
  if (request.max_forwards() > 255u) return "Bad Max-Forwards";
  return {};
}

// RFC 3261 16.3 step 4 and RFC 5393: our own Via with the same routing fields.
bool is_loop(const ProxyEnvironment& environment, const Message& request, std::size_t vias) {
  std::optional<std::uint64_t> hash;
  for (std::size_t index = 0; index < vias; ++index) {
    const ViaView via = request.via(index);
    const auto branch = ViaBranch::parse(via.branch);
    if (!branch) continue;
    const auto address = IpAddress::parse(via.host);
    const auto port = parse_port(via.port);
    if (!address || !port) continue;
    bool own = false;
    for (const Listener& listener : environment.listeners) {
      own = own || listener.advertised == Endpoint{*address, *port};
    }
    if (!own) continue;
    if (!hash) {
      hash = loop_hash(request.request_uri_text(), request.from_tag(), request.to_tag(),
                       request.sip_call_id(), request.cseq(), request.route_text(0));
    }
    if (branch->loop == *hash) return true;
  }
  return false;
}

}  // namespace

std::optional<Objection> check_request(const ProxyEnvironment& environment, const Message& request) {
  if (const auto fault = find_fault(request); !fault.empty()) {
    return Objection{Refusal::kMalformed, 400, {}, fault};
  }
  const std::size_t vias = request.via_count();
  if (vias > environment.routing->limits().vias) return Objection{Refusal::kTooManyVias, 483, {}, {}};
  const std::string_view scheme = request.request_uri().scheme;
  if (!equals_ignoring_case(scheme, "sip") && !equals_ignoring_case(scheme, "tel")) {
    return Objection{Refusal::kUriScheme, 416, {}, {}};
  }
  if (request.max_forwards() == 0u) return Objection{Refusal::kMaxForwards, 483, {}, {}};
  if (is_loop(environment, request, vias)) return Objection{Refusal::kLoop, 482, {}, {}};
  // RFC 5393 section 5.3.1: no breadth is left to forward it with.
  if (request.extension_header("Max-Breadth") == "0") return Objection{Refusal::kMaxBreadth, 440, {}, {}};
  const std::string required = request.joined_header("Proxy-Require");
  if (!required.empty()) return Objection{Refusal::kProxyRequire, 420, {"Unsupported: " + required}, {}};
  return std::nullopt;
}

}  // namespace ringtrace::sip
