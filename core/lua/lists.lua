-- Before every other script. The lists of tasks, each a sorted set of ids by id: all that are shown, those of a status, a
-- project, a person (by username in lower case). A list is read by list.lua; ids whose task is gone, tidy.lua takes out.
-- Beside them, the path of each project as the last task knew it.
local function list_of(p, kind, name)
  if kind == 'all' then return p .. ':tasks' end
  return p .. ':tasks:' .. kind .. ':' .. name
end

-- Make the lists hold a task as it is now, and tell those who follow that it has changed.
local function keep_lists(p, id)
  local key = p .. ':task:' .. id
  local task = redis.call('HMGET', key, 'phase', 'project_id', 'requester_username', 'reason', 'listed', 'verb', 'repository')
  local status, project, person, listed = STATUS[task[1]], task[2] or '0', string.lower(task[3] or ''), task[5]
  redis.call('XADD', p .. ':changes', 'MAXLEN', '~', 20000, '*', 'id', id)
  if UNLISTED[task[4]] or task[6] == 'cancel' then
    redis.call('ZREM', list_of(p, 'all'), id)
    redis.call('ZREM', list_of(p, 'project', project), id)
    redis.call('ZREM', list_of(p, 'person', person), id)
    if listed then redis.call('ZREM', list_of(p, 'status', string.match(listed, '^%S+')), id) end
    return
  end
  local now = status .. ' ' .. person
  if listed == now then return end
  if task[7] and task[7] ~= '' then redis.call('HSET', p .. ':paths', project, task[7]) end
  if listed then
    redis.call('ZREM', list_of(p, 'status', string.match(listed, '^%S+')), id)
  else
    redis.call('ZADD', list_of(p, 'all'), id, id)
    redis.call('ZADD', list_of(p, 'project', project), id, id)
    redis.call('SADD', p .. ':projects', project)
  end
  redis.call('ZADD', list_of(p, 'status', status), id, id)
  if person ~= '' then
    redis.call('ZADD', list_of(p, 'person', person), id, id)
    redis.call('SADD', p .. ':people', person)
  end
  redis.call('HSET', key, 'listed', now)
end
