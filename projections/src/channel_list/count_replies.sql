update channel_list_member
set threads = threads + new.number
from (
    select member.channel, member.user, count(*) as number
    from jsonb_each($1) as reply
    inner join channel_list_thread_member as part
        on
            part.channel = unhex(reply.value ->> 'channel')
            and part.thread = unhex(reply.value ->> 'thread')
            and part.fresh = 0
    inner join channel_list_member as member
        on
            member.channel = part.channel
            and member.user = part.user
            and member.floor < reply.value ->> 'seq'
    where member.user <> unhex(reply.value ->> 'author') and reply.value ->> 'deleted' = 0
    group by member.channel, member.user
) as new
where channel_list_member.channel = new.channel and channel_list_member.user = new.user
