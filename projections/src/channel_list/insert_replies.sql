insert into channel_list_reply (channel, seq, author, id, thread, deleted)
select
    unhex(value ->> 'channel'),
    value ->> 'seq',
    unhex(value ->> 'author'),
    unhex(value ->> 'id'),
    unhex(value ->> 'thread'),
    value ->> 'deleted'
from jsonb_each($1)
where true
on conflict do nothing
