-- Floors rise to what was joined or read. What they passed is counted on the shorter side: between the old floor and the new one, or
-- above the new one. Who has just joined may have no old count.
update channel_list_member
set
    floor = settled.floor,
    passed = settled.messages - settled.unread,
    mentions = settled.mentions,
    threads = settled.threads
from (
    select
        risen.channel,
        risen.user,
        risen.floor,
        risen.messages,
        case
            when risen.joined or risen.top - risen.floor <= risen.floor - risen.old_floor then (
                select count(*)
                from channel_list_message as message
                where message.channel = risen.channel and message.seq > risen.floor and message.author <> risen.user
            )
            else risen.messages - risen.passed - (
                select count(*)
                from channel_list_message as message
                where
                    message.channel = risen.channel
                    and message.seq > risen.old_floor
                    and message.seq <= risen.floor
                    and message.author <> risen.user
            )
        end as unread,
        (
            select count(*)
            from channel_list_mention as mention
            where mention.user = risen.user and mention.channel = risen.channel and mention.seq > risen.floor
        ) as mentions,
        case
            when risen.joined or risen.top - risen.floor <= risen.floor - risen.old_floor then (
                select count(*)
                from channel_list_reply as reply
                inner join channel_list_thread_member as part
                    on part.channel = reply.channel and part.thread = reply.thread and part.user = risen.user
                where
                    reply.channel = risen.channel
                    and reply.seq > risen.floor
                    and reply.author <> risen.user
                    and reply.deleted = 0
            )
            else risen.threads - (
                select count(*)
                from channel_list_reply as reply
                inner join channel_list_thread_member as part
                    on part.channel = reply.channel and part.thread = reply.thread and part.user = risen.user
                where
                    reply.channel = risen.channel
                    and reply.seq > risen.old_floor
                    and reply.seq <= risen.floor
                    and reply.author <> risen.user
                    and reply.deleted = 0
            )
        end as threads
    from (
        select
            member.channel,
            member.user,
            member.passed,
            member.threads,
            member.floor as old_floor,
            max(member.since, coalesce(mark.read, 0)) as floor,
            channel.messages,
            channel.top,
            standing.value ->> 'joined' as joined
        from jsonb_each($1) as standing
        inner join channel_list_member as member
            on
                member.channel = unhex(standing.value ->> 'channel')
                and member.user = unhex(standing.value ->> 'user')
        inner join channel_list_channel as channel on channel.id = member.channel
        left join channel_list_mark as mark on mark.user = member.user and mark.channel = member.channel
    ) as risen
) as settled
where channel_list_member.channel = settled.channel and channel_list_member.user = settled.user
