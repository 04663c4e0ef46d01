-- What has become of a merge request. ARGV: project, iid, opened, merged or closed, when GitLab says so (Unix seconds).
-- Answers 1 where that is news of one of ours, else 0. News may come late, twice, and in any order; merged is for good.
local p, project = KEYS[1], ARGV[1]
local key = p .. ':merge-request:' .. project .. ':' .. ARGV[2]
local known = redis.call('HMGET', key, 'state', 'day', 'seen')
local before, now = known[1], ARGV[3]
if not before or before == 'merged' or tonumber(ARGV[4]) < tonumber(known[3]) then return 0 end
redis.call('HSET', key, 'state', now, 'seen', ARGV[4])
if before == now then return 0 end
count(p, 'merge_requests ' .. (now == 'opened' and 'reopened' or now))
add_to_day(p, known[2], project, before, -1)
add_to_day(p, known[2], project, now, 1)
return 1
