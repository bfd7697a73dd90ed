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

-- leases:<block>, field = number: "start expire ended hold source visitor visit"
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

local function end_of(l)
  if l.ended > 0 then return l.ended end
  return l.expire
end

-- Until when the number is nobody else's.
local function bound_until(l)
  return end_of(l) + l.hold
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
  local l = parse_lease(redis.call('HGET', keys[1], argv[1]))
  if not l then return '' end
  local now = redis_now()
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

redis.register_function{function_name = 'ringtrace_v1_show', callback = show, flags = {'no-writes'}}
