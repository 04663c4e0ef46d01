-- One page of a list, the youngest first. ARGV: only ids below this ('' : all), how many, how many tasks to look at, then,
-- each with commas and '' for any: statuses, usernames in lower case, project ids; a text in lower case.
-- Answers {id, ...}, where the next page begins (0: nowhere).
local p = KEYS[1]
local before, limit, budget, text = ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3]), ARGV[7]

local function split(given)
  local names, set = {}, {}
  for name in string.gmatch(given, '[^,]+') do names[#names + 1] = name; set[name] = true end
  return names, set
end
local statuses, has_status = split(ARGV[4])
local people, has_person = split(ARGV[5])
local projects, has_project = split(ARGV[6])

-- Of the lists that hold everything wanted, the shortest are read; the other wishes are looked up task by task. Merging
-- many lists costs more for each id than reading one: it has to spare two ids of three.
local function shortest()
  local best, best_size = {list_of(p, 'all')}, redis.call('ZCARD', list_of(p, 'all'))
  for kind, names in pairs({status = statuses, person = people, project = projects}) do
    local keys, size = {}, 0
    for _, name in ipairs(names) do
      keys[#keys + 1] = list_of(p, kind, name)
      size = size + redis.call('ZCARD', keys[#keys])
    end
    if #keys > 0 and size * (#keys > 8 and 3 or 1) <= best_size then best, best_size = keys, size end
  end
  return best
end

local fields = {'phase', 'project_id', 'requester_username', 'title', 'prompt', 'repository', 'branch'}
local function is_wanted(id)
  local task = redis.call('HMGET', p .. ':task:' .. id, unpack(fields, 1, text == '' and 3 or #fields))
  if not task[1] then return false end
  if #statuses > 0 and not has_status[STATUS[task[1]]] then return false end
  if #projects > 0 and not has_project[task[2]] then return false end
  if #people > 0 and not has_person[string.lower(task[3] or '')] then return false end
  if text == '' then return true end
  for at = 3, #fields do
    if task[at] and string.find(string.lower(task[at]), text, 1, true) then return true end
  end
  return false
end

-- The youngest ids of all lists together, below *bound*; and how far down these are all that there are (nil: to the end).
local keys = shortest()
local chunk = math.max(16, math.min(limit + 1, math.ceil(512 / #keys)))
local function youngest(bound)
  local ids, floor = {}, nil
  for _, key in ipairs(keys) do
    local some = redis.call('ZRANGE', key, bound, '-inf', 'BYSCORE', 'REV', 'LIMIT', 0, chunk)
    for _, id in ipairs(some) do ids[#ids + 1] = tonumber(id) end
    if #some == chunk then floor = math.max(floor or 0, tonumber(some[chunk])) end
  end
  table.sort(ids, function(one, other) return one > other end)
  chunk = math.min(chunk * 2, 512)
  return ids, floor
end

local found, looked, bound = {}, 0, before == '' and '+inf' or '(' .. before
while true do
  local ids, floor = youngest(bound)
  for _, id in ipairs(ids) do
    if floor and id < floor then break end
    if looked == budget then return {found, id + 1} end
    looked = looked + 1
    if is_wanted(id) then
      if #found == limit then return {found, found[limit]} end
      found[#found + 1] = id
    end
  end
  if not floor then return {found, 0} end
  bound = '(' .. floor
end
