insert into search_message (position, channel, id, seq, author, at, version, body)
select
    value ->> 'position',
    unhex(value ->> 'channel'),
    unhex(value ->> 'id'),
    value ->> 'seq',
    unhex(value ->> 'author'),
    value ->> 'at',
    coalesce(value ->> 'version', 1),
    value ->> 'body'
from jsonb_each($1)
where true
on conflict do nothing
