#pragma once

#include <string_view>

#include "redis/connection.h"

namespace ringtrace::redis {

/// The name of the library in Redis; each function's name begins with it. A change of the keys' texts
/// takes a new number; a change of one function's arguments or answer takes one in that function's name, so
/// that a gateway of an earlier version finds no function rather than a wrong one, and loads its own text.
inline constexpr std::string_view kFunctionLibrary = "ringtrace_v1";

/// The text of the library, redis/*.lua.
std::string_view function_library_text();

/// Gives the connection up when the answer says that the server's functions are gone (FUNCTION FLUSH): the
/// next one loads them again.
void heed_missing_functions(Connection& connection, const Answer& answer);

/// Readies a connection for the stores of this room: loads the function library when it is absent or another
/// text (two gateways doing so at once do no harm), refuses a Redis older than 7, and warns of settings that
/// lose leases, each by its name, once until it changes. On a reconnect it ends the connection before at
/// Redis: once ready again, what was left in doubt has happened or never will.
Prepare prepare_server(Log log);

}  // namespace ringtrace::redis
