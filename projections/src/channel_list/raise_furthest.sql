update channel_list_channel
set furthest = max(furthest, risen.floor)
from (
    select member.channel, max(member.floor) as floor
    from jsonb_each($1) as standing
    inner join channel_list_member as member
        on
            member.channel = unhex(standing.value ->> 'channel')
            and member.user = unhex(standing.value ->> 'user')
    group by member.channel
) as risen
where channel_list_channel.id = risen.channel and channel_list_channel.furthest < risen.floor
