#include "redis/holder_log.h"

#include <algorithm>
#include <utility>

#include "redis/keys.h"
#include "redis/lease_text.h"

namespace ringtrace::redis {

void HolderLog::holders(const std::string& pool, pool::Number number, pool::Time at, std::size_t most,
                        Done done) const {
  connection_.execute(
      Command({"FCALL_RO", "ringtrace_v2_holders", "3", lease_key(pool, number), holders_key(pool, number),
               attributes_key(pool, number), std::to_string(number.digits()), to_text(at),
               std::to_string(std::clamp<std::size_t>(most, 1, kMost))}),
      [most, number, done = std::move(done)](Answer answer) {
        HolderPage page;
        if (answer.outcome != Outcome::kReplied || !answer.reply.is_array()) {
          page.detail = answer.reply.is_error() ? std::move(answer.reply.text) : std::move(answer.detail);
          return done(std::move(page));
        }
        page.status = HolderPage::Status::kDone;
        std::vector<Reply>& texts = answer.reply.elements;
        if (texts.size() >= 2 && !texts[0].text.empty()) {
          if (auto lease = parse_lease(number, texts[0].text)) {
            page.holders.push_back({std::move(lease->visit_id), std::move(lease->visitor_id),
                                    std::move(lease->source), lease->start, lease->end(), !lease->ended,
                                    std::move(texts[1].text)});
          }
        }
        for (std::size_t i = 2; i < texts.size() && page.holders.size() < most; ++i) {
          if (auto holder = parse_holder(texts[i].text)) page.holders.push_back(std::move(*holder));
        }
        done(std::move(page));
      });
}

}  // namespace ringtrace::redis
