select
    channel.id,
    channel.space,
    channel.kind,
    channel.name,
    channel.private,
    channel.history,
    channel.slow_mode_s,
    channel.archived,
    channel.members_count,
    channel.top,
    member.role,
    member.since,
    coalesce(mark.got, 0) as got,
    coalesce(mark.read, 0) as read,
    channel.messages - member.passed as unread,
    member.mentions,
    member.threads
from channel_list_member as member
inner join channel_list_channel as channel on channel.id = member.channel
left join channel_list_mark as mark on mark.user = member.user and mark.channel = member.channel
where member.user = $1 and member.channel >= $2 and member.channel <= $3 and member.ended is null
order by member.channel
limit $4
