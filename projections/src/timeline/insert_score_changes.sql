insert into timeline_score_change (channel, message, seq, at, difference)
select
    message.channel,
    message.id,
    change.value ->> 'seq',
    change.value ->> 'at',
    (change.value ->> 'vote') - coalesce(change.value ->> 'before', own.vote, 0)
from jsonb_each($1) as change
cross join timeline_message as message
    on message.channel = unhex(change.value ->> 'channel')
    and message.id = unhex(change.value ->> 'message')
left join timeline_vote as own
    on own.channel = message.channel
    and own.message = message.id
    and own.user = unhex(change.value ->> 'user')
where message.depth > 0
on conflict do nothing
