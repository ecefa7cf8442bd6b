select channel.id
from channel_list_member as member
inner join channel_list_channel as channel on channel.id = member.channel
where member.user = $2 and member.ended is null and channel.space = $1
order by channel.id
