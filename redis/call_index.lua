--[[
The index of calls: what ListCalls and GetCall ask. This text follows call_persons.lua in the same library, so that
an event and what the index says of its call are written in one step.

`rt:{calls}:call:<call>` points at the call's events in the stream: `latest`, its newest own event, and `updated`,
the newest update of its attribution. The sorted sets `rt:{calls}:calls`, `...:calls:pool:<pool>`,
`...:calls:number:<number>` and `...:calls:source:<source>` name calls by their start. What goes out of the stream
goes out of here with it. These keys share their hash tag with the stream. Their names cannot be given with the
call, because they follow from what an earlier event of it said.
]]

local calls = {}
-- A set in which nothing was written for so long after the retention is forgotten whole. What a set names from so
-- long before the retention is left over from calls whose row ran out first.
local CALLS_SLACK_MS = 2 * 24 * 3600 * 1000

local function call_row(call)
  local v = redis.call('HMGET', CALLS .. 'call:' .. call, 'start', 'outcome', 'pool', 'number', 'source', 'latest',
                       'updated')
  if not v[1] then return nil end
  return {start = v[1], outcome = v[2], pool = v[3], number = v[4], source = v[5], latest = v[6], updated = v[7]}
end

-- The sets that name a call.
local function call_sets(row)
  local sets = {CALLS .. 'calls'}
  for _, kind in ipairs({'pool', 'number', 'source'}) do
    if row[kind] ~= '-' then sets[#sets + 1] = CALLS .. 'calls:' .. kind .. ':' .. row[kind] end
  end
  return sets
end

-- True when there is no such entry, or it is gone with those up to `last`.
local function is_dropped(cursor, last)
  if not cursor then return true end
  local high, low = string.match(cursor, '(%d+)-(%d+)')
  local last_high, last_low = string.match(last, '(%d+)-(%d+)')
  high, last_high = tonumber(high), tonumber(last_high)
  return high < last_high or (high == last_high and tonumber(low) <= tonumber(last_low))
end

-- Writes what a batch of events adds to sets: {set = {start, call, ...; newest = start}}. One write a set, however many
-- calls go into it.
function calls.add(additions, retention)
  for set, added in pairs(additions) do
    redis.call('ZADD', set, unpack(added))
    redis.call('ZREMRANGEBYSCORE', set, '-inf', ms(added.newest - retention - CALLS_SLACK_MS))
    redis.call('PEXPIRE', set, ms(retention + CALLS_SLACK_MS))
    additions[set] = nil
  end
end

-- Notes an event that went into the stream. `text` is "start outcome pool number source"; what belongs into sets goes to
-- `additions`, see calls.add. True for the first event of a call.
function calls.note(call, kind, cursor, text, retention, additions)
  local row = {}
  row.start, row.outcome, row.pool, row.number, row.source =
    string.match(text, '^(%d+) (%S+) (%S+) (%S+) (%S+)$')
  if not row.start then return false end
  local before = call_row(call)
  local is_update = kind == 'attribution_updated'
  if before then
    row.start = before.start
    -- An update tells who called and nothing else; once there is one, the call's own events tell all but that.
    if is_update then
      row.outcome = before.outcome
    elseif before.updated then
      row.pool, row.source = before.pool, before.source
    end
  end
  local written = {is_update and 'updated' or 'latest', cursor}
  for name, value in pairs(row) do
    if not before or before[name] ~= value then
      written[#written + 1] = name
      written[#written + 1] = value
    end
  end
  local key = CALLS .. 'call:' .. call
  redis.call('HSET', key, unpack(written))
  -- Who was answered is told of again, at the call's end at the latest.
  if not before or kind ~= 'answered' then redis.call('PEXPIRE', key, ms(retention + CALLS_SLACK_MS)) end
  -- Most events leave a call where it is.
  local moves = not before or before.pool ~= row.pool or before.number ~= row.number or before.source ~= row.source
  if not moves then return false end
  if before then
    calls.add(additions, retention)
    for _, set in ipairs(call_sets(before)) do redis.call('ZREM', set, call) end
  end
  local start = tonumber(row.start)
  for _, set in ipairs(call_sets(row)) do
    local added = additions[set] or {newest = start}
    additions[set] = added
    added.newest = math.max(added.newest, start)
    added[#added + 1] = row.start
    added[#added + 1] = call
  end
  return not before
end

-- A field of an entry of the stream, such as "call"; nil when it has none of that name.
local function entry_field(entry, name)
  local fields = entry[2]
  for i = 1, #fields, 2 do
    if fields[i] == name then return fields[i + 1] end
  end
end

-- The row of a call whose events are all gone with those up to `last`. Most entries are not their call's last one.
local function row_dropped(call, last)
  local cursors = redis.call('HMGET', CALLS .. 'call:' .. call, 'latest', 'updated')
  return is_dropped(cursors[1], last) and is_dropped(cursors[2], last) and call_row(call)
end

-- Forgets the calls whose last event is among `entries`, which go out of the stream.
function calls.drop(entries)
  local last = entries[#entries][1]
  local looked, gone, members = {}, {}, {}
  for _, entry in ipairs(entries) do
    local call = entry_field(entry, 'call')
    local row = call and not looked[call] and row_dropped(call, last)
    if call then looked[call] = true end
    if row then
      gone[#gone + 1] = CALLS .. 'call:' .. call
      for _, key in ipairs(persons.keys(call)) do gone[#gone + 1] = key end
      for _, set in ipairs(call_sets(row)) do
        members[set] = members[set] or {}
        table.insert(members[set], call)
      end
    end
  end
  for set, named in pairs(members) do redis.call('ZREM', set, unpack(named)) end
  if #gone > 0 then redis.call('DEL', unpack(gone)) end
end

local function event_json(events, cursor)
  local entry = cursor and redis.call('XRANGE', events, cursor, cursor)[1]
  return entry and entry_field(entry, 'json') or ''
end

-- Calls of a set, those that started last first.
-- KEYS set, events
-- ARGV newest oldest after_start after_call pool number source outcome limit look
-- Answers start and call to go on after (both "" at the end), then per call found its two events' JSON and what
-- is personal of them.
local function list_calls(keys, argv)
  local limit, look = tonumber(argv[9]), tonumber(argv[10])
  local answer, found, looked, offset = {'', ''}, 0, 0, 0
  while true do
    local entries = redis.call('ZRANGE', keys[1], argv[1], argv[2], 'BYSCORE', 'REV', 'LIMIT', offset, look,
                               'WITHSCORES')
    if #entries == 0 then return answer end
    for i = 1, #entries, 2 do
      local call, start = entries[i], entries[i + 1]
      if start ~= argv[3] or call < argv[4] then
        local row = call_row(call)
        if row and (argv[5] == '' or row.pool == argv[5]) and (argv[6] == '' or row.number == argv[6]) and
            (argv[7] == '' or row.source == argv[7]) and (argv[8] == '' or row.outcome == argv[8]) then
          answer[#answer + 1] = event_json(keys[2], row.latest)
          answer[#answer + 1] = event_json(keys[2], row.updated)
          answer[#answer + 1] = persons.of(call)
          found = found + 1
        end
        looked = looked + 1
        if found == limit or looked == look then
          answer[1], answer[2] = start, call
          return answer
        end
      end
    end
    offset = offset + look
  end
end

-- One call's two events as JSON and what is personal of them; nothing when there is no such call.
-- KEYS call, events   ARGV call
local function find_call(keys, argv)
  local cursors = redis.call('HMGET', keys[1], 'latest', 'updated')
  if not cursors[1] and not cursors[2] then return {} end
  return {event_json(keys[2], cursors[1]), event_json(keys[2], cursors[2]), persons.of(argv[1])}
end

redis.register_function{function_name = 'ringtrace_v2_list_calls', callback = list_calls, flags = {'no-writes'}}
redis.register_function{function_name = 'ringtrace_v2_find_call', callback = find_call, flags = {'no-writes'}}
