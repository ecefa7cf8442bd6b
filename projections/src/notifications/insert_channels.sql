insert into notification_channel (id, space, kind)
select unhex(value ->> 'id'), unhex(value ->> 'space'), value ->> 'kind'
from jsonb_each($1)
where true
on conflict do nothing
