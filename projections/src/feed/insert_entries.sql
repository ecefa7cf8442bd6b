-- Conversations outside spaces have no feed.
insert into feed_entry (position, channel, id, at, up, down, score, hot, comments, deleted)
select
    sent.value ->> 'position',
    channel.id,
    unhex(sent.value ->> 'id'),
    sent.value ->> 'at',
    0,
    0,
    0,
    sent.value ->> 'at',
    0,
    0
from jsonb_each($1) as sent
inner join feed_channel as channel on channel.id = unhex(sent.value ->> 'channel')
where true
on conflict do nothing
