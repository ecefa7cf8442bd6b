insert into timeline_reaction (channel, message, emoji, user)
select unhex(value ->> 'channel'), unhex(value ->> 'message'), value ->> 'emoji', unhex(value ->> 'user')
from jsonb_each($1)
where true
on conflict do nothing
