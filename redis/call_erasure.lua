
--[[
Removing what is personal of the calls that one person made or forwarded. This text follows call_log.lua in the same
library.
]]

-- Clears a call; events of it that come later are kept without what is personal. True when there was something.
local function clear(call)
  local seen = CALLS .. 'seen:' .. call
  if redis.call('EXISTS', seen) == 1 then redis.call('HSET', seen, 'erased', 1) end
  return persons.forget(call)
end

-- Some of a caller's calls, those that started first; and from now on his earlier ones that come later.
-- KEYS calls of the caller, when he was erased, log   ARGV most
-- Answers how many were cleared, how many are left, and up to which cursor calls are to be looked through because
-- they are not named by their caller; "" when there are none.
local function erase_caller(keys, argv)
  redis.call('SET', keys[2], ms(redis_now()), 'PX', ms(ERASED_MS))
  local some = redis.call('ZRANGE', keys[1], 0, tonumber(argv[1]) - 1)
  local cleared = 0
  for _, call in ipairs(some) do
    if clear(call) then cleared = cleared + 1 end
  end
  if #some > 0 then redis.call('ZREM', keys[1], unpack(some)) end
  local log = redis.call('HMGET', keys[3], 'unindexed', 'trimmed')
  local rest = log[1] or ''
  if rest ~= '' and is_dropped(rest, log[2] or '0-0') then rest = '' end
  return {cleared, redis.call('ZCARD', keys[1]), rest}
end

-- The same by looking at each event. What was written before personal data stood by itself is removed whole, as an
-- entry cannot be changed; open calls forget the number.
-- KEYS events, open   ARGV caller, as it stands in JSON, from to most
-- Answers how many calls were cleared, and the cursor to go on after; "" at the end.
local function erase_unindexed(keys, argv)
  local entries = redis.call('XRANGE', keys[1], argv[3], argv[4], 'COUNT', argv[5])
  local cleared = {}
  for _, entry in ipairs(entries) do
    local call, json = entry_field(entry, 'call'), entry_field(entry, 'json')
    if call and json then
      local numbers = redis.call('GET', CALLS .. 'caller:' .. call)
      if persons.names(numbers, argv[1]) and clear(call) then cleared[call] = true end
      if string.find(json, argv[2], 1, true) then
        clear(call)
        redis.call('XDEL', keys[1], entry[1])
        cleared[call] = true
      end
      local open = redis.call('HGET', keys[2], call)
      local from, to = string.find(open or '', argv[2], 1, true)
      if from then
        redis.call('HSET', keys[2], call, string.sub(open, 1, from - 1) .. '"caller":""' .. string.sub(open, to + 1))
        cleared[call] = true
      end
    end
  end
  local count = 0
  for _ in pairs(cleared) do count = count + 1 end
  return {count, #entries == tonumber(argv[5]) and entries[#entries][1] or ''}
end

redis.register_function('ringtrace_v1_erase_caller', erase_caller)
redis.register_function('ringtrace_v1_erase_unindexed', erase_unindexed)
