-- Add lines to a task's log, in their order, and keep it within its bounds: its first lines, up to half of each bound,
-- and its last. ARGV: task id, most lines, most bytes, seconds that a log is kept after its last line, 1 where it goes to
-- an archive, then id, step, text and time of each line. Answers 1, or 0 where what lies under its key is no log.
-- The state's fields: head_lines, head_bytes; head, its last line's id once it is full; tail_lines, tail_bytes; left_out,
-- how many lines between them are gone, and gap, the last of these; last; at:<series>, the last position of a step.
local p, id = KEYS[1], ARGV[1]
local key, state = p .. ':log:' .. id, p .. ':log:' .. id .. ':state'
local most_lines, most_bytes = ARGV[2] / 2, ARGV[3] / 2
local ENTRY_BYTES = 64
local known = redis.call('HMGET', state, 'head_lines', 'head_bytes', 'head', 'tail_lines', 'tail_bytes', 'left_out', 'gap', 'last')
local function number(text) return tonumber(text or '0') end
local head_lines, head_bytes, head = number(known[1]), number(known[2]), known[3]
local tail_lines, tail_bytes, left_out, gap = number(known[4]), number(known[5]), number(known[6]), known[7]
local last, fields, failure = known[8], {}, nil

local function leave_out()
  local oldest = redis.call('XRANGE', key, '(' .. (gap or head), '+', 'COUNT', 1)[1]
  redis.call('XDEL', key, oldest[1])
  gap, left_out = oldest[1], left_out + 1
  tail_lines, tail_bytes = tail_lines - 1, tail_bytes - #oldest[2][4] - ENTRY_BYTES
end

local function count(name, size)
  if not head and (head_lines + 1 > most_lines or head_bytes + size > most_bytes) then head = last or '0-0' end
  if not head then
    head_lines, head_bytes = head_lines + 1, head_bytes + size
    return
  end
  tail_lines, tail_bytes = tail_lines + 1, tail_bytes + size
  while tail_lines > 1 and (tail_lines > most_lines or tail_bytes > most_bytes) do leave_out() end
end

for i = 6, #ARGV, 4 do
  local name = ARGV[i]
  local added = redis.pcall('XADD', key, name, 's', ARGV[i + 1], 't', ARGV[i + 2], 'at', ARGV[i + 3])
  if type(added) ~= 'table' then
    count(name, #ARGV[i + 2] + ENTRY_BYTES)
    local series, position = string.match(name, '^(%d+)-(%d+)$')
    fields['at:' .. series], last = position, name
  elseif string.find(added.err, 'WRONGTYPE', 1, true) then
    return 0
  elseif not string.find(added.err, 'equal or smaller', 1, true) then
    failure = added
    break
  end
end

if last ~= known[8] then
  local told = {
    head_lines = head_lines, head_bytes = head_bytes, tail_lines = tail_lines, tail_bytes = tail_bytes, last = last,
    left_out = left_out, head = head or nil, gap = gap or nil,
  }
  for name, value in pairs(told) do redis.call('HSET', state, name, value) end
  for name, value in pairs(fields) do redis.call('HSET', state, name, value) end
  redis.call('EXPIRE', key, ARGV[4])
  redis.call('EXPIRE', state, ARGV[4])
  if ARGV[5] == '1' then redis.call('ZADD', p .. ':logs', redis.call('TIME')[1], id) end
end
return failure or 1
