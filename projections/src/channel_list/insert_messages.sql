insert into channel_list_message (channel, seq, author, id)
select unhex(value ->> 'channel'), value ->> 'seq', unhex(value ->> 'author'), unhex(value ->> 'id')
from jsonb_each($1)
where true
on conflict do nothing
