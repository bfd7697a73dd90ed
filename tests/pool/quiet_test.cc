// What NumberPools promises of every operation but add_numbers: it asks neither the allocator nor a lock.
// This program has both ask here first.

#include <dlfcn.h>
#include <pthread.h>
#include <semaphore.h>

#include <array>
#include <atomic>
#include <catch2/catch.hpp>
#include <cstdarg>
#include <cstdlib>
#include <mutex>
#include <string>

#include "tests/pool/counted.h"
#include "tests/pool/pool_fixture.h"

namespace {

thread_local std::uint64_t allocations = 0;
thread_local std::uint64_t waits = 0;  // calls that may have to wait for another thread

template <typename Function>
Function* next_of(const char* name) {
  return reinterpret_cast<Function*>(dlsym(RTLD_NEXT, name));
}

}  // namespace

extern "C" {

void* __libc_malloc(std::size_t);
void* __libc_calloc(std::size_t, std::size_t);
void* __libc_realloc(void*, std::size_t);
void* __libc_memalign(std::size_t, std::size_t);
void __libc_free(void*);

void* malloc(std::size_t bytes) { return ++allocations, __libc_malloc(bytes); }
void* calloc(std::size_t count, std::size_t bytes) { return ++allocations, __libc_calloc(count, bytes); }
void* realloc(void* old, std::size_t bytes) { return ++allocations, __libc_realloc(old, bytes); }
void* aligned_alloc(std::size_t alignment, std::size_t bytes) {
  return ++allocations, __libc_memalign(alignment, bytes);
}
int posix_memalign(void** place, std::size_t alignment, std::size_t bytes) {
  *place = (++allocations, __libc_memalign(alignment, bytes));
  return *place == nullptr ? 12 : 0;
}
void free(void* place) { ++allocations, __libc_free(place); }

int pthread_mutex_lock(pthread_mutex_t* mutex) {
  static const auto next = next_of<int(pthread_mutex_t*)>("pthread_mutex_lock");
  return ++waits, next(mutex);
}
int pthread_mutex_trylock(pthread_mutex_t* mutex) {
  static const auto next = next_of<int(pthread_mutex_t*)>("pthread_mutex_trylock");
  return ++waits, next(mutex);
}
int pthread_rwlock_rdlock(pthread_rwlock_t* lock) {
  static const auto next = next_of<int(pthread_rwlock_t*)>("pthread_rwlock_rdlock");
  return ++waits, next(lock);
}
int pthread_rwlock_wrlock(pthread_rwlock_t* lock) {
  static const auto next = next_of<int(pthread_rwlock_t*)>("pthread_rwlock_wrlock");
  return ++waits, next(lock);
}
int pthread_spin_lock(pthread_spinlock_t* lock) {
  static const auto next = next_of<int(pthread_spinlock_t*)>("pthread_spin_lock");
  return ++waits, next(lock);
}
int pthread_cond_wait(pthread_cond_t* condition, pthread_mutex_t* mutex) {
  static const auto next = next_of<int(pthread_cond_t*, pthread_mutex_t*)>("pthread_cond_wait");
  return ++waits, next(condition, mutex);
}
int sem_wait(sem_t* semaphore) {
  static const auto next = next_of<int(sem_t*)>("sem_wait");
  return ++waits, next(semaphore);
}
int pthread_once(pthread_once_t* once, void (*routine)()) {
  static const auto next = next_of<int(pthread_once_t*, void (*)())>("pthread_once");
  return ++waits, next(once, routine);
}
// Where std::atomic::wait, std::latch and the like wait.
long syscall(long number, ...) {
  va_list rest;
  va_start(rest, number);
  std::array<long, 6> values;
  for (long& value : values) value = va_arg(rest, long);
  va_end(rest);
  static const auto next = next_of<long(long, ...)>("syscall");
  return ++waits, next(number, values[0], values[1], values[2], values[3], values[4], values[5]);
}

}  // extern "C"

namespace ringtrace::pool::testing {
namespace {

struct Asked {
  std::uint64_t allocations = 0;
  std::uint64_t waits = 0;
};

/// What `run` asked for, on this thread.
template <typename Run>
Asked asked_by(Run run) {
  const Asked before{allocations, waits};
  run();
  return {allocations - before.allocations, waits - before.waits};
}

TEST_CASE("what asks the allocator or a lock is seen to") {
  std::mutex mutex;
  std::atomic<int> value{1};
  CHECK(asked_by([] { std::string(100, 'x').shrink_to_fit(); }).allocations > 0);
  CHECK(asked_by([] { std::free(std::aligned_alloc(64, 64)); }).allocations > 0);
  CHECK(asked_by([&] { const std::lock_guard lock(mutex); }).waits == 1);
  CHECK(asked_by([&] { value.wait(0); }).waits == 0);
  CHECK(asked_by([&] { value.notify_one(); }).allocations == 0);
}

TEST_CASE("no operation on a pool asks the allocator or a lock, whatever the pool is in") {
  PoolConfig config = pool_config(40);
  config.valuable_reserve = 2;
  config.source_fallbacks = {{*Number::from_digits(78000000002ULL), Source::cut("mail")}};
  PoolsConfig all = config_of({config});
  all.attribute_bytes = 4'096;  // so small that texts make room for one another
  const auto pools = make(all);
  const PoolIndex main{0};
  const std::string attributes(2'048, 'a');
  const std::array<std::string, 3> visits = {"short", std::string(60, 'm'), std::string(128, 'l')};
  std::array<std::string, 64> ids, visitors, sources;
  for (std::size_t i = 0; i < ids.size(); ++i) {
    ids[i] = visits[i % 3].substr(0, 120) + std::to_string(i);
    visitors[i] = "visitor " + std::to_string(i % 7);
    sources[i] = std::string(1 + i % 64, 's');
  }
  std::array<LeaseView, 64> leases;
  std::array<ShownCount, 70> shown;
  std::uint64_t operations = 0;
  const auto use = [&](Time from) {
    Time now = from;
    for (std::size_t i = 0; i < ids.size(); ++i, now += seconds(7)) {
      const auto admission = static_cast<AdmissionClass>(i % 3);
      const Duration ttl = seconds(i % 5 == 0 ? 20 : 600);
      const Reservation made =
          pools->reserve(main, {ids[i], visitors[i], sources[i], attributes}, ttl, admission, now);
      if (i % 6 == 1) pools->cancel(made.ticket, now);
      if (i % 6 == 2) pools->hold_back(made.ticket, now);
      pools->commit(made.ticket, i % 2 == 0, now);
      pools->set_durable(made.ticket, made.expire, true);
      pools->reserve(main, {ids[i], "", "mail", ""}, ttl, admission, now);
      pools->renew(main, ids[i / 2], now + seconds(900), now);
      pools->find_lease(main, ids[i / 3], now);
      const ResolveQuery query{number(i % 45), number(500 + i % 9), now};
      const Resolution answer = pools->resolve(query);
      pools->observe_call(query, answer);
      pools->visitor(query.dialed, answer.visit);
      if (i % 4 == 3) pools->release(main, ids[i - 2], now);
      pools->advance(now, leases);
      pools->forget_caller(number(500 + i % 10));
      const StoredLease stored{number(i % 40),
                               {ids[i], visitors[i], sources[i], "{}"},
                               now - seconds(9),
                               now + seconds(5),
                               i % 2 == 0 ? std::nullopt : std::optional(now - seconds(1))};
      pools->restore(main, stored, now);
      std::uint32_t slot = 0;
      pools->scan(main, slot, i % 2 == 0, leases);
      pools->untold_ends(main, number(i % 40), leases);
      const Number drained = number(i % 40);
      if (i % 8 == 0) pools->drain_numbers(main, {&drained, 1});
      pools->counts(main, now);
      pools->totals(main);
      pools->resolutions();
      pools->shown(main, shown);
      operations += 20;
    }
  };
  const Asked first = asked_by([&] { use(at(hours(1))); });
  const Asked later = asked_by([&] { use(at(hours(1)) + seconds(500)); });
  CHECK(first.allocations + later.allocations == 0);
  CHECK(first.waits + later.waits == 0);
  const PoolTotals totals = pools->totals(main);
  CHECK(totals.leases > 20);
  CHECK(totals.fallbacks > 0);
  CHECK(totals.bots > 0);
  CHECK(totals.sticky > 0);
  CHECK(totals.expiries > 0);
  CHECK(totals.releases > 0);
  counted("operations that asked neither the allocator nor a lock: about " + std::to_string(operations));
}

}  // namespace
}  // namespace ringtrace::pool::testing
