insert into timeline_score (channel, message, score)
select channel, message, sum(difference)
from (
    select
        unhex(change.value ->> 'channel') as channel,
        unhex(change.value ->> 'message') as message,
        (change.value ->> 'vote') - coalesce(change.value ->> 'before', own.vote, 0) as difference
    from jsonb_each($1) as change
    left join timeline_vote as own
        on own.channel = unhex(change.value ->> 'channel')
        and own.message = unhex(change.value ->> 'message')
        and own.user = unhex(change.value ->> 'user')
)
where true
group by channel, message
on conflict (channel, message) do update set score = score + excluded.score
