-- The writes of leases. This text follows functions.lua in the same library.

-- Key expiries are set this much later than asked, so that not every write has to move them.
local SLACK_MS = 60 * 1000
-- The same for a number's holders, which are many keys.
local HOLDERS_SLACK_MS = 60 * 60 * 1000
-- What a gateway's clock may differ from Redis' before a visit is forgotten too early.
local SKEW_MS = 24 * 60 * 60 * 1000
-- Former holders of one number kept at most, and of those too old removed with each new one.
local MOST_HOLDERS = 4096
local TRIM_HOLDERS = 8

-- Moves the expiry of a key to `at` or later, never back; true when it had to.
local function keep_until(key, at, slack)
  if redis.call('PEXPIRETIME', key) >= at then return false end
  redis.call('PEXPIREAT', key, ms(at + (slack or SLACK_MS)))
  return true
end

local BASE64 = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/'
-- What base64_of has made; at most 4,096 entries.
local BASE64_OF = {}

-- Three hexadecimal digits as two of Base64 (RFC 4648).
local function base64_of(hex)
  local text = BASE64_OF[hex]
  if not text then
    local bits = tonumber(hex, 16)
    local high, low = math.floor(bits / 64) + 1, bits % 64 + 1
    text = string.sub(BASE64, high, high) .. string.sub(BASE64, low, low)
    BASE64_OF[hex] = text
  end
  return text
end

-- A visit's field in the index. See redis/keys.h.
local function word_of(visit)
  local hash = redis.sha1hex(visit)
  return base64_of(string.sub(hash, 1, 3)) .. base64_of(string.sub(hash, 4, 6)) .. base64_of(string.sub(hash, 7, 9))
end

-- The block of a number: all but its last five digits.
local function block_of(number)
  local block = string.sub(number, 1, -6)
  return block ~= '' and block or '0'
end

-- The lease of a number of any block. Only this step of the write is of the number or its visit.
local function lease_at(w, number)
  -- Given to another visit by a step before: that is written at the end.
  if w.taken[number] then return nil end
  return parse_lease(redis.call('HGET', w.prefix .. 'leases:' .. block_of(number), field_of(number)))
end

local function write(w, block, field, l)
  local out = block.out
  out[#out + 1] = field
  out[#out + 1] = format_lease(l)
  block.at = math.max(block.at, l.ends + math.max(l.hold, w.retention))
end

local function index(w, word, number)
  local indexed = w.indexed
  local last = #indexed
  indexed[last + 1] = word
  indexed[last + 2] = number
end

-- Takes a visit out of the index, if it stands there with this number.
local function forget_visit(w, number, visit)
  local last = #w.forgotten + 1
  w.forgotten[last] = word_of(visit)
  w.forgotten_at[last] = number
end

-- Puts a lease that is over into the holder log, and removes from it what is older than the retention.
local function log_holder(w, number, l)
  local oldest = w.now - w.retention
  if l.ends < oldest then return end
  local holders = w.prefix .. 'holders:' .. number
  local length = redis.call('LPUSH', holders,
    table.concat({ms(l.start), ms(l.ends), l.source, l.visitor, l.visit}, ' '))
  for _ = 1, length > 1 and TRIM_HOLDERS or 0 do
    local last = tonumber(string.match(redis.call('LINDEX', holders, -1), '^%d+ (%d+)') or 0)
    if last >= oldest and length <= MOST_HOLDERS then break end
    redis.call('RPOP', holders)
    length = length - 1
  end
  keep_until(holders, w.now + w.retention, HOLDERS_SLACK_MS)
end

-- What a step answers; nothing when all is as it asked for.
local function done(asked, at)
  if asked ~= at then return {'DONE', at} end
end

-- A lease of a number, or for a visit, of which something is known: `stored` is the number's lease, `there` the
-- number that the index has for the visit.
local function lease_again(w, block, field, stored, there, argv, a, attributes)
  local number, word = argv[a], argv[a + 1]
  local fresh, held = parse_lease(argv[a + 2]), parse_lease(stored)
  local asked = fresh.ends
  -- A browser may have its number back in its hold, for another visit; one of before, told late, may not.
  local back = held and held.visit ~= fresh.visit and held.visitor == fresh.visitor and fresh.visitor ~= '-' and
    held.ends <= math.min(fresh.start, w.now)
  local stands = stored and not back and not (held and bound_until(held) <= w.now)
  if there and there ~= number then
    local elsewhere = lease_at(w, there)
    if elsewhere and elsewhere.visit == fresh.visit and bound_until(elsewhere) > w.now then
      return {'ELSEWHERE', elsewhere.ends, there}
    end
  end
  -- Written by someone newer: whose it is cannot be told, so it is not ours to give.
  if stands and not (held and held.visit == fresh.visit) then return {'HELD'} end
  if stands then
    fresh.start = held.start
    fresh.ends = math.max(held.ends, fresh.ends)
  elseif held then
    if not (held.visit == fresh.visit and held.start == fresh.start) then log_holder(w, number, held) end
    if held.visit ~= fresh.visit then forget_visit(w, number, held.visit) end
    if back then w.taken[number] = true end
  end
  if there ~= number then index(w, word, number) end
  write(w, block, field, fresh)
  if attributes then
    block.attributes[field] = attributes
  elseif held and not stands then
    block.attributes[field] = false
  end
  return done(asked, fresh.ends)
end

-- number word text [attributes]: the lease as it is to be stored, and the visit's field in the index
local function lease(w, block, field, stored, argv, a, attributes)
  local there = w.there[argv[a + 1]]
  if stored or there then return lease_again(w, block, field, stored, there, argv, a, attributes) end
  local out = block.out
  local last = #out
  out[last + 1] = field
  out[last + 2] = argv[a + 2]
  block.fresh = true
  index(w, argv[a + 1], argv[a])
  if attributes then block.attributes[field] = attributes end
end

local function lease_with_attributes(w, block, field, stored, argv, a)
  return lease(w, block, field, stored, argv, a, argv[a + 3])
end

-- number visit expire hold
local function renew(w, block, field, stored, argv, a)
  local l, asked = parse_lease(stored), tonumber(argv[a + 2])
  if not l or l.visit ~= argv[a + 1] or bound_until(l) <= w.now then return {'NOT_HELD'} end
  l.ends = math.max(l.ends, asked)
  l.over = false
  l.hold = tonumber(argv[a + 3])
  write(w, block, field, l)
  block.renewed = true
  return done(asked, l.ends)
end

-- number word visit end: marks the lease as ended. A visit that never learned of an extension ends later rather
-- than earlier; a lease that was over by its stored time may so be in its hold again, and is found again.
local function release(w, block, field, stored, argv, a)
  local l, asked = parse_lease(stored), tonumber(argv[a + 3])
  if not l or l.visit ~= argv[a + 2] then return {'NOT_HELD'} end
  if not l.over then
    l.ends = math.max(l.start, asked)
    l.over = true
    index(w, argv[a + 1], argv[a])
    write(w, block, field, l)
  end
  return done(asked, l.ends)
end

-- The same; a lease that stands longer than "end" is left alone.
local function expire(w, block, field, stored, argv, a)
  local l = parse_lease(stored)
  if l and l.visit == argv[a + 2] and not l.over and l.ends > tonumber(argv[a + 3]) then
    return {'DONE', l.ends}
  end
  return release(w, block, field, stored, argv, a)
end

local KINDS = {
  lease = {run = lease, arguments = 3, asks_index = true},
  named = {run = lease_with_attributes, arguments = 4, asks_index = true},
  renew = {run = renew, arguments = 4},
  release = {run = release, arguments = 4},
  expire = {run = expire, arguments = 4},
}

-- The groups of a write, the leases their steps are about, one question a block, and what the index says of visits.
local function read_groups(w, keys, argv)
  local groups, blocks, words = {}, {}, {}
  for b = 1, tonumber(argv[4]) do
    blocks[b] = {leases = keys[2 + 2 * b], attribute_key = keys[3 + 2 * b], at = 0, asked = {}, read = 0, out = {},
                 attributes = {}}
  end
  local a = 7
  while a <= #argv do
    local kind, block, count = KINDS[argv[a]], blocks[tonumber(argv[a + 1])], tonumber(argv[a + 2])
    groups[#groups + 1] = {kind = kind, block = block, count = count, first = a + 3}
    local asked, width, of_index = block.asked, kind.arguments, kind.asks_index and words or {}
    local last, last_word = #asked, #of_index
    a = a + 3
    for i = 1, count do
      asked[last + i] = field_of(argv[a])
      of_index[last_word + i] = argv[a + 1]
      a = a + width
    end
  end
  for _, block in ipairs(blocks) do
    block.texts = #block.asked > 0 and redis.call('HMGET', block.leases, unpack(block.asked)) or {}
  end
  local there = #words > 0 and redis.call('HMGET', w.visits, unpack(words)) or {}
  for i, word in ipairs(words) do
    if there[i] then w.there[word] = there[i] end
  end
  return groups, blocks
end

local function write_attributes(w, block)
  local set, gone = {}, {}
  for field, text in pairs(block.attributes) do
    if text then
      set[#set + 1] = field
      set[#set + 1] = text
    else
      gone[#gone + 1] = field
    end
  end
  if #set > 0 then redis.call('HSET', block.attribute_key, unpack(set)) end
  if #gone > 0 then redis.call('HDEL', block.attribute_key, unpack(gone)) end
  if #set > 0 or block.renewed then keep_until(block.attribute_key, block.at) end
end

local function write_block(w, block)
  if #block.out == 0 then return end
  redis.call('HSET', block.leases, unpack(block.out))
  if block.fresh then block.at = math.max(block.at, w.leases_until) end
  if keep_until(block.leases, block.at) then
    redis.call('SADD', w.blocks, string.match(block.leases, '(%d+)$'))
    keep_until(w.blocks, block.at)
  end
  write_attributes(w, block)
end

-- First what is no longer true: a visit that was at a number before may have got another one by this very write.
local function write_index(w)
  if #w.forgotten > 0 then
    local gone = {}
    for i, number in ipairs(redis.call('HMGET', w.visits, unpack(w.forgotten))) do
      if number == w.forgotten_at[i] then gone[#gone + 1] = w.forgotten[i] end
    end
    if #gone > 0 then redis.call('HDEL', w.visits, unpack(gone)) end
  end
  if #w.indexed > 0 then redis.call('HSET', w.visits, unpack(w.indexed)) end
  keep_until(w.visits, w.visits_until + SKEW_MS)
end

-- Writes of leases; all of them or none. At most some hundred steps, in groups of one kind and block. No two are of
-- one number or one visit, so that their order does not matter: the writer sees to that.
-- KEYS owner, blocks, visits, then per block of numbers its leases and its attributes
-- ARGV token now retention_ms blocks_count leases_until visits_until, then per group its kind, the place of its block,
--   the count of its steps, and their arguments. leases_until: until when the block of leases that are new must be
--   kept at least; visits_until: the same of the index.
-- Answers {"WRITTEN", writes so far, then for each step of which not all is as it asked for: {its place, "DONE",
-- expire_ms}, {its place, "HELD"}, {its place, "NOT_HELD"} or {its place, "ELSEWHERE", expire_ms, number}};
-- {"FENCED", owner's name, since} or {"UNCLAIMED"} when nothing was written.
local function write_leases(keys, argv)
  local refusal = fence(keys[1], argv[1])
  if refusal then return refusal end
  local w = {now = tonumber(argv[2]), retention = tonumber(argv[3]), leases_until = tonumber(argv[5]),
             visits_until = tonumber(argv[6]), blocks = keys[2], visits = keys[3], there = {}, taken = {},
             indexed = {}, forgotten = {}, forgotten_at = {}, prefix = string.match(keys[1], '^(.*:)owner$')}
  local answers = {'WRITTEN', redis.call('HINCRBY', keys[1], 'writes', 1)}
  local groups, blocks = read_groups(w, keys, argv)
  local place = 0
  for _, group in ipairs(groups) do
    local run, width, block, a = group.kind.run, group.kind.arguments, group.block, group.first
    local fields, texts, read = block.asked, block.texts, block.read
    for i = 1, group.count do
      local answer = run(w, block, fields[read + i], texts[read + i], argv, a)
      if answer then
        table.insert(answer, 1, place)
        answers[#answers + 1] = answer
      end
      place = place + 1
      a = a + width
    end
    block.read = read + group.count
  end
  for _, block in ipairs(blocks) do write_block(w, block) end
  write_index(w)
  return answers
end

redis.register_function('ringtrace_v1_write_leases', write_leases)
