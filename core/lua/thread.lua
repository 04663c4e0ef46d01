-- Let a task have its place among those that one conversation may ask for in an hour. ARGV: conversation, task id,
-- how many, seconds of the window. Answers {0, 0} yes, {1, seconds} no and this is the one that says so, {2, seconds} no
-- and it has been said; seconds: until there is a place again. Asking twice changes nothing.
local place, told = KEYS[1] .. ':thread:' .. ARGV[1], KEYS[1] .. ':thread-told:' .. ARGV[1]
local limit, window = tonumber(ARGV[3]), tonumber(ARGV[4])
local time = redis.call('TIME')
local now = time[1] + time[2] / 1000000
redis.call('ZREMRANGEBYSCORE', place, '-inf', string.format('%.6f', now - window))
if redis.call('ZSCORE', place, ARGV[2]) then return {0, 0} end
if redis.call('ZCARD', place) < limit then
  redis.call('ZADD', place, string.format('%.6f', now), ARGV[2])
  redis.call('EXPIRE', place, window)
  return {0, 0}
end
local oldest = redis.call('ZRANGE', place, 0, 0, 'WITHSCORES')
local wait = oldest[2] and math.ceil(oldest[2] + window - now) or window
redis.call('SET', told, ARGV[2], 'NX', 'EX', window)
if redis.call('GET', told) == ARGV[2] then return {1, wait} end
return {2, wait}
