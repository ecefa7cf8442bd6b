insert into channel_list_channel
    (id, space, kind, name, private, history, slow_mode_s, archived, members_count, top, active_at, messages, furthest)
select
    unhex(value ->> 'id'),
    unhex(value ->> 'space'),
    value ->> 'kind',
    value ->> 'name',
    value ->> 'private',
    value ->> 'history',
    value ->> 'slow_mode_s',
    value ->> 'archived',
    0,
    value ->> 'top',
    value ->> 'active_at',
    0,
    0
from jsonb_each($1)
where true
on conflict do nothing
