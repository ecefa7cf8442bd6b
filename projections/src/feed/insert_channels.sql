insert into feed_channel (id, space, private, history, archived)
select
    unhex(value ->> 'id'),
    unhex(value ->> 'space'),
    value ->> 'private',
    value ->> 'history',
    value ->> 'archived'
from jsonb_each($1)
where true
on conflict do nothing
