-- What is to be looked at now. ARGV: how many at most of each.
-- Answers {ids whose deadline has passed, ids that people are to be told of}, those that have waited longest first.
local p = KEYS[1]
local time = redis.call('TIME')
local now = time[1] + time[2] / 1000000
return {
  redis.call('ZRANGE', p .. ':deadlines', '-inf', now, 'BYSCORE', 'LIMIT', 0, ARGV[1]),
  redis.call('ZRANGE', p .. ':outbox', '-inf', now, 'BYSCORE', 'LIMIT', 0, ARGV[1]),
}
