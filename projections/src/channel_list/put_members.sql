insert into channel_list_member (channel, user, role, since, ended, floor, passed, mentions, threads)
select
    unhex(value ->> 'channel'),
    unhex(value ->> 'user'),
    value ->> 'role',
    value ->> 'since',
    value ->> 'ended',
    0,
    0,
    0,
    0
from jsonb_each($1)
where true
on conflict (channel, user) do update set role = excluded.role, since = excluded.since, ended = excluded.ended
