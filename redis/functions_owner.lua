
-- The second part of the library, after functions.lua: who may write, and who held a number.

-- A field of INFO, such as "run_id".
local function info(section, field)
  return string.match(redis.call('INFO', section), field .. ':([^\r\n]*)') or ''
end

-- Makes the caller the owner of all blocks of a pool, or extends its claim. It is refused while another's claim
-- stands, unless that one's token is `gone`: the caller knows its process to be dead.
-- KEYS owner
-- ARGV instance name claim_ms seen client gone
--   seen: the highest counter the caller knows of; client: the caller's CLIENT ID
-- Answers {"CLAIMED", token, since, writes, run_id, replid, then as they were before: token, run_id, replid}, or
-- {"OWNED", token, name, since, ms until it runs out, client, run_id}. Tokens that were not there are "".
local function claim(keys, argv)
  local now = redis_now()
  local names = {'token', 'name', 'since', 'until', 'client', 'run_id', 'replid', 'writes'}
  local values = redis.call('HMGET', keys[1], unpack(names))
  local was = {}
  for i, name in ipairs(names) do was[name] = values[i] or '' end
  local run_id = info('server', 'run_id')
  local counter, instance = string.match(was.token, '^(%d+)%-(.+)$')
  counter = tonumber(counter or 0)
  local left = tonumber(was['until'] ~= '' and was['until'] or 0) - now
  if instance and instance ~= argv[1] and left > 0 and was.token ~= argv[6] then
    return {'OWNED', was.token, was.name, was.since, left, was.client, was.run_id}
  end
  local token, since = was.token, was.since
  local seen = tonumber(argv[4])
  if instance ~= argv[1] or counter < seen then
    token = ms(math.max(counter, seen) + 1) .. '-' .. argv[1]
    since = ms(now)
  end
  local replid = info('replication', 'master_replid')
  redis.call('HSET', keys[1], 'token', token, 'name', argv[2], 'since', since, 'until', ms(now + tonumber(argv[3])),
    'client', argv[5], 'run_id', run_id, 'replid', replid)
  return {'CLAIMED', token, since, tonumber(was.writes ~= '' and was.writes or 0), run_id, replid,
          was.token, was.run_id, was.replid}
end

-- Extends a claim; with claim_ms 0 gives it up.
-- KEYS owner   ARGV token claim_ms
-- Answers {"KEPT"}, {"FENCED", owner's name, since} or {"UNCLAIMED"}.
local function keep_claim(keys, argv)
  local refusal = fence(keys[1], argv[1])
  if refusal then return refusal end
  redis.call('HSET', keys[1], 'until', ms(redis_now() + tonumber(argv[2])))
  return {'KEPT'}
end

-- Who was shown a number at a time or before it, the latest first: the number's present or last lease as it is
-- stored ("" when that began later), the attributes of its visit ("" for none), then entries of the holder log.
-- KEYS lease block, holders of the number, attribute block   ARGV number at most
local function holders(keys, argv)
  local at, most = tonumber(argv[2]), tonumber(argv[3])
  local field = field_of(argv[1])
  local present = redis.call('HGET', keys[1], field)
  local l = parse_lease(present)
  local found = {'', ''}
  if l and l.start <= at then found = {present, redis.call('HGET', keys[3], field) or ''} end
  local from, page = 0, 128
  repeat
    local entries = redis.call('LRANGE', keys[2], from, from + page - 1)
    for _, entry in ipairs(entries) do
      if #found <= most + 1 and tonumber(string.match(entry, '^%d+') or at + 1) <= at then found[#found + 1] = entry end
    end
    from = from + page
  until #entries < page or #found > most + 1
  return found
end

redis.register_function('ringtrace_v1_claim', claim)
redis.register_function('ringtrace_v1_keep_claim', keep_claim)
redis.register_function{function_name = 'ringtrace_v2_holders', callback = holders, flags = {'no-writes'}}
