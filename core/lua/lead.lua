-- Take or keep the leader's lease. ARGV: holder, milliseconds, the fencing number that the holder has (0: none yet).
-- Answers the fencing number, or 0 while somebody else leads.
local p = KEYS[1]
local lease, fence = p .. ':lease', p .. ':fence'
local holder = redis.call('GET', lease)
if holder == ARGV[1] and redis.call('GET', fence) == ARGV[3] then
  redis.call('PEXPIRE', lease, ARGV[2])
  return tonumber(ARGV[3])
end
if holder and holder ~= ARGV[1] then return 0 end
redis.call('SET', lease, ARGV[1], 'PX', ARGV[2])
return redis.call('INCR', fence)
