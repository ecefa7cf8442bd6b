-- Before the replies change: to whom they were news, they are no more, or again.
update channel_list_member
set threads = threads + difference.number
from (
    select member.channel, member.user, sum(reply.deleted - (fate.value ->> 'deleted')) as number
    from jsonb_each($1) as fate
    inner join channel_list_reply as reply
        on reply.channel = unhex(fate.value ->> 'channel') and reply.id = unhex(fate.value ->> 'id')
    inner join channel_list_thread_member as part
        on part.channel = reply.channel and part.thread = reply.thread and part.fresh = 0
    inner join channel_list_member as member
        on member.channel = part.channel and member.user = part.user and member.floor < reply.seq
    where member.user <> reply.author
    group by member.channel, member.user
) as difference
where channel_list_member.channel = difference.channel and channel_list_member.user = difference.user
