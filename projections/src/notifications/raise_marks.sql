insert into notification_mark (user, up_to)
select unhex(value ->> 'user'), value ->> 'up_to'
from jsonb_each($1)
where true
on conflict (user) do update set up_to = max(up_to, excluded.up_to)
