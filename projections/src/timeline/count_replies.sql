update timeline_thread
set replies = replies + changed.difference
from (
    select
        message.channel,
        message.thread,
        sum(case when change.value ->> 'deleted' then -1 else 1 end) as difference
    from jsonb_each($1) as change
    cross join timeline_message as message
        on message.channel = unhex(change.value ->> 'channel')
        and message.id = unhex(change.value ->> 'id')
    where
        message.thread is not null
        and message.deleted <> (change.value ->> 'deleted')
        and (message.deleted = 0 or change.value ->> 'restored')
    group by message.channel, message.thread
) as changed
where timeline_thread.channel = changed.channel and timeline_thread.root = changed.thread
