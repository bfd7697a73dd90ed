#pragma once

#include <string_view>

namespace ringtrace::gateway {

/// A configuration that uses nearly everything.
inline constexpr std::string_view kGoodConfig = R"([gateway]
name = "gateway-1"
[log]
level = "debug"
[grpc]
listen = "127.0.0.1:7080"
[http]
listen = "[::1]:7081"
[redis]
url = "unix:///run/redis/redis.sock"
command_timeout = "2s"
[sip]
listen = ["udp:0.0.0.0:5060",
          "tcp:0.0.0.0:5060"]
default_line_group = "office"
advertise = "203.0.113.7"
max_calls = 100
[sip.headers]
"x-roistat" = "{visit_id}"
[[trunk]]
name = "carrier"
addresses = ["203.0.113.0/24", "198.51.100.7"]
[[line_group]]
name = "office"
[[line_group.line]]
name = "pbx"
address = "udp:10.0.0.5:5060"
[[line_group.line]]
name = "second"
address = "tcp:[2001:db8::5]:5060"
priority = 2
weight = 3
trusted = false
[[pool]]
name = "main"
fallback = "+74950000100"
ttl = "1h30m"
numbers = ["+74950000001",
           "+74950000010-+74950000019"]
[pool.source_fallbacks]
"google/cpc" = "+74950000101"
[[pool]]
name = "region"
numbers = ["+78120000001"]
on_exhausted = "refuse"
durability = "required"
line_group = "office" # region
[[static]]
number = "+74950000200"
source = "billboard/m4"
pool = "main"
[attribution]
prompt_share = 0.6
[attribution.propensities]
"google/cpc" = 0.05
)";

/// A configuration that leaves out all it can.
inline constexpr std::string_view kLeastConfig = R"([sip]
listen = ["udp:127.0.0.1:0"]
default_line_group = "office"
[[trunk]]
name = "carrier"
addresses = ["127.0.0.1"]
[[line_group]]
name = "office"
[[line_group.line]]
name = "pbx"
address = "udp:127.0.0.1:5080"
[[pool]]
name = "main"
numbers = ["+74950000001"]
fallback = "+74950000100"
)";

}  // namespace ringtrace::gateway
