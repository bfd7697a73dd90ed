
--[[
What is personal of a call stands beside its events, not in them, because an entry of a stream cannot be changed: so
it can expire and be erased by itself. This text follows functions_owner.lua in the same library.

`rt:{calls}:caller:<call>` is the caller's number, and behind a tab that of who forwarded the call, if somebody did;
`rt:{calls}:visits:<call>` what is told of each visit that the call's events name. Both expire by the call's start.
`rt:{calls}:callers:<hash>` names the calls that one person made or forwarded by their start, so that erasing costs
what he called; `rt:{calls}:erased:<hash>` says when he was erased, for events of earlier calls that come later. The
hash is keyed, and its key is not here. All share their hash tag with the stream.
]]

local persons = {}
local CALLS = 'rt:{calls}:'
-- How long an erasure is known: no event waits longer in a gateway that is away.
local ERASED_MS = 30 * 24 * 3600 * 1000

-- Keeps what is personal of an event. `state` is what is known of its call: is_first, is_erased, seen (its key).
-- `row` is the event: call, start, caller (the numbers), hash (theirs), and per visit its id and its text. False when
-- some was left out: one of them was erased, or the time for it is over.
function persons.keep(row, state, limits)
  if row.caller == '' and #row.visits == 0 then return true end
  if state.is_erased then return false end
  local start = tonumber(row.start)
  if state.is_first then
    for hash in string.gmatch(row.hash, '%x+') do
      local erased = redis.call('GET', CALLS .. 'erased:' .. hash)
      if erased and tonumber(erased) >= start then
        redis.call('HSET', state.seen, 'erased', 1)
        return false
      end
    end
    for hash in string.gmatch(row.hash, '%x+') do
      local callers = CALLS .. 'callers:' .. hash
      redis.call('ZADD', callers, row.start, row.call)
      redis.call('ZREMRANGEBYSCORE', callers, '-inf', ms(start - limits.index))
      redis.call('PEXPIRE', callers, ms(limits.index))
    end
  end
  local all = true
  if row.caller ~= '' and state.is_first then
    if start + limits.caller > limits.now then
      redis.call('SET', CALLS .. 'caller:' .. row.call, row.caller, 'PXAT', ms(start + limits.caller))
    else
      all = false
    end
  end
  if #row.visits > 0 then
    if start + limits.attributes > limits.now then
      local key = CALLS .. 'visits:' .. row.call
      for i = 1, #row.visits, 2 do
        if redis.call('HGET', key, row.visits[i]) ~= row.visits[i + 1] then
          redis.call('HSET', key, row.visits[i], row.visits[i + 1])
          redis.call('PEXPIREAT', key, ms(start + limits.attributes))
        end
      end
    else
      all = false
    end
  end
  return all
end

-- {the numbers or "", then per visit its id and its text}
function persons.of(call)
  local answer = redis.call('HGETALL', CALLS .. 'visits:' .. call)
  table.insert(answer, 1, redis.call('GET', CALLS .. 'caller:' .. call) or '')
  return answer
end

-- One of the numbers is this one.
function persons.names(numbers, number)
  return numbers and string.find('\t' .. numbers .. '\t', '\t' .. number .. '\t', 1, true) ~= nil
end

-- Where it stands.
function persons.keys(call)
  return {CALLS .. 'caller:' .. call, CALLS .. 'visits:' .. call}
end

function persons.forget(call)
  return redis.call('DEL', unpack(persons.keys(call))) > 0
end
