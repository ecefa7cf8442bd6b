insert into timeline_reaction_count (channel, message, emoji, count)
select channel, message, emoji, sum(difference)
from (
    select
        unhex(change.value ->> 'channel') as channel,
        unhex(change.value ->> 'message') as message,
        change.value ->> 'emoji' as emoji,
        (change.value ->> 'given') - (reaction.user is not null) as difference
    from jsonb_each($1) as change
    left join timeline_reaction as reaction
        on reaction.channel = unhex(change.value ->> 'channel')
        and reaction.message = unhex(change.value ->> 'message')
        and reaction.emoji = change.value ->> 'emoji'
        and reaction.user = unhex(change.value ->> 'user')
)
where difference <> 0
group by channel, message, emoji
on conflict (channel, message, emoji) do update set count = count + excluded.count
