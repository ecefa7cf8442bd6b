select
    member.user,
    member.role,
    member.since,
    coalesce(mark.got, 0) as got,
    coalesce(mark.read, 0) as read
from channel_list_member as member
left join channel_list_mark as mark on mark.user = member.user and mark.channel = member.channel
where member.channel = $1 and member.user > $2 and member.ended is null
order by member.user
limit $3
