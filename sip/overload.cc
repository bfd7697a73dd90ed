#include "sip/overload.h"

namespace ringtrace::sip {

void OverloadControl::observe(std::chrono::nanoseconds waited, SteadyTime now) {
  if (waited <= limits_.target) {
    above_ = false;
  } else if (!above_) {
    above_ = true;
    above_since_ = now;
  }
  observed_ = now;
  refuses_ = waited > limits_.hard || (above_ && now - above_since_ >= limits_.interval);
}

}  // namespace ringtrace::sip
