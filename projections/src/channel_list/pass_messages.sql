-- Sent messages are no news to their authors, nor to who has marked more as read than there was: `furthest` tells that there is no
-- such person without looking at everyone.
update channel_list_member
set passed = passed + known.number
from (
    select channel, user, count(*) as number
    from (
        select unhex(value ->> 'channel') as channel, unhex(value ->> 'author') as user, value ->> 'seq' as seq
        from jsonb_each($1)
        union
        select member.channel, member.user, sent.value ->> 'seq' as seq
        from jsonb_each($1) as sent
        inner join channel_list_channel as channel
            on channel.id = unhex(sent.value ->> 'channel') and channel.furthest >= sent.value ->> 'seq'
        inner join channel_list_member as member
            on member.channel = channel.id and member.floor >= sent.value ->> 'seq'
    )
    group by channel, user
) as known
where channel_list_member.channel = known.channel and channel_list_member.user = known.user
