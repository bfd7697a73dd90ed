--[[
Named subscriptions. This text follows call_erasure.lua in the same library.

`rt:{calls}:subscriptions`: name -> "cursor touched_ms"; the cursor of the last event acknowledged, or "-".
]]

-- A name that was not used for so long makes room for others.
local SUBSCRIPTION_MS = 60 * 24 * 3600 * 1000
-- Names looked at for one that makes room.
local SUBSCRIPTION_SWEEP = 64

local function place_of(text)
  return string.match(text or '', '^(%S+) (%d+)$')
end

-- KEYS subscriptions   ARGV name most
-- Answers {"KNOWN", cursor or "-"}, or {"FULL"} for a new name that finds no room.
local function open_subscription(keys, argv)
  local now = redis_now()
  local cursor = place_of(redis.call('HGET', keys[1], argv[1]))
  if not cursor then
    if redis.call('HLEN', keys[1]) >= tonumber(argv[2]) then
      local some = redis.call('HRANDFIELD', keys[1], SUBSCRIPTION_SWEEP, 'WITHVALUES')
      for i = 1, #some, 2 do
        local _, touched = place_of(some[i + 1])
        if not touched or tonumber(touched) + SUBSCRIPTION_MS <= now then redis.call('HDEL', keys[1], some[i]) end
      end
      if redis.call('HLEN', keys[1]) >= tonumber(argv[2]) then return {'FULL'} end
    end
    cursor = '-'
  end
  redis.call('HSET', keys[1], argv[1], cursor .. ' ' .. ms(now))
  return {'KNOWN', cursor}
end

-- Moves a subscription's place to `cursor`, never back, and never beyond the log.
-- KEYS subscriptions, log   ARGV name cursor
local function acknowledge(keys, argv)
  local last = redis.call('HGET', keys[2], 'last')
  if not last or not is_dropped(argv[2], last) then return {'BEYOND'} end
  local cursor = place_of(redis.call('HGET', keys[1], argv[1]))
  if cursor and cursor ~= '-' and is_dropped(argv[2], cursor) then return {'KNOWN', cursor} end
  redis.call('HSET', keys[1], argv[1], argv[2] .. ' ' .. ms(redis_now()))
  return {'KNOWN', argv[2]}
end

redis.register_function('ringtrace_v1_open_subscription', open_subscription)
redis.register_function('ringtrace_v1_acknowledge', acknowledge)
