insert into timeline_vote (channel, message, user, vote)
select unhex(value ->> 'channel'), unhex(value ->> 'message'), unhex(value ->> 'user'), value ->> 'vote'
from jsonb_each($1)
where true
on conflict (channel, message, user) do update set vote = excluded.vote
