-- Read lines of a task's log that are in Redis. ARGV: task id, the line's id to begin behind, most lines, about how many
-- bytes (one line at least). Answers the log's state, the lines, and 1 where there were enough bytes.
local key = KEYS[1] .. ':log:' .. ARGV[1]
local most_lines, most_bytes = tonumber(ARGV[3]), tonumber(ARGV[4])
local found, bytes, from = {}, 0, '(' .. ARGV[2]
while #found < most_lines and bytes < most_bytes do
  local some = redis.call('XRANGE', key, from, '+', 'COUNT', math.min(100, most_lines - #found))
  if not some[1] then break end
  for _, entry in ipairs(some) do
    found[#found + 1] = entry
    for _, value in ipairs(entry[2]) do bytes = bytes + #value end
    from = '(' .. entry[1]
    if bytes >= most_bytes then break end
  end
end
return {redis.call('HGETALL', key .. ':state'), found, bytes >= most_bytes and 1 or 0}
