select
    channel.id,
    channel.space,
    channel.kind,
    channel.name,
    channel.private,
    channel.history,
    channel.archived,
    channel.members_count,
    channel.top,
    member.role,
    member.since,
    coalesce(mark.got, 0) as got,
    coalesce(mark.read, 0) as read,
    (
        select count(*)
        from channel_list_message as message
        where
            message.channel = member.channel
            and message.seq > max(member.since, coalesce(mark.read, 0))
            and message.author <> member.user
    ) as unread,
    (
        select count(*)
        from channel_list_mention as mention
        where
            mention.user = member.user
            and mention.channel = member.channel
            and mention.seq > max(member.since, coalesce(mark.read, 0))
    ) as mentions
from channel_list_member as member
inner join channel_list_channel as channel on channel.id = member.channel
left join channel_list_mark as mark on mark.user = member.user and mark.channel = member.channel
where member.user = $1 and member.channel = $2 and member.ended is null
