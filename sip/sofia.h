#pragma once

/// sofia-sip's message headers, with the warnings its C idioms raise kept out of our translation units.
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wconversion"
#pragma GCC diagnostic ignored "-Wshadow"
#include <sofia-sip/msg.h>
#include <sofia-sip/msg_addr.h>
#include <sofia-sip/msg_buffer.h>
#include <sofia-sip/msg_header.h>
#include <sofia-sip/msg_mclass.h>
#include <sofia-sip/sip.h>
#include <sofia-sip/sip_extra.h>
#include <sofia-sip/sip_header.h>
#include <sofia-sip/sip_parser.h>
#include <sofia-sip/sip_status.h>
#include <sofia-sip/sip_util.h>
#include <sofia-sip/url.h>
#pragma GCC diagnostic pop

/// A macro of sofia-sip that would rewrite our own name.
#undef sip_call_id

namespace ringtrace::sip {

inline msg_pub_t* public_part(sip_t* sip) { return reinterpret_cast<msg_pub_t*>(sip); }

template <typename Header>
msg_header_t* as_header(Header* header) {
  return reinterpret_cast<msg_header_t*>(header);
}

template <typename Header>
const msg_header_t* as_header(const Header* header) {
  return reinterpret_cast<const msg_header_t*>(header);
}

}  // namespace ringtrace::sip
