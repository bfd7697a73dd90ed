#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <string>

#include "gateway/ctl/client.h"

/// One function a command: does it, prints, and returns what to exit with.
namespace ringtrace::ctl {

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
  std::optional<std::chrono::milliseconds> ttl;
};

int lease(const Common& common, const LeaseOptions& options);

/// Which lease; `ttl` for renew only.
struct HeldOptions {
  std::string pool = "main";
  std::string visit;
  std::optional<std::chrono::milliseconds> ttl;
};

int renew(const Common& common, const HeldOptions& options);
int release(const Common& common, const HeldOptions& options);
int get(const Common& common, const HeldOptions& options);

struct CallsOptions {
  bool follow = false;
  std::string from;         ///< a cursor or "oldest"; empty: oldest, or with `follow` the next event
  std::uint64_t limit = 0;  ///< 0: no limit
};

int calls(const Common& common, const CallsOptions& options);

struct ResolveOptions {
  std::string number;
  std::string caller;
  std::string at;  ///< RFC 3339; empty: now
};

int resolve(const Common& common, const ResolveOptions& options);

/// One pool, or all when `name` is empty.
int pool(const Common& common, const std::string& name);

}  // namespace ringtrace::ctl
