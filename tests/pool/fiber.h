#pragma once

#include <ucontext.h>

#include <cstddef>
#include <memory>

#if defined(__SANITIZE_ADDRESS__)
#define RINGTRACE_TEST_ASAN 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define RINGTRACE_TEST_ASAN 1
#endif
#endif
#if defined(__SANITIZE_THREAD__)
#define RINGTRACE_TEST_TSAN 1
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define RINGTRACE_TEST_TSAN 1
#endif
#endif

#ifdef RINGTRACE_TEST_ASAN
#include <sanitizer/common_interface_defs.h>
#endif
#ifdef RINGTRACE_TEST_TSAN
#include <sanitizer/tsan_interface.h>
#endif

namespace ringtrace::pool::testing {

#if defined(RINGTRACE_TEST_TSAN)
inline constexpr bool kUnderThreadSanitizer = true;
#else
inline constexpr bool kUnderThreadSanitizer = false;
#endif

/// Under a sanitizer programs take several times as long, and the tests run fewer rounds.
#if defined(RINGTRACE_TEST_TSAN) || defined(RINGTRACE_TEST_ASAN)
inline constexpr bool kUnderSanitizer = true;
#else
inline constexpr bool kUnderSanitizer = false;
#endif

/// A thread of control with a stack of its own that runs when it is switched to: a switch costs a third of a
/// microsecond, one between two threads of the system twenty times that. The sanitizers are told of switches.
class Fiber {
 public:
  using Entry = void (*)();

  /// The fiber that is running already, on the thread's own stack.
  Fiber() {
#ifdef RINGTRACE_TEST_TSAN
    tsan_ = __tsan_get_current_fiber();
#endif
  }

  /// One that begins with `entry` when first switched to. `entry` never returns: it switches away for good.
  explicit Fiber(Entry entry) : stack_(std::make_unique<std::byte[]>(kStackBytes)) { restart(entry); }

  ~Fiber() {
#ifdef RINGTRACE_TEST_TSAN
    if (stack_) __tsan_destroy_fiber(tsan_);
#endif
  }

  Fiber(const Fiber&) = delete;
  Fiber& operator=(const Fiber&) = delete;

  /// Begins anew with `entry`, called from another fiber. Whatever was on the stack is forgotten, not
  /// destroyed.
  void restart(Entry entry) {
    getcontext(&context_);
    context_.uc_stack.ss_sp = stack_.get();
    context_.uc_stack.ss_size = kStackBytes;
    context_.uc_link = nullptr;
    makecontext(&context_, entry, 0);
    bottom_ = stack_.get();
    size_ = kStackBytes;
    fake_stack_ = nullptr;
#ifdef RINGTRACE_TEST_TSAN
    // It keeps account of calls, and would never see those return that are forgotten; too many end the
    // program.
    if (restarts_++ % kRestartsOfAccount == 0) {
      if (tsan_ != nullptr) __tsan_destroy_fiber(tsan_);
      tsan_ = __tsan_create_fiber(0);
    }
#endif
  }

  /// From `this`, the running fiber, to another; returns when somebody switches back.
  void switch_to(Fiber& to) {
    leave(to, &fake_stack_);
    swapcontext(&context_, &to.context_);
    arrived();
  }

  /// From `this`, which has ended.
  [[noreturn]] void switch_for_good(Fiber& to) {
    leave(to, nullptr);
    setcontext(&to.context_);
    __builtin_unreachable();
  }

  /// To be called first by an entry: who switched here for the first time was `from`.
  void entered([[maybe_unused]] Fiber& from) {
#ifdef RINGTRACE_TEST_ASAN
    __sanitizer_finish_switch_fiber(nullptr, &from.bottom_, &from.size_);
#endif
  }

 private:
  static constexpr std::size_t kStackBytes = 256 * 1024;

  void leave([[maybe_unused]] Fiber& to, [[maybe_unused]] void** keep) {
#ifdef RINGTRACE_TEST_ASAN
    __sanitizer_start_switch_fiber(keep, to.bottom_, to.size_);
#endif
#ifdef RINGTRACE_TEST_TSAN
    __tsan_switch_to_fiber(to.tsan_, 0);
#endif
  }

  void arrived() {
#ifdef RINGTRACE_TEST_ASAN
    __sanitizer_finish_switch_fiber(fake_stack_, nullptr, nullptr);
#endif
  }

  ucontext_t context_{};
  std::unique_ptr<std::byte[]> stack_;
  const void* bottom_ = nullptr;
  std::size_t size_ = 0;
  void* fake_stack_ = nullptr;
  void* tsan_ = nullptr;
#ifdef RINGTRACE_TEST_TSAN
  static constexpr unsigned kRestartsOfAccount = 256;
  unsigned restarts_ = 0;
#endif
};

}  // namespace ringtrace::pool::testing
