select
    channel.id,
    channel.top,
    coalesce(mark.read, 0) as read,
    channel.messages - member.passed as unread,
    member.mentions,
    member.threads
from channel_list_member as member
inner join channel_list_channel as channel on channel.id = member.channel
left join channel_list_mark as mark on mark.user = member.user and mark.channel = member.channel
where member.user = $1 and member.ended is null
order by channel.active_at desc, channel.id
limit $2
