// Header templates and the values put into them: no value ends the header line or begins another.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "pool/assert.h"
#include "sip/header_template.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace ringtrace::sip;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const std::size_t middle = text.find('\n');
  const std::string_view pattern = text.substr(0, middle);
  const std::string_view value =
      middle == std::string_view::npos ? std::string_view{} : text.substr(middle + 1);
  const auto parsed = HeaderTemplate::parse("x-roistat", pattern);
  const auto* header = std::get_if<HeaderTemplate>(&parsed);
  if (header != nullptr) {
    HeaderValues values{};
    values.visit_id = value;
    values.source = value;
    values.dialed = value;
    values.call_id = value;
    const std::string filled = header->fill(values);
    RINGTRACE_ASSERT(std::none_of(filled.begin(), filled.end(),
                                  [](char c) { return c == '\r' || c == '\n' || c == '\0'; }));
  }
  const auto named = HeaderTemplate::parse(pattern, "{visit_id}");
  if (const auto* any = std::get_if<HeaderTemplate>(&named)) {
    RINGTRACE_ASSERT(any->name().find_first_of(" \t\r\n:") == std::string::npos);
  }
  return 0;
}
