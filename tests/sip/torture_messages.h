#pragma once

#include <string>
#include <vector>

namespace ringtrace::sip::test {

// One message of a torture file and the answers that are right.
struct TortureMessage {
  std::string name;
  std::string section;
  std::string bytes;          // with CRLF
  std::vector<int> over_udp;  // any of them; empty: no answer
  std::vector<int> over_tcp;
};

// Reads a file of messages, each after a line "==== name section answers", in the notation of RFC 4475
// section 2: <allOneLine>, <repeat count=N>, <hex>. Throws std::runtime_error when the file cannot be read.
std::vector<TortureMessage> read_torture_messages(const std::string& path);

}  // namespace ringtrace::sip::test
