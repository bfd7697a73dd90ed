#include "sip/message_class.h"

#include <string>

#include "pool/assert.h"
#include "sip/sofia.h"

namespace ringtrace::sip {
namespace {

const msg_mclass_t* make_class() {
  const msg_mclass_t* everything = sip_default_mclass();
  msg_mclass_t* needed = msg_mclass_clone(everything, 0, 1);
  RINGTRACE_ASSERT(needed != nullptr);
  for (const char* header : {"Via:", "Route:", "Record-Route:", "Max-Forwards:", "From:", "To:", "Call-ID:",
                             "CSeq:", "Content-Length:"}) {
    const int collisions = msg_mclass_insert(needed, msg_find_hclass(everything, header, nullptr));
    RINGTRACE_ASSERT(collisions >= 0);
  }
  return needed;
}

}  // namespace

const msg_mclass_s* message_class() {
  static const msg_mclass_t* const made = make_class();
  return made;
}

}  // namespace ringtrace::sip
