#include "sip/short_slices.h"

#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <cstdio>
#include <thread>

namespace ringtrace::sip {
namespace {

// What sched_getattr(2) says of the calling thread.
struct Attributes {
  std::uint32_t size = sizeof(Attributes);
  std::uint32_t policy = 0;
  std::uint64_t flags = 0;
  std::int32_t nice = 0;
  std::uint32_t priority = 0;
  std::uint64_t runtime = 0;
  std::uint64_t deadline = 0;
  std::uint64_t period = 0;

  static Attributes own() {
    Attributes attributes;
    if (syscall(SYS_sched_getattr, 0, &attributes, sizeof attributes, 0u) != 0) return {};
    return attributes;
  }
};

bool kernel_knows_slices() {
  utsname kernel{};
  int major = 0;
  int minor = 0;
  REQUIRE(uname(&kernel) == 0);
  REQUIRE(std::sscanf(kernel.release, "%d.%d", &major, &minor) == 2);
  return major > 6 || (major == 6 && minor >= 12);
}

}  // namespace

TEST_CASE("a thread asks for short slices and is otherwise what it was") {
  Attributes before;
  Attributes after;
  std::thread([&] {
    setpriority(PRIO_PROCESS, 0, 3);  // of this thread alone
    before = Attributes::own();
    ask_for_short_slices(std::chrono::microseconds(170));
    after = Attributes::own();
  }).join();
  CHECK(before.nice == 3);
  CHECK(after.nice == 3);
  CHECK(after.policy == before.policy);
  CHECK(before.runtime != 170'000);
  if (kernel_knows_slices()) CHECK(after.runtime == 170'000);
}

}  // namespace ringtrace::sip
