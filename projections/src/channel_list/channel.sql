select id, space, kind, name, private, history, slow_mode_s, archived, members_count, top
from channel_list_channel
where id = $1
