-- Before the mentions go.
update channel_list_member
set mentions = mentions - gone.number
from (
    select member.channel, member.user, count(*) as number
    from jsonb_each($1) as changed
    inner join channel_list_message as message
        on message.channel = unhex(changed.value ->> 'channel') and message.id = unhex(changed.value ->> 'id')
    inner join channel_list_mention as mention on mention.channel = message.channel and mention.seq = message.seq
    inner join channel_list_member as member
        on member.channel = mention.channel and member.user = mention.user and member.floor < mention.seq
    group by member.channel, member.user
) as gone
where channel_list_member.channel = gone.channel and channel_list_member.user = gone.user
