insert into channel_list_mention (user, channel, seq)
select unhex(mentioned.value), message.channel, message.seq
from jsonb_each($1) as mention
inner join channel_list_message as message
    on message.channel = unhex(mention.value ->> 'channel') and message.id = unhex(mention.value ->> 'id')
inner join json_each(mention.value -> 'users') as mentioned
where
    not exists (
        select 1 from channel_list_block as block
        where block.user = unhex(mentioned.value) and block.blocked = unhex(mention.value ->> 'author')
    )
on conflict do nothing
