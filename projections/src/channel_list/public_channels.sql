select id, space, kind, name, private, history, slow_mode_s, archived, members_count, top
from channel_list_channel
where space = $1 and id > $2 and private = 0 and archived = 0
order by id
limit $3
