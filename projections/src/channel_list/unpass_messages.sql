-- Before the messages go: whoever they were no news to has passed fewer. This looks at every member of the channel, which sending and
-- reading do not.
update channel_list_member
set passed = passed - gone.number
from (
    select member.channel, member.user, count(*) as number
    from jsonb_each($1) as deleted
    inner join channel_list_message as message
        on message.channel = unhex(deleted.value ->> 'channel') and message.id = unhex(deleted.value ->> 'id')
    inner join channel_list_member as member
        on member.channel = message.channel and (member.floor >= message.seq or member.user = message.author)
    group by member.channel, member.user
) as gone
where channel_list_member.channel = gone.channel and channel_list_member.user = gone.user
