update channel_list_reply
set deleted = fate.value ->> 'deleted'
from jsonb_each($1) as fate
where
    channel_list_reply.channel = unhex(fate.value ->> 'channel')
    and channel_list_reply.id = unhex(fate.value ->> 'id')
