#include "gateway/config_schema.h"

#include <algorithm>
#include <array>

#include "gateway/config_schema_grpc.h"
#include "gateway/config_schema_sip.h"
#include "pool/assert.h"

namespace ringtrace::gateway {
namespace {

using enum ValueKind;

constexpr KeySpec kGateway[] = {
    {.key = "name",
     .initial = "gateway",
     .doc = "What this gateway is called in logs and in the store; a-z, 0-9 and dash."},
    {.key = "state_directory",
     .doc =
         "Where the gateway keeps what must survive it: the key that signs SIP routes, and the call events "
         "and leases that Redis does not have yet. Without one, calls that are up when the gateway restarts "
         "cannot be told from forged ones. One gateway, one directory."},
};

constexpr KeySpec kLog[] = {
    {.key = "level",
     .initial = "info",
     .choices = "trace|debug|info|warning|error",
     .doc = "The least level that is written. Callers' numbers appear at debug only."},
    {.key = "file", .doc = "Where lines go; standard error when not given."},
    {.key = "queue",
     .kind = kInteger,
     .initial = "8192",
     .least = "64",
     .most = "1048576",
     .doc = "Lines that may wait to be written. At the limit the oldest is dropped and counted."},
};

constexpr KeySpec kHttp[] = {
    {.key = "listen", .initial = "127.0.0.1:7081", .doc = "Where /metrics, /healthz and /readyz are."},
    {.key = "max_connections",
     .kind = kInteger,
     .initial = "64",
     .least = "1",
     .most = "10000",
     .doc = "Connections at one time; the next one is closed at once and counted."},
    {.key = "idle_timeout",
     .kind = kDuration,
     .initial = "15s",
     .least = "100ms",
     .most = "10m",
     .doc = "How long a connection may take for one request, or stay without any."},
    {.key = "max_header_bytes",
     .kind = kInteger,
     .initial = "8192",
     .least = "256",
     .most = "65536",
     .doc = "The longest request head; beyond it the answer is 431."},
};

constexpr KeySpec kRedis[] = {
    {.key = "url",
     .required = true,
     .doc = "Where Redis is: \"unix:///run/redis/redis.sock\", \"tcp://127.0.0.1:6379/0\"; the master named "
            "MASTER of Redis Sentinel: \"sentinel://MASTER/0\"; a Redis Cluster: "
            "\"cluster://127.0.0.1:6379\". With TLS: \"tls://\", \"sentinel+tls://\", \"cluster+tls://\"."},
    {.key = "nodes",
     .kind = kTexts,
     .doc = "The sentinels, or more nodes of the cluster, such as [\"10.0.0.1:26379\"]; at most 32."},
    {.key = "ca_file",
     .doc = "TLS: the authority that vouches for Redis; what the machine trusts when not given. Relative to "
            "this file's directory, as are the next two."},
    {.key = "certificate_file", .doc = "TLS: the gateway's certificate, when Redis asks for one."},
    {.key = "key_file", .doc = "TLS: the key of that certificate."},
    {.key = "user", .doc = "Redis ACL user; the default user when not given."},
    {.key = "password_file",
     .doc = "A file whose first line is the password; relative to this file's directory."},
    {.key = "sentinel_password_file", .doc = "The same of the sentinels themselves; none when not given."},
    {.key = "connect_timeout",
     .kind = kDuration,
     .initial = "2s",
     .least = "10ms",
     .most = "1m",
     .doc = "How long connecting may take."},
    {.key = "command_timeout",
     .kind = kDuration,
     .initial = "1s",
     .least = "10ms",
     .most = "1m",
     .doc = "How long an answer may take; then the connection counts as broken."},
    {.key = "max_queue",
     .kind = kInteger,
     .initial = "65536",
     .least = "16",
     .most = "1048576",
     .doc = "Commands that may wait for their answer; beyond it the store counts as unavailable."},
    {.key = "wait_replicas",
     .kind = kInteger,
     .initial = "0",
     .least = "0",
     .most = "16",
     .doc = "A lease is durable when so many replicas of Redis have it, too."},
    {.key = "claim",
     .kind = kDuration,
     .initial = "10s",
     .least = "300ms",
     .most = "10m",
     .doc = "How long the pools stay this gateway's when it is not heard of any more; then another one that "
            "waits for them takes over."},
    {.key = "holder_retention",
     .kind = kDuration,
     .initial = "7d",
     .least = "1m",
     .most = "365d",
     .doc = "How long it is remembered which visits held a number, for calls that come late."},
};

constexpr KeySpec kPool[] = {
    {.key = "name", .required = true, .doc = "1 to 63 of a-z, 0-9 and dash, beginning with a letter."},
    {.key = "numbers",
     .kind = kTexts,
     .doc = "The numbers lent to visits, in E.164, and ranges: [\"+74950000001\", "
            "\"+74950000010-+74950000019\"]."},
    {.key = "numbers_file",
     .doc = "More of them, one number or range a line; relative to this file's directory."},
    {.key = "ttl",
     .kind = kDuration,
     .initial = "30m",
     .least = "1s",
     .most = "30d",
     .doc = "How long a lease lasts unless it is renewed."},
    {.key = "hold",
     .kind = kDuration,
     .initial = "150s",
     .least = "0s",
     .most = "30d",
     .doc = "How long an ended lease's number is lent to nobody else, at least."},
    {.key = "fallback",
     .doc = "The number shown when none is free; required unless on_exhausted is \"refuse\"."},
    {.key = "source_fallbacks",
     .kind = kTextMap,
     .doc = "Fallback numbers of single sources, such as \"google/cpc\" = \"+74950000002\"."},
    {.key = "on_exhausted",
     .initial = "fallback",
     .choices = "fallback|refuse",
     .doc = "What a visit gets when no number is free."},
    {.key = "durability",
     .initial = "available",
     .choices = "available|required",
     .doc = "\"required\": no lease without the store's word. \"available\": from memory when the store is "
            "away, marked as not durable."},
    {.key = "line_group",
     .doc = "Where calls to the pool's numbers go; [sip] default_line_group if not given."},
    {.key = "valuable_reserve",
     .kind = kInteger,
     .initial = "0",
     .least = "0",
     .most = "10000000",
     .doc = "Numbers kept for visits marked as valuable."},
};

constexpr KeySpec kStatic[] = {
    {.key = "number", .required = true, .doc = "A number bound to one source for good."},
    {.key = "source",
     .required = true,
     .doc = "The source, such as \"billboard/m4\"; at most 64 bytes. Its visits to the website are shown the "
            "number."},
    {.key = "pool", .required = true, .doc = "The pool whose figures and line group its calls belong to."},
};

constexpr KeySpec kAttribution[] = {
    {.key = "default_propensity",
     .kind = kReal,
     .initial = "0.03",
     .least = "0",
     .most = "1",
     .doc = "Calls per number shown, of a source not listed below."},
    {.key = "propensities",
     .kind = kRealMap,
     .doc = "Calls per number shown, by source, such as \"google/cpc\" = 0.05."},
    {.key = "prompt_share",
     .kind = kReal,
     .initial = "0.6",
     .least = "0",
     .most = "1",
     .doc = "Share of calls made from the page; the three shares add up to 1."},
    {.key = "later_share",
     .kind = kReal,
     .initial = "0.25",
     .least = "0",
     .most = "1",
     .doc = "Share of calls made within the hour."},
    {.key = "day_share",
     .kind = kReal,
     .initial = "0.15",
     .least = "0",
     .most = "1",
     .doc = "Share of calls made around a day later."},
    {.key = "prompt_mean",
     .kind = kDuration,
     .initial = "3m",
     .least = "1s",
     .most = "1d",
     .doc = "Mean time from page to call of the first."},
    {.key = "later_median",
     .kind = kDuration,
     .initial = "30m",
     .least = "1s",
     .most = "30d",
     .doc = "Median time from page to call of the second."},
    {.key = "later_sigma",
     .kind = kReal,
     .initial = "0.8",
     .least = "0.05",
     .most = "5",
     .doc = "Its spread: sigma of the lognormal."},
    {.key = "day_median",
     .kind = kDuration,
     .initial = "1d",
     .least = "1s",
     .most = "30d",
     .doc = "Median time from page to call of the third."},
    {.key = "day_sigma",
     .kind = kReal,
     .initial = "0.8",
     .least = "0.05",
     .most = "5",
     .doc = "Its spread: sigma of the lognormal."},
    {.key = "stray_call_every",
     .kind = kDuration,
     .initial = "10d",
     .least = "1m",
     .most = "3650d",
     .doc = "How often one number is called by nobody it was shown to."},
};

constexpr KeySpec kMemory[] = {
    {.key = "known_callers",
     .kind = kInteger,
     .initial = "65536",
     .least = "0",
     .most = "16777216",
     .doc = "Callers remembered; the oldest make room."},
    {.key = "caller_memory",
     .kind = kDuration,
     .initial = "30d",
     .least = "1m",
     .most = "365d",
     .doc = "How long a caller is remembered."},
    {.key = "attribute_bytes",
     .kind = kInteger,
     .initial = "67108864",
     .least = "0",
     .most = "68719476736",
     .doc = "Bytes for visits' attributes; beyond it only the store has them."},
};

constexpr KeySpec kEvents[] = {
    {.key = "retention",
     .kind = kDuration,
     .initial = "7d",
     .least = "1m",
     .most = "365d",
     .doc = "How long call events are kept in the store."},
    {.key = "max_length",
     .kind = kInteger,
     .initial = "1000000",
     .least = "100",
     .most = "1000000000",
     .doc = "Events kept in the store at most; the oldest go."},
    {.key = "memory_length",
     .kind = kInteger,
     .initial = "10000",
     .least = "16",
     .most = "10000000",
     .doc = "Events kept when there is no store."},
    {.key = "spool_bytes",
     .kind = kInteger,
     .initial = "67108864",
     .least = "65536",
     .most = "68719476736",
     .doc = "Size of the file in the state directory that keeps events until Redis has them; beyond it "
            "they are in memory only. About 1 kB an event."},
    {.key = "caller_retention",
     .kind = kDuration,
     .least = "0s",
     .most = "365d",
     .doc =
         "How long after a call's start its caller's number is kept: as long as its events when not given, "
         "and never longer. With \"0s\" the store never has it."},
    {.key = "attributes_retention",
     .kind = kDuration,
     .least = "0s",
     .most = "365d",
     .doc = "The same for the visitor and the attributes of the visits a call's events name."},
    {.key = "caller_key_file",
     .doc =
         "A file with the secret by which callers are named beside their calls, 16 bytes or more; relative "
         "to this file's directory. Without it: caller-key in the state directory, made at the first "
         "start. Gateways of one Redis should have the same."},
};

constexpr std::array kSections = {
    SectionSpec{.name = "gateway", .doc = "The gateway itself.", .keys = kGateway},
    SectionSpec{.name = "log", .doc = "Log lines, one an event, key=value.", .keys = kLog},
    SectionSpec{.name = "grpc", .doc = "The gRPC port.", .keys = kGrpcKeys},
    SectionSpec{.name = "http", .doc = "The HTTP port.", .keys = kHttp},
    SectionSpec{.name = "redis",
                .doc = "The store. Without this table leases and events live in memory and end with the "
                       "gateway.",
                .keys = kRedis},
    SectionSpec{.name = "sip", .required = true, .doc = "The proxy in the path of calls.", .keys = kSipKeys},
    SectionSpec{.name = "trunk",
                .many = true,
                .required = true,
                .doc = "Where calls come from. Requests from elsewhere are dropped and counted.",
                .keys = kTrunkKeys},
    SectionSpec{.name = "line_group",
                .many = true,
                .required = true,
                .doc = "Where calls go.",
                .keys = kLineGroupKeys},
    SectionSpec{.name = "line_group.line", .many = true, .doc = "One line of a group.", .keys = kLineKeys},
    SectionSpec{
        .name = "pool", .many = true, .required = true, .doc = "Numbers lent to visits.", .keys = kPool},
    SectionSpec{.name = "static", .many = true, .doc = "Numbers that are never lent.", .keys = kStatic},
    SectionSpec{.name = "attribution", .doc = "How calls are weighed; of all pools.", .keys = kAttribution},
    SectionSpec{.name = "memory", .doc = "Memory fixed at start.", .keys = kMemory},
    SectionSpec{.name = "events", .doc = "The log of call events.", .keys = kEvents},
};

}  // namespace

const KeySpec* SectionSpec::find(std::string_view key) const {
  const auto found =
      std::find_if(keys.begin(), keys.end(), [&](const KeySpec& spec) { return spec.key == key; });
  return found == keys.end() ? nullptr : &*found;
}

std::span<const SectionSpec> config_sections() { return kSections; }

const SectionSpec& config_section(std::string_view name) {
  const auto found = std::find_if(kSections.begin(), kSections.end(),
                                  [&](const SectionSpec& section) { return section.name == name; });
  RINGTRACE_ASSERT(found != kSections.end());
  return *found;
}

}  // namespace ringtrace::gateway
