insert into channel_list_mark (user, channel, got, read)
select unhex(value ->> 'user'), unhex(value ->> 'channel'), value ->> 'got', value ->> 'read'
from jsonb_each($1)
where true
on conflict (user, channel) do update set got = max(got, excluded.got), read = max(read, excluded.read)
