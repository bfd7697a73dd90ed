#!lua name=ringtrace_v1
--[[
The store's atomic steps. Every step is one FCALL that either happens whole or not at all, and that does
nothing more when it is sent again.

The keys and their texts are described in redis/keys.h. All times are Unix milliseconds, given by the caller as
"now": an expiry is decided by the stored times alone. Who may write is decided by the owner's token alone.
]]

-- What a gateway's clock may differ from Redis' before a visit is forgotten too early.
local SKEW_MS = 24 * 3600 * 1000
-- Key expiries are set this much later than asked, so that not every renewal has to move them.
local SLACK_MS = 60 * 1000
-- One step of so many in a write also looks at twice as many entries of its visit bucket, and removes those that
-- are over.
local SWEEP_EVERY = 4
-- Former holders of one number kept at most, and of those too old removed with each new one.
local MOST_HOLDERS = 4096
local TRIM_HOLDERS = 8

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

-- Moves a key's expiry to `at` or later, never back; true when it had to.
local function keep_until(key, at)
  if redis.call('PEXPIRETIME', key) >= at then return false end
  redis.call('PEXPIREAT', key, ms(at + SLACK_MS))
  return true
end

-- Redis' own clock: for claims, which nobody else may decide.
local function redis_now()
  local time = redis.call('TIME')
  return tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)
end

-- A step of a write: its keys, and what all steps of the write share (see `write_all`).
local function write(step, number, l)
  redis.call('HSET', step.block, number, format_lease(l))
  redis.call('HSET', step.visits, l.visit, table.concat({number, ms(l.expire), ms(l.ended), ms(l.hold)}, ' '))
  local at = end_of(l) + math.max(l.hold, step.retention)
  if keep_until(step.block, at) then
    redis.call('SADD', step.blocks, string.match(step.block, '(%d+)$'))
    keep_until(step.blocks, at)
  end
  keep_until(step.visits, bound_until(l) + SKEW_MS)
end

local function sweep(visit_key, now)
  local entries = redis.call('HRANDFIELD', visit_key, 2 * SWEEP_EVERY, 'WITHVALUES')
  for i = 1, #entries, 2 do
    local entry = parse_visit(entries[i + 1])
    if not entry or bound_until(entry) + SKEW_MS <= now then
      redis.call('HDEL', visit_key, entries[i])
    end
  end
end

-- Puts a lease that is over into the holder log, and removes from it what is older than the retention.
local function log_holder(step, l)
  local ended, oldest = end_of(l), step.now - step.retention
  if ended < oldest then return end
  local length = redis.call('LPUSH', step.holders,
    table.concat({ms(l.start), ms(ended), l.source, l.visitor, l.visit}, ' '))
  for _ = 1, TRIM_HOLDERS do
    local last = tonumber(string.match(redis.call('LINDEX', step.holders, -1), '^%d+ (%d+)') or 0)
    if last >= oldest and length <= MOST_HOLDERS then break end
    redis.call('RPOP', step.holders)
    length = length - 1
  end
  redis.call('PEXPIREAT', step.holders, ms(step.now + step.retention + SLACK_MS))
end

-- number visit start expire hold source visitor attributes
local function lease(step, argv, a)
  local now, number, visit = step.now, argv[a], argv[a + 1]
  local elsewhere = parse_visit(redis.call('HGET', step.visits, visit))
  if elsewhere and elsewhere.number ~= number and bound_until(elsewhere) > now then
    return {'ELSEWHERE', end_of(elsewhere), elsewhere.number}
  end
  local l = {start = tonumber(argv[a + 2]), expire = tonumber(argv[a + 3]), ended = 0,
             hold = tonumber(argv[a + 4]), source = argv[a + 5], visitor = argv[a + 6], visit = visit}
  local attributes = argv[a + 7]
  local stored = redis.call('HGET', step.block, number)
  local held = parse_lease(stored)
  -- Written by someone newer: whose it is cannot be told, so it is not ours to give.
  if stored and not held then return {'HELD'} end
  local again = false
  if held and bound_until(held) > now then
    if held.visit ~= visit then return {'HELD'} end
    again = true
    l.start = held.start
    l.expire = math.max(end_of(held), l.expire)
  elseif held and not (held.visit == visit and held.start == l.start) then
    log_holder(step, held)
  end
  if step.index % SWEEP_EVERY == 0 then sweep(step.visits, now) end
  write(step, number, l)
  if attributes ~= '' then
    redis.call('HSET', step.attributes, number, attributes)
    keep_until(step.attributes, end_of(l) + math.max(l.hold, step.retention))
  elseif held and not again then
    redis.call('HDEL', step.attributes, number)
  end
  return {'DONE', l.expire}
end

-- number visit expire hold
local function renew(step, argv, a)
  local number = argv[a]
  local l = parse_lease(redis.call('HGET', step.block, number))
  if not l or l.visit ~= argv[a + 1] or bound_until(l) <= step.now then return {'NOT_HELD'} end
  l.expire = math.max(end_of(l), tonumber(argv[a + 2]))
  l.ended = 0
  l.hold = tonumber(argv[a + 3])
  write(step, number, l)
  -- Of a key that is not there this changes nothing.
  keep_until(step.attributes, l.expire + math.max(l.hold, step.retention))
  return {'DONE', l.expire}
end

-- Marks the lease as ended. A visit that never learned of an extension ends later rather than earlier.
local function finish(step, number, l, at)
  if l.ended == 0 then
    l.ended = math.max(l.start, at)
    write(step, number, l)
  end
  return {'DONE', l.ended}
end

-- number visit end
local function release(step, argv, a)
  local l = parse_lease(redis.call('HGET', step.block, argv[a]))
  if not l or l.visit ~= argv[a + 1] then return {'NOT_HELD'} end
  return finish(step, argv[a], l, tonumber(argv[a + 2]))
end

-- The same; a lease that stands longer than "end" is left alone.
local function expire(step, argv, a)
  local at = tonumber(argv[a + 2])
  local l = parse_lease(redis.call('HGET', step.block, argv[a]))
  if not l or l.visit ~= argv[a + 1] then return {'NOT_HELD'} end
  if l.ended == 0 and l.expire > at then return {'DONE', l.expire} end
  return finish(step, argv[a], l, at)
end

local STEPS = {
  lease = {run = lease, arguments = 8},
  renew = {run = renew, arguments = 4},
  release = {run = release, arguments = 3},
  expire = {run = expire, arguments = 3},
}

-- owner: hash, see redis/keys.h. A token is "<counter>-<instance>": the counter only grows, and no two
-- processes have one instance. Nil when the token is the owner's; else what the writer is told.
local function fence(owner, token)
  local stored = redis.call('HMGET', owner, 'token', 'name', 'since')
  if stored[1] == token then return nil end
  local theirs = stored[1] and tonumber(string.match(stored[1], '^%d+')) or 0
  -- Behind the writer: these books were lost or are old ones. The writer is to claim anew.
  if theirs < tonumber(string.match(token, '^%d+')) then return {'UNCLAIMED'} end
  return {'FENCED', stored[2] or '', stored[3] or '0'}
end

-- Writes of leases, in order; all of them or none.
-- KEYS owner, blocks, then per step: lease block, visit bucket, attr block, holders of the number
-- ARGV token now retention_ms, then per step its kind and its arguments
-- Answers {"WRITTEN", writes so far, then per step {"DONE", expire_ms}, {"HELD"}, {"NOT_HELD"} or
-- {"ELSEWHERE", expire_ms, number}}; {"FENCED", owner's name, since} or {"UNCLAIMED"} when nothing was written.
local function write_all(keys, argv)
  local refusal = fence(keys[1], argv[1])
  if refusal then return refusal end
  local step = {now = tonumber(argv[2]), retention = tonumber(argv[3]), blocks = keys[2], index = 0}
  local answers = {'WRITTEN', redis.call('HINCRBY', keys[1], 'writes', 1)}
  local a = 4
  for k = 3, #keys, 4 do
    step.block, step.visits, step.attributes, step.holders = keys[k], keys[k + 1], keys[k + 2], keys[k + 3]
    local kind = STEPS[argv[a]]
    answers[#answers + 1] = kind.run(step, argv, a + 1)
    step.index = step.index + 1
    a = a + 1 + kind.arguments
  end
  return answers
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

redis.register_function('ringtrace_v1_write', write_all)
redis.register_function{function_name = 'ringtrace_v1_show', callback = show, flags = {'no-writes'}}
