#include "sip/message_defect.h"

#include <cstring>
#include <utility>

#include "sip/message_class.h"
#include "sip/message_text.h"
#include "sip/sofia.h"
#include "sip/text.h"

namespace ringtrace::sip {
namespace {

std::string_view view(const char* text) { return text == nullptr ? std::string_view{} : text; }

}  // namespace

std::optional<Defect> find_defect(std::string_view text) {
  text = from_start_line(text);
  const SofiaMessage message(
      msg_make(message_class(), MSG_DO_EXTRACT_COPY, text.data(), static_cast<ssize_t>(text.size())));
  return find_defect(message.get());
}

std::optional<Defect> find_defect(msg_s* message) {
  const sip_t* sip = message == nullptr ? nullptr : sip_object(message);
  if (sip == nullptr) return Defect{400, "Bad Request"};
  if (sip->sip_request != nullptr && !equals_ignoring_case(view(sip->sip_request->rq_version), "SIP/2.0")) {
    return Defect{505, "Version Not Supported"};
  }
  if (sip->sip_request == nullptr && sip->sip_status == nullptr) return Defect{400, "Bad Start Line"};
  if (sip->sip_via == nullptr) return Defect{400, "Missing or Bad Via"};
  if (sip->sip_from == nullptr) return Defect{400, "Missing or Bad From"};
  if (sip->sip_to == nullptr) return Defect{400, "Missing or Bad To"};
  if (sip->sip_call_id == nullptr) return Defect{400, "Missing or Bad Call-ID"};
  if (sip->sip_cseq == nullptr) return Defect{400, "Missing or Bad CSeq"};
  // Of the few headers that are taken apart, one that could not be, or one that may not come twice.
  if (sip->sip_error != nullptr) return Defect{400, "Malformed or Repeated Header"};
  if ((sip->sip_flags & MSG_FLG_TOOLARGE) != 0) return Defect{513, "Message Too Large"};
  if ((sip->sip_flags & MSG_FLG_TRUNC) != 0) return Defect{400, "Body Shorter Than Content-Length"};
  if (msg_has_error(message)) return Defect{400, "Bad Request"};
  if (sip->sip_request != nullptr) {
    if (view(sip->sip_request->rq_method_name) != view(sip->sip_cseq->cs_method_name)) {
      return Defect{400, "CSeq Names Another Method"};
    }
    if (sip_sanity_check(sip) < 0) return Defect{400, "Bad Request-URI"};
  } else if (sip_sanity_check(sip) < 0 || sip->sip_status->st_status < 100 ||
             sip->sip_status->st_status > 699) {
    return Defect{400, "Bad Status"};
  }
  return std::nullopt;
}

std::string text_of(msg_s* message) {
  std::string text;
  if (message == nullptr) return text;
  if (*msg_chain_head(message) == nullptr) {
    // Not even the start line could be read; the text still waits to be.
    const auto* bytes = static_cast<const char*>(msg_buf_committed_data(message));
    return bytes == nullptr ? text : std::string(bytes, msg_buf_committed(message));
  }
  if (msg_prepare(message) < 0) return text;
  for (const msg_header_t* header = *msg_chain_head(message); header != nullptr; header = header->sh_succ) {
    if (header->sh_data == nullptr) continue;
    text.append(static_cast<const char*>(header->sh_data), header->sh_len);
  }
  return text;
}

void ReleaseMessage::operator()(msg_s* message) const { msg_destroy(message); }

SofiaMessage make_verbatim(std::string_view text) {
  SofiaMessage message(msg_create(message_class(), 0));
  if (message == nullptr) return nullptr;
  su_home_t* home = msg_home(message.get());
  sip_t* sip = sip_object(message.get());
  // A start line that is written as the whole text.
  sip_status_t* whole = sip_status_create(home, 200, "OK", nullptr);
  auto* copy = static_cast<char*>(su_alloc(home, static_cast<isize_t>(text.size() + 1)));
  if (whole == nullptr || copy == nullptr) return nullptr;
  std::memcpy(copy, text.data(), text.size());
  msg_header_insert(message.get(), public_part(sip), as_header(whole));
  whole->st_common->h_data = copy;
  whole->st_common->h_len = static_cast<usize_t>(text.size());
  const bool written = msg_serialize(message.get(), public_part(sip)) >= 0 && msg_prepare(message.get()) >= 0;
  return written ? std::move(message) : nullptr;
}

}  // namespace ringtrace::sip
