
--[[
The log of call events. This text follows call_index.lua in the same library.
]]

-- How long the ids of a call's events are known after its latest one.
local SEEN_MS = 2 * 24 * 3600 * 1000
-- How long calls left open are kept after the latest event of any call.
local OPEN_MS = 30 * 24 * 3600 * 1000
-- The log expires so much later than its newest event is too old.
local EXPIRY_SLACK_MS = 60 * 1000
-- Events trimmed at most with each append.
local TRIM = 256

-- Removes the oldest entries, which are given, and notes where the log begins now.
local function drop_oldest(events, log, entries)
  calls.drop(entries)
  local last = entries[#entries][1]
  local high, low = string.match(last, '(%d+)-(%d+)')
  redis.call('XTRIM', events, 'MINID', '=', high .. '-' .. ms(tonumber(low) + 1))
  redis.call('HSET', log, 'trimmed', last)
end

-- Trims the log by age (Redis' own clock: the entries' ids are from it) and by length, some at a time.
local function trim(events, log, limits, length)
  local oldest = limits.now - limits.retention
  local old = redis.call('XRANGE', events, '-', ms(math.max(0, oldest - 1)), 'COUNT', TRIM)
  if #old > 0 then drop_oldest(events, log, old) end
  local over = math.min(redis.call('XLEN', events) - length, TRIM)
  if over > 0 then
    local first = redis.call('XRANGE', events, '-', '+', 'COUNT', over)
    drop_oldest(events, log, first)
  end
end

-- Calls are found by their caller only when his hash was made with the present key: notes up to where they are not,
-- because the key is another one now, or there was none.
local function note_key(log, id)
  local known = redis.call('HMGET', log, 'caller_key', 'last')
  if known[1] == id then return end
  if known[2] then redis.call('HSET', log, 'unindexed', known[2]) end
  redis.call('HSET', log, 'caller_key', id)
end

-- Appends one event, described in `row`. Its cursor; "" when it came after its call's end. Second, whether something
-- personal was left out. What the events of a batch change together goes to `batch`, see finish.
local function append(keys, row, limits, batch)
  local known = redis.call('HMGET', row.seen, row.event, 'ended', 'erased')
  if known[1] then return known[1], false end
  local over = known[2]
  if over and row.kind ~= 'attribution_updated' then return '', false end
  local cursor = redis.call('XADD', keys[1], '*', 'type', row.kind, 'call', row.call, 'json', row.json)
  batch.last = cursor
  local is_first = calls.note(row.call, row.kind, cursor, row.index, limits.retention, batch.additions)
  if row.kind == 'ended' then
    redis.call('HSET', row.seen, row.event, cursor, 'ended', cursor)
    batch.open[row.call] = nil
    batch.over[#batch.over + 1] = row.call
  else
    redis.call('HSET', row.seen, row.event, cursor)
    if not over then batch.open[row.call] = row.json end
  end
  local kept = persons.keep(row, {is_first = is_first, is_erased = known[3], seen = row.seen}, limits)
  redis.call('PEXPIRE', row.seen, SEEN_MS)
  return cursor, not kept
end

-- Writes what the events of a batch change together: where the log ends, which calls are open, and their sets.
local function finish(keys, batch, limits)
  if not batch.last then return end
  redis.call('HSET', keys[3], 'last', batch.last)
  calls.add(batch.additions, limits.retention)
  local open = {}
  for call, text in pairs(batch.open) do
    open[#open + 1] = call
    open[#open + 1] = text
  end
  if #open > 0 then
    redis.call('HSET', keys[2], unpack(open))
    redis.call('PEXPIRE', keys[2], OPEN_MS)
  end
  if #batch.over > 0 then redis.call('HDEL', keys[2], unpack(batch.over)) end
end

-- Appends events of calls, in order, each once.
-- KEYS events, open, log, then one seen key per event
-- ARGV retention_ms max_length caller_ms attributes_ms key_id, then per event: event_id type call_id json index
--   numbers hashes visits (as call_persons.lua has them), and so many times a visit's id and its text
-- Answers how many events something personal was left out of, then per event its cursor; "" for one that came after
-- its call's end.
local function record(keys, argv)
  local limits = {now = redis_now(), retention = tonumber(argv[1]), caller = tonumber(argv[3]),
                  attributes = tonumber(argv[4])}
  limits.index = limits.retention + CALLS_SLACK_MS
  note_key(keys[3], argv[5])
  local answers = {0}
  local batch = {additions = {}, open = {}, over = {}}
  local a = 6
  for k = 4, #keys do
    local row = {seen = keys[k], event = argv[a], kind = argv[a + 1], call = argv[a + 2], json = argv[a + 3],
                 index = argv[a + 4], caller = argv[a + 5], hash = argv[a + 6], visits = {}}
    row.start = string.match(row.index, '^%d+') or '0'
    a = a + 8
    for v = 1, 2 * tonumber(argv[a - 1]) do row.visits[v] = argv[a + v - 1] end
    a = a + #row.visits
    local cursor, left_out = append(keys, row, limits, batch)
    answers[#answers + 1] = cursor
    if left_out then answers[1] = answers[1] + 1 end
  end
  finish(keys, batch, limits)
  trim(keys[1], keys[3], limits, tonumber(argv[2]))
  -- When nothing comes any more everything is forgotten in the end.
  redis.call('PEXPIRE', keys[1], ms(limits.retention + EXPIRY_SLACK_MS))
  return answers
end

-- Entries of the log, with what is personal of them.
-- KEYS events, log   ARGV from most
-- Answers the newest cursor that is gone or "", the entries, then per call of them its id and what is personal.
local function read(keys, argv)
  local entries = redis.call('XRANGE', keys[1], argv[1], '+', 'COUNT', argv[2])
  local ends = redis.call('HMGET', keys[2], 'trimmed', 'last')
  local answer = {ends[1] or '', entries}
  -- Expired as a whole.
  if ends[2] and redis.call('EXISTS', keys[1]) == 0 then answer[1] = ends[2] end
  local told = {}
  for _, entry in ipairs(entries) do
    local call = entry_field(entry, 'call')
    if call and not told[call] then
      told[call] = true
      answer[#answer + 1] = call
      answer[#answer + 1] = persons.of(call)
    end
  end
  return answer
end

redis.register_function('ringtrace_v2_record', record)
redis.register_function{function_name = 'ringtrace_v1_read_calls', callback = read, flags = {'no-writes'}}
