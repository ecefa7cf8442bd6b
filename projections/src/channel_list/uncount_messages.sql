update channel_list_channel
set messages = messages - gone.number
from (
    select message.channel, count(*) as number
    from jsonb_each($1) as deleted
    inner join channel_list_message as message
        on message.channel = unhex(deleted.value ->> 'channel') and message.id = unhex(deleted.value ->> 'id')
    group by message.channel
) as gone
where channel_list_channel.id = gone.channel
