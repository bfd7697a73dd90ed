-- The writes of leases. This text follows functions.lua in the same library.

-- Key expiries are set this much later than asked, so that not every renewal has to move them.
local SLACK_MS = 60 * 1000
-- Former holders of one number kept at most, and of those too old removed with each new one.
local MOST_HOLDERS = 4096
local TRIM_HOLDERS = 8
-- Buckets of the index of visits.
local VISIT_BUCKETS = 8192

-- Moves the expiry of a key to `at` or later, never back; true when it had to.
local function keep_until(key, at)
  if redis.call('PEXPIRETIME', key) >= at then return false end
  redis.call('PEXPIREAT', key, ms(at + SLACK_MS))
  return true
end

-- The same for a visit bucket: a fresh one has no expiry yet.
local function keep_bucket_until(bucket, at)
  if redis.call('PEXPIREAT', bucket, at, 'NX') == 0 then redis.call('PEXPIREAT', bucket, at, 'GT') end
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
  return parse_lease(redis.call('HGET', w.prefix .. 'leases:' .. block_of(number), number))
end

-- Takes a visit out of the index, if it stands there with this number. See redis/keys.h.
local function forget_visit(w, number, visit)
  local hash = redis.sha1hex(visit)
  local bucket = w.prefix .. 'visits:' .. ms(tonumber(string.sub(hash, 1, 4), 16) % VISIT_BUCKETS)
  local field = ms(math.floor(tonumber(string.sub(hash, 5, 12), 16) / 2))
  if redis.call('HGET', bucket, field) ~= number then return end
  -- The last one stays, and points in vain: a bucket that is gone would come back without its expiry.
  if redis.call('HLEN', bucket) > 1 then redis.call('HDEL', bucket, field) end
end

local function write(w, block, number, l)
  local out = block.out
  out[#out + 1] = number
  out[#out + 1] = format_lease(l)
  block.at = math.max(block.at, end_of(l) + math.max(l.hold, w.retention))
end

-- Puts a lease that is over into the holder log, and removes from it what is older than the retention.
local function log_holder(w, number, l)
  local ended, oldest = end_of(l), w.now - w.retention
  if ended < oldest then return end
  local holders = w.prefix .. 'holders:' .. number
  local length = redis.call('LPUSH', holders,
    table.concat({ms(l.start), ms(ended), l.source, l.visitor, l.visit}, ' '))
  for _ = 1, length > 1 and TRIM_HOLDERS or 0 do
    local last = tonumber(string.match(redis.call('LINDEX', holders, -1), '^%d+ (%d+)') or 0)
    if last >= oldest and length <= MOST_HOLDERS then break end
    redis.call('RPOP', holders)
    length = length - 1
  end
  redis.call('PEXPIREAT', holders, ms(w.now + w.retention + SLACK_MS))
end

-- What a step answers; nothing when all is as it asked for.
local function done(asked, at)
  if asked ~= at then return {'DONE', at} end
end

-- A lease of a number, or for a visit, of which something is known. `stored` is the number's lease.
local function lease_again(w, block, bucket, stored, number, field, text, attributes)
  local fresh, held = parse_lease(text), parse_lease(stored)
  local asked = fresh.expire
  -- A browser may have its number back in its hold, for another visit; one of before, told late, may not.
  local back = held and held.visit ~= fresh.visit and held.visitor == fresh.visitor and fresh.visitor ~= '-' and
    end_of(held) <= math.min(fresh.start, w.now)
  local stands = stored and not back and not (held and bound_until(held) <= w.now)
  local there = number
  if stands or redis.call('HSETNX', bucket, field, number) == 0 then there = redis.call('HGET', bucket, field) end
  if there and there ~= number then
    local elsewhere = lease_at(w, there)
    if elsewhere and elsewhere.visit == fresh.visit and bound_until(elsewhere) > w.now then
      return {'ELSEWHERE', end_of(elsewhere), there}
    end
  end
  -- Written by someone newer: whose it is cannot be told, so it is not ours to give.
  if stands and not (held and held.visit == fresh.visit) then return {'HELD'} end
  if stands then
    fresh.start = held.start
    fresh.expire = math.max(end_of(held), fresh.expire)
  elseif held then
    if not (held.visit == fresh.visit and held.start == fresh.start) then log_holder(w, number, held) end
    if held.visit ~= fresh.visit then forget_visit(w, number, held.visit) end
    if back then w.taken[number] = true end
  end
  if there ~= number then redis.call('HSET', bucket, field, number) end
  write(w, block, number, fresh)
  if attributes then
    block.attributes[number] = attributes
  elseif held and not stands then
    block.attributes[number] = false
  end
  return done(asked, fresh.expire)
end

-- number field text [attributes]: the lease as it is to be stored, and the visit's field in its bucket
local function lease(w, block, bucket, stored, argv, a, attributes)
  local number, field = argv[a], argv[a + 1]
  if stored or w.call('HSETNX', bucket, field, number) == 0 then
    return lease_again(w, block, bucket, stored, number, field, argv[a + 2], attributes)
  end
  local out = block.out
  local last = #out
  out[last + 1] = number
  out[last + 2] = argv[a + 2]
  block.fresh = true
  if attributes then block.attributes[number] = attributes end
end

local function lease_with_attributes(w, block, bucket, stored, argv, a)
  return lease(w, block, bucket, stored, argv, a, argv[a + 3])
end

-- number visit expire hold
local function renew(w, block, bucket, stored, argv, a)
  local l, asked = parse_lease(stored), tonumber(argv[a + 2])
  if not l or l.visit ~= argv[a + 1] or bound_until(l) <= w.now then return {'NOT_HELD'} end
  l.expire = math.max(end_of(l), asked)
  l.ended = 0
  l.hold = tonumber(argv[a + 3])
  write(w, block, argv[a], l)
  block.renewed = true
  return done(asked, l.expire)
end

-- number field visit end: marks the lease as ended. A visit that never learned of an extension ends later rather
-- than earlier; a lease that was over by its stored time may so be in its hold again, and is found again.
local function release(w, block, bucket, stored, argv, a)
  local l, asked = parse_lease(stored), tonumber(argv[a + 3])
  if not l or l.visit ~= argv[a + 2] then return {'NOT_HELD'} end
  if l.ended == 0 then
    l.ended = math.max(l.start, asked)
    redis.call('HSET', bucket, argv[a + 1], argv[a])
    write(w, block, argv[a], l)
  end
  return done(asked, l.ended)
end

-- The same; a lease that stands longer than "end" is left alone.
local function expire(w, block, bucket, stored, argv, a)
  local l = parse_lease(stored)
  if l and l.visit == argv[a + 2] and l.ended == 0 and l.expire > tonumber(argv[a + 3]) then
    return {'DONE', l.expire}
  end
  return release(w, block, bucket, stored, argv, a)
end

local KINDS = {
  lease = {run = lease, arguments = 3},
  named = {run = lease_with_attributes, arguments = 4},
  renew = {run = renew, arguments = 4},
  release = {run = release, arguments = 4},
  expire = {run = expire, arguments = 4},
}

-- The groups of a write, and the leases their steps are about: one question a block.
local function read_groups(keys, argv)
  local groups, blocks = {}, {}
  for b = 1, tonumber(argv[4]) do
    blocks[b] = {leases = keys[1 + 2 * b], attribute_key = keys[2 + 2 * b], at = 0, asked = {}, read = 0, out = {},
                 attributes = {}}
  end
  local a = 8 + tonumber(argv[7])
  while a <= #argv do
    local kind, block, count = KINDS[argv[a]], blocks[tonumber(argv[a + 1])], tonumber(argv[a + 2])
    groups[#groups + 1] = {kind = kind, block = block, count = count, first = a + 3}
    local asked = block.asked
    local last = #asked
    a = a + 3
    for i = 1, count do
      asked[last + i] = argv[a]
      a = a + kind.arguments
    end
  end
  for _, block in ipairs(blocks) do
    block.texts = #block.asked > 0 and redis.call('HMGET', block.leases, unpack(block.asked)) or {}
  end
  return groups, blocks
end

local function write_attributes(w, block)
  local set, gone = {}, {}
  for number, text in pairs(block.attributes) do
    if text then
      set[#set + 1] = number
      set[#set + 1] = text
    else
      gone[#gone + 1] = number
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

-- Writes of leases; all of them or none. At most some hundred steps, in groups of one kind and block. No two are of
-- one number or one visit, so that their order does not matter: the writer sees to that.
-- KEYS owner, blocks, then per block of numbers its leases and its attributes, then per step its visit's bucket
-- ARGV token now retention_ms blocks_count leases_until visits_until, the count of the steps whose buckets must be
--   kept until then (the writer knows which are) and their places, then per group its kind, the place of its block,
--   the count of its steps, and their arguments. The first time: until when the block of leases that are new must be
--   kept at least.
-- Answers {"WRITTEN", writes so far, then for each step of which not all is as it asked for: {its place, "DONE",
-- expire_ms}, {its place, "HELD"}, {its place, "NOT_HELD"} or {its place, "ELSEWHERE", expire_ms, number}};
-- {"FENCED", owner's name, since} or {"UNCLAIMED"} when nothing was written.
local function write_leases(keys, argv)
  local refusal = fence(keys[1], argv[1])
  if refusal then return refusal end
  local w = {now = tonumber(argv[2]), retention = tonumber(argv[3]), leases_until = tonumber(argv[5]),
             blocks = keys[2], call = redis.call, taken = {}, prefix = string.match(keys[1], '^(.*:)owner$')}
  local answers = {'WRITTEN', redis.call('HINCRBY', keys[1], 'writes', 1)}
  local groups, blocks = read_groups(keys, argv)
  local place, bucket = 0, 3 + 2 * #blocks
  for _, group in ipairs(groups) do
    local run, width, block, a = group.kind.run, group.kind.arguments, group.block, group.first
    local texts, read = block.texts, block.read
    for i = 1, group.count do
      local answer = run(w, block, keys[bucket + place], texts[read + i], argv, a)
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
  for i = 8, 7 + tonumber(argv[7]) do keep_bucket_until(keys[3 + 2 * #blocks + tonumber(argv[i])], argv[6]) end
  return answers
end

redis.register_function('ringtrace_v1_write_leases', write_leases)

