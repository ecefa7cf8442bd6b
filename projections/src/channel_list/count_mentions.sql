update channel_list_member
set mentions = mentions + fresh.number
from (
    select member.channel, member.user, count(*) as number
    from jsonb_each($1) as mention
    inner join channel_list_message as message
        on message.channel = unhex(mention.value ->> 'channel') and message.id = unhex(mention.value ->> 'id')
    inner join json_each(mention.value -> 'users') as mentioned
    inner join channel_list_member as member
        on
            member.channel = message.channel
            and member.user = unhex(mentioned.value)
            and member.floor < message.seq
    where
        not exists (
            select 1 from channel_list_block as block
            where block.user = member.user and block.blocked = unhex(mention.value ->> 'author')
        )
    group by member.channel, member.user
) as fresh
where channel_list_member.channel = fresh.channel and channel_list_member.user = fresh.user
