insert into timeline_message (
    channel, seq, id, author, at, body, version, edited_at, deleted, reply_to, mentions, thread, depth
)
select
    unhex(value ->> 'channel'),
    value ->> 'seq',
    unhex(value ->> 'id'),
    unhex(value ->> 'author'),
    value ->> 'at',
    value ->> 'body',
    value ->> 'version',
    value ->> 'edited_at',
    value ->> 'deleted',
    unhex(value ->> 'reply_to'),
    value -> 'mentions',
    unhex(value ->> 'thread'),
    value ->> 'depth'
from jsonb_each($1)
where true
on conflict do nothing
