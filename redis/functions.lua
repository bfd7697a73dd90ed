#!lua name=ringtrace_v1
--[[
The store's atomic steps. Every step is one FCALL that either happens whole or not at all, and that does
nothing more when it is sent again.

The keys and their texts are described in redis/keys.h. All times are Unix milliseconds, given by the caller as
"now": an expiry is decided by the stored times alone.

Answers: {"DONE", expire_ms}, {"HELD"}, {"ELSEWHERE", expire_ms, number}, {"NOT_HELD"}.
]]

-- How long a number's last holder is remembered after its end, so that the free order survives a restart.
local REMEMBER_MS = 7 * 24 * 3600 * 1000
-- What a gateway's clock may differ from Redis' before a visit is forgotten too early.
local SKEW_MS = 24 * 3600 * 1000
-- Key expiries are set this much later than asked, so that not every renewal has to move them.
local SLACK_MS = 60 * 1000
-- Entries of the visit's bucket looked at with each lease, to remove those that are over.
local SWEEP = 3
-- How long the ids of a call's events are known after its latest one.
local SEEN_MS = 2 * 24 * 3600 * 1000
-- How long calls left open are kept after the latest event of any call.
local OPEN_MS = 30 * 24 * 3600 * 1000
-- Events trimmed at most with each append.
local TRIM = 256

local function ms(value)
  return string.format('%.0f', value)
end

-- lease:<block>, field = number: "start expire ended hold source visitor visit"
local function parse_lease(text)
  if not text then return nil end
  local start, expire, ended, hold, source, visitor, visit =
    string.match(text, '^(%d+) (%d+) (%d+) (%d+) (%S+) (%S+) (.+)$')
  if not start then return nil end
  return {start = tonumber(start), expire = tonumber(expire), ended = tonumber(ended), hold = tonumber(hold),
          source = source, visitor = visitor, visit = visit}
end

local function format_lease(l)
  return table.concat({ms(l.start), ms(l.expire), ms(l.ended), ms(l.hold), l.source, l.visitor, l.visit}, ' ')
end

-- visit:<bucket>, field = visit: "number expire ended hold"
local function parse_visit(text)
  if not text then return nil end
  local number, expire, ended, hold = string.match(text, '^(%d+) (%d+) (%d+) (%d+)$')
  if not number then return nil end
  return {number = number, expire = tonumber(expire), ended = tonumber(ended), hold = tonumber(hold)}
end

local function end_of(l)
  if l.ended > 0 then return l.ended end
  return l.expire
end

-- Until when the number is nobody else's.
local function bound_until(l)
  return end_of(l) + l.hold
end

-- Moves a key's expiry to `at` or later, never back.
local function keep_until(key, at)
  if redis.call('PEXPIRETIME', key) < at then
    redis.call('PEXPIREAT', key, ms(at + SLACK_MS))
  end
end

local function write(keys, number, l)
  redis.call('HSET', keys[1], number, format_lease(l))
  redis.call('HSET', keys[2], l.visit, table.concat({number, ms(l.expire), ms(l.ended), ms(l.hold)}, ' '))
  keep_until(keys[1], end_of(l) + math.max(l.hold, REMEMBER_MS))
  keep_until(keys[2], bound_until(l) + SKEW_MS)
end

local function sweep(visit_key, now)
  local entries = redis.call('HRANDFIELD', visit_key, SWEEP, 'WITHVALUES')
  for i = 1, #entries, 2 do
    local entry = parse_visit(entries[i + 1])
    if not entry or bound_until(entry) + SKEW_MS <= now then
      redis.call('HDEL', visit_key, entries[i])
    end
  end
end

-- KEYS lease block, visit bucket, attr block
-- ARGV now number visit start expire hold source visitor attributes
local function lease(keys, argv)
  local now, number, visit = tonumber(argv[1]), argv[2], argv[3]
  local elsewhere = parse_visit(redis.call('HGET', keys[2], visit))
  if elsewhere and elsewhere.number ~= number and bound_until(elsewhere) > now then
    return {'ELSEWHERE', end_of(elsewhere), elsewhere.number}
  end
  local l = {start = tonumber(argv[4]), expire = tonumber(argv[5]), ended = 0, hold = tonumber(argv[6]),
             source = argv[7], visitor = argv[8], visit = visit}
  local stored = redis.call('HGET', keys[1], number)
  local held = parse_lease(stored)
  -- Written by someone newer: whose it is cannot be told, so it is not ours to give.
  if stored and not held then return {'HELD'} end
  local again = false
  if held and bound_until(held) > now then
    if held.visit ~= visit then return {'HELD'} end
    again = true
    l.start = held.start
    l.expire = math.max(end_of(held), l.expire)
  end
  sweep(keys[2], now)
  write(keys, number, l)
  if argv[9] ~= '' then
    redis.call('HSET', keys[3], number, argv[9])
  elseif not again then
    redis.call('HDEL', keys[3], number)
  end
  if redis.call('EXISTS', keys[3]) == 1 then
    keep_until(keys[3], end_of(l) + math.max(l.hold, REMEMBER_MS))
  end
  return {'DONE', l.expire}
end

-- KEYS lease block, visit bucket, attr block
-- ARGV now number visit expire hold
local function renew(keys, argv)
  local now, number = tonumber(argv[1]), argv[2]
  local l = parse_lease(redis.call('HGET', keys[1], number))
  if not l or l.visit ~= argv[3] or bound_until(l) <= now then return {'NOT_HELD'} end
  l.expire = math.max(end_of(l), tonumber(argv[4]))
  l.ended = 0
  l.hold = tonumber(argv[5])
  write(keys, number, l)
  if redis.call('EXISTS', keys[3]) == 1 then
    keep_until(keys[3], l.expire + math.max(l.hold, REMEMBER_MS))
  end
  return {'DONE', l.expire}
end

-- Marks the lease as ended. A visit that never learned of an extension ends later rather than earlier.
local function finish(keys, number, l, at)
  if l.ended == 0 then
    l.ended = math.max(l.start, at)
    write(keys, number, l)
  end
  return {'DONE', l.ended}
end

-- KEYS lease block, visit bucket
-- ARGV now number visit end
local function release(keys, argv)
  local l = parse_lease(redis.call('HGET', keys[1], argv[2]))
  if not l or l.visit ~= argv[3] then return {'NOT_HELD'} end
  return finish(keys, argv[2], l, tonumber(argv[4]))
end

-- The same; a lease that stands longer than "end" is left alone.
local function expire(keys, argv)
  local at = tonumber(argv[4])
  local l = parse_lease(redis.call('HGET', keys[1], argv[2]))
  if not l or l.visit ~= argv[3] then return {'NOT_HELD'} end
  if l.ended == 0 and l.expire > at then return {'DONE', l.expire} end
  return finish(keys, argv[2], l, at)
end

-- A text as JSON, a word of a lease (see escape_word in redis/lease_text.h) as what it stands for.
local function json(text)
  return (string.gsub(cjson.encode(text), '\\/', '/'))
end

local function unescape(word)
  if word == '-' then return '' end
  return (string.gsub(word, '%%(%x%x)', function(hex) return string.char(tonumber(hex, 16)) end))
end

-- For people: one number's lease as JSON, "" when there is none. Counts from Redis' own clock.
-- KEYS lease block [, attr block]   ARGV number
local function show(keys, argv)
  local l = parse_lease(redis.call('HGET', keys[1], argv[1]))
  if not l then return '' end
  local time = redis.call('TIME')
  local now = tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)
  local state = 'free'
  if l.ended == 0 and l.expire > now then
    state = 'leased'
  elseif bound_until(l) > now then
    state = 'held'
  end
  local text = '{"number":"+' .. argv[1] .. '","state":"' .. state .. '","visit":' .. json(l.visit) ..
    ',"remaining_ms":' .. ms(math.max(0, end_of(l) - now)) ..
    ',"hold_remaining_ms":' .. ms(math.max(0, bound_until(l) - now)) ..
    ',"start_ms":' .. ms(l.start) .. ',"end_ms":' .. ms(end_of(l)) ..
    ',"source":' .. json(unescape(l.source))
  local attributes = keys[2] and redis.call('HGET', keys[2], argv[1])
  if attributes then text = text .. ',"attributes":' .. attributes end
  return text .. '}'
end

-- The index of calls, in call_index.lua.
local calls = {}

-- Removes the oldest entries, which are given, and notes where the log begins now.
local function drop_oldest(events, log, entries)
  calls.drop(entries)
  local last = entries[#entries][1]
  local high, low = string.match(last, '(%d+)-(%d+)')
  redis.call('XTRIM', events, 'MINID', '=', high .. '-' .. ms(tonumber(low) + 1))
  redis.call('HSET', log, 'trimmed', last)
end

-- Trims the log by age (Redis' own clock: the entries' ids are from it) and by length, some at a time.
local function trim(events, log, retention, length)
  local oldest = tonumber(redis.call('TIME')[1]) * 1000 - retention
  local old = redis.call('XRANGE', events, '-', ms(math.max(0, oldest - 1)), 'COUNT', TRIM)
  if #old > 0 then drop_oldest(events, log, old) end
  local over = math.min(redis.call('XLEN', events) - length, TRIM)
  if over > 0 then
    local first = redis.call('XRANGE', events, '-', '+', 'COUNT', over)
    drop_oldest(events, log, first)
  end
end

-- Appends events of calls, in order, each once.
-- KEYS events, open, log, then one seen key per event
-- ARGV retention_ms max_length, then per event: event_id type call_id json index
-- Answers per event its cursor; "" for one that came after its call's end.
local function record(keys, argv)
  local answers = {}
  for i = 4, #keys do
    local at = 3 + (i - 4) * 5
    local event_id, kind, call_id, json, index = unpack(argv, at, at + 4)
    local seen = redis.call('HGET', keys[i], event_id)
    if not seen then
      local over = redis.call('HEXISTS', keys[i], 'ended') == 1
      if over and kind ~= 'attribution_updated' then
        seen = ''
      else
        seen = redis.call('XADD', keys[1], '*', 'type', kind, 'call', call_id, 'json', json)
        redis.call('HSET', keys[3], 'last', seen)
        redis.call('HSET', keys[i], event_id, seen)
        calls.note(call_id, kind, seen, index, tonumber(argv[1]))
        if kind == 'ended' then
          redis.call('HSET', keys[i], 'ended', seen)
          redis.call('HDEL', keys[2], call_id)
        elseif not over then
          redis.call('HSET', keys[2], call_id, json)
          redis.call('PEXPIRE', keys[2], OPEN_MS)
        end
        redis.call('PEXPIRE', keys[i], SEEN_MS)
      end
    end
    answers[#answers + 1] = seen
  end
  trim(keys[1], keys[3], tonumber(argv[1]), tonumber(argv[2]))
  return answers
end

redis.register_function('ringtrace_v1_lease', lease)
redis.register_function('ringtrace_v1_renew', renew)
redis.register_function('ringtrace_v1_release', release)
redis.register_function('ringtrace_v1_expire', expire)
redis.register_function('ringtrace_v1_record', record)
redis.register_function{function_name = 'ringtrace_v1_show', callback = show, flags = {'no-writes'}}
