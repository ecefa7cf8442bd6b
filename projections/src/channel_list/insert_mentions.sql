insert into channel_list_mention (user, channel, seq)
select unhex(mentioned.value), message.channel, message.seq
from jsonb_each($1) as mention
inner join channel_list_message as message
    on message.channel = unhex(mention.value ->> 'channel') and message.id = unhex(mention.value ->> 'id')
inner join json_each(mention.value -> 'users') as mentioned
where true
on conflict do nothing
