#include "sip/route_ticket.h"

#include "sip/text.h"

namespace ringtrace::sip {
namespace {

constexpr std::string_view kPurpose = "ringtrace record-route 1";

}  // namespace

std::string route_parameters(const Signer& signer, const RouteTicket& ticket, std::string_view sip_call_id,
                             std::string_view caller_tag) {
  const std::string line = ticket.line.to_string();
  const std::string caller = ticket.caller.to_string();
  std::string text = ";c=" + ticket.call_id + ";l=" + line + ";p=" + caller + ";s=";
  text += signer.sign({kPurpose, ticket.call_id, line, caller, sip_call_id, caller_tag});
  return text;
}

bool seems_signed(std::string_view parameters) { return find_parameter(parameters, "s").has_value(); }

std::optional<VerifiedTicket> verify_route(const Signer& signer, std::string_view parameters,
                                           std::string_view sip_call_id, std::string_view from_tag,
                                           std::string_view to_tag) {
  const auto call_id = find_parameter(parameters, "c");
  const auto line = find_parameter(parameters, "l");
  const auto caller = find_parameter(parameters, "p");
  const auto signature = find_parameter(parameters, "s");
  if (!call_id || !line || !caller || !signature) return std::nullopt;

  Side from{};
  if (signer.verify(*signature, {kPurpose, *call_id, *line, *caller, sip_call_id, from_tag})) {
    from = Side::kCaller;
  } else if (!to_tag.empty() &&
             signer.verify(*signature, {kPurpose, *call_id, *line, *caller, sip_call_id, to_tag})) {
    from = Side::kLine;
  } else {
    return std::nullopt;
  }
  const auto line_hop = Hop::parse(*line);
  const auto caller_hop = Hop::parse(*caller);
  if (!line_hop || !caller_hop) return std::nullopt;
  return VerifiedTicket{{std::string(*call_id), *line_hop, *caller_hop}, from};
}

}  // namespace ringtrace::sip
