update channel_list_channel
set messages = messages + sent.number
from (select unhex(value ->> 'channel') as channel, count(*) as number from jsonb_each($1) group by 1) as sent
where channel_list_channel.id = sent.channel
