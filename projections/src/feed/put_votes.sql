insert into feed_vote (user, entry, vote)
select unhex(vote.value ->> 'user'), entry.position, vote.value ->> 'vote'
from jsonb_each($1) as vote
inner join feed_entry as entry on entry.id = unhex(vote.value ->> 'message')
where true
on conflict (user, entry) do update set vote = excluded.vote
