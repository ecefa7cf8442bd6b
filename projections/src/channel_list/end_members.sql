update channel_list_member
set ended = gone.value ->> 'ended'
from jsonb_each($1) as gone
where
    channel_list_member.channel = unhex(gone.value ->> 'channel')
    and channel_list_member.user = unhex(gone.value ->> 'user')
    and channel_list_member.ended is null
