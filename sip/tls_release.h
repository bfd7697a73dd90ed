#pragma once

namespace ringtrace::sip {

/// From now on the TLS connections that sofia-sip closes on this thread are freed whole.
///
/// sofia-sip 1.12.11, as Debian 12 has it, frees its own side of a connection and forgets OpenSSL's
/// (`tls_free` has no SSL_free; later versions have one): some 40 kB each, for good, and a stranger may open
/// as many as he likes, one after the other. So its `tls_free` is called through ours, which frees what it
/// leaves behind.
void release_tls_connections();

}  // namespace ringtrace::sip
