select id, space, kind, name, private, history, archived, members_count, top
from channel_list_channel
where space = $1 and id > $2 and private = 0 and archived = 0
order by id
limit $3
