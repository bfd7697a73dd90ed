#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "gateway/ctl/client.h"

/// One function a command: does it, prints, and returns what to exit with.
namespace ringtrace::ctl {

/// How long a lease is to last; the pool's own time when neither is given.
struct Expiration {
  std::optional<std::chrono::milliseconds> ttl;
  std::string expire_time;  ///< RFC 3339
};

struct LeaseOptions {
  std::string pool = "main";
  std::string visit;
  std::string visitor;
  std::string utm_source;
  std::string utm_medium;
  std::string utm_campaign;
  std::string utm_term;
  std::string utm_content;
  std::string referrer;
  std::string landing_page;
  std::map<std::string, std::string> click_ids;
  std::map<std::string, std::string> extra;
  Expiration expiration;
  std::string admission;  ///< normal, valuable or bot; empty: the gateway decides
  std::string request_id;
};

int lease(const Common& common, const LeaseOptions& options);

/// A lease for each line of stdin: a visit id, or a Visit as JSON. One stream; the answers come as they are
/// ready. kExitRefused when any was refused.
struct LeaseManyOptions {
  std::string pool = "main";
  Expiration expiration;
};

int lease_many(const Common& common, const LeaseManyOptions& options);

/// Which lease; `expiration` for renew only.
struct HeldOptions {
  std::string pool = "main";
  std::string visit;
  Expiration expiration;
  std::string request_id;
};

int renew(const Common& common, const HeldOptions& options);
int release(const Common& common, const HeldOptions& options);
int get(const Common& common, const HeldOptions& options);

struct CallsOptions {
  bool follow = false;
  std::string subscription;        ///< go on after what it has acknowledged, and acknowledge; empty: none
  bool share = false;              ///< the subscription's events with others that share it
  std::string from;                ///< a cursor or "oldest"; empty: oldest, or with `follow` the next event
  std::uint64_t limit = 0;         ///< 0: no limit
  std::vector<std::string> pools;  ///< all when empty
  std::vector<std::string> types;  ///< "ringing", "answered"...; all when empty
};

int calls(const Common& common, const CallsOptions& options);

struct ListCallsOptions {
  std::string since;  ///< RFC 3339, or a duration before now; empty: any
  std::string until;
  std::string pool;
  std::string number;
  std::string source;
  std::string outcome;        ///< "answered", "busy"...
  std::uint64_t limit = 100;  ///< 0: no limit
};

int list_calls(const Common& common, const ListCallsOptions& options);

/// One call with all candidates.
int get_call(const Common& common, const std::string& call_id);

struct EraseOptions {
  std::string caller;
  bool rewrite = false;  ///< also Redis' append-only file
  std::string request_id;
};

/// Removes what is personal of a caller's calls.
int erase(const Common& common, const EraseOptions& options);

struct ResolveOptions {
  std::string number;
  std::string caller;
  std::string at;  ///< RFC 3339; empty: now
};

int resolve(const Common& common, const ResolveOptions& options);

/// One pool, or all when `name` is empty.
int pool(const Common& common, const std::string& name);

/// Pools as they change; all when `names` is empty.
struct WatchPoolsOptions {
  std::vector<std::string> names;
  std::uint64_t limit = 0;  ///< lines; 0: no limit
};

int watch_pools(const Common& common, const WatchPoolsOptions& options);

struct NumbersOptions {
  std::string pool = "main";
  std::vector<std::string> numbers;  ///< also from stdin, one a line, for "-"
  std::string request_id;
};

int add_numbers(const Common& common, const NumbersOptions& options);
int drain_numbers(const Common& common, const NumbersOptions& options);

struct PlanOptions {
  double hourly_visits = 0;
  std::optional<std::chrono::milliseconds> visit;
  std::optional<std::chrono::milliseconds> hold;
  double exhausted_share = 0.01;
};

int plan(const Common& common, const PlanOptions& options);

struct TokenOptions {
  std::string name;
  std::vector<std::string> scopes;
  std::vector<std::string> pools;
  std::string expire_time;
};

/// Whether the gateway serves, by the standard health service; kExitTrouble when it does not.
int health(const Common& common);

/// Makes a token and the [[token]] table for the gateway's token file. Asks no gateway.
int token(const Common& common, const TokenOptions& options);

}  // namespace ringtrace::ctl
