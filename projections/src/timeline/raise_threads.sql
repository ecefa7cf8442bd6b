insert into timeline_thread (channel, root, replies, last_seq, last_at)
select
    unhex(value ->> 'channel'),
    unhex(value ->> 'thread'),
    sum(not (value ->> 'deleted')),
    max(value ->> 'seq'),
    max(value ->> 'at')
from jsonb_each($1)
where true
group by 1, 2
on conflict (channel, root) do update set
    replies = replies + excluded.replies,
    last_seq = max(last_seq, excluded.last_seq),
    last_at = max(last_at, excluded.last_at)
