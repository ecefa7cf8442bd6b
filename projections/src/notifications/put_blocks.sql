insert into notification_block (user, blocked)
select unhex(value ->> 'user'), unhex(value ->> 'blocked')
from jsonb_each($1)
where true
on conflict do nothing
