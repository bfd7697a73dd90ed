#!lua name=ringtrace_v1
--[[
The store's atomic steps. Every step is one FCALL that either happens whole or not at all, and that does
nothing more when it is sent again.

The keys and their texts are described in redis/keys.h. All times are Unix milliseconds, given by the caller as
"now": an expiry is decided by the stored times alone. Who may write is decided by the owner's token alone.
]]


local function ms(value)
  return string.format('%d', value)
end

-- A length of time as it is stored: milliseconds, or "90s" when they are whole seconds.
local function span(length)
  if length % 1000 == 0 then return ms(length / 1000) .. 's' end
  return ms(length)
end

local function span_of(count, unit)
  return unit == 's' and tonumber(count) * 1000 or tonumber(count)
end

-- leases:<block>, field = the number's last five digits: "start length hold source visitor visit"; the length of a
-- lease that is over begins with "ended:".
local function parse_lease(text)
  if not text then return nil end
  local start, mark, length, unit, hold, hold_unit, source, visitor, visit =
    string.match(text, '^(%d+) ([a-z:]*)(%d+)(s?) (%d+)(s?) (%S+) (%S+) (.+)$')
  if not start or (mark ~= '' and mark ~= 'ended:') then return nil end
  start = tonumber(start)
  return {start = start, ends = start + span_of(length, unit), over = mark ~= '', hold = span_of(hold, hold_unit),
          source = source, visitor = visitor, visit = visit}
end

local function format_lease(l)
  return table.concat({ms(l.start), (l.over and 'ended:' or '') .. span(math.max(0, l.ends - l.start)), span(l.hold),
                       l.source, l.visitor, l.visit}, ' ')
end

-- Until when the number is nobody else's.
local function bound_until(l)
  return l.ends + l.hold
end

-- A number's field in the hash of its block.
local function field_of(number)
  return string.sub(number, -5)
end

-- Redis' own clock: for claims, which nobody else may decide.
local function redis_now()
  local time = redis.call('TIME')
  return tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)
end

-- owner: hash, see redis/keys.h. A token is "<counter>-<instance>": the counter only grows, and no two
-- processes have one instance. Nil when the token is the owner's; else what the writer is told.
local function fence(owner, token)
  local stored = redis.call('HGET', owner, 'token')
  if stored == token then return nil end
  local theirs = stored and tonumber(string.match(stored, '^%d+')) or 0
  -- Behind the writer: these books were lost or are old ones. The writer is to claim anew.
  if theirs < tonumber(string.match(token, '^%d+')) then return {'UNCLAIMED'} end
  local who = redis.call('HMGET', owner, 'name', 'since')
  return {'FENCED', who[1] or '', who[2] or '0'}
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
  local l = parse_lease(redis.call('HGET', keys[1], field_of(argv[1])))
  if not l then return '' end
  local now = redis_now()
  local state = 'free'
  if not l.over and l.ends > now then
    state = 'leased'
  elseif bound_until(l) > now then
    state = 'held'
  end
  local text = '{"number":"+' .. argv[1] .. '","state":"' .. state .. '","visit":' .. json(l.visit) ..
    ',"remaining_ms":' .. ms(math.max(0, l.ends - now)) ..
    ',"hold_remaining_ms":' .. ms(math.max(0, bound_until(l) - now)) ..
    ',"start_ms":' .. ms(l.start) .. ',"end_ms":' .. ms(l.ends) ..
    ',"source":' .. json(unescape(l.source))
  local attributes = keys[2] and redis.call('HGET', keys[2], field_of(argv[1]))
  if attributes then text = text .. ',"attributes":' .. attributes end
  return text .. '}'
end

redis.register_function{function_name = 'ringtrace_v1_show', callback = show, flags = {'no-writes'}}
