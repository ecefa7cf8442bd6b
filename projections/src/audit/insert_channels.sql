insert into audit_channel (id, space)
select unhex(value ->> 'id'), unhex(value ->> 'space')
from jsonb_each($1)
where true
on conflict do nothing
