-- Whoever takes part since this run has all of the thread's replies above their floor to read. $1 names the channels.
update channel_list_member
set threads = threads + missed.number
from (
    select member.channel, member.user, count(*) as number
    from jsonb_each($1) as touched
    inner join channel_list_thread_member as part
        on part.channel = unhex(touched.value) and part.fresh = 1
    inner join channel_list_member as member on member.channel = part.channel and member.user = part.user
    inner join channel_list_reply as reply
        on
            reply.channel = part.channel
            and reply.thread = part.thread
            and reply.seq > member.floor
            and reply.deleted = 0
            and reply.author <> member.user
    group by member.channel, member.user
) as missed
where channel_list_member.channel = missed.channel and channel_list_member.user = missed.user
