select
    timeline.top,
    message.seq,
    message.id,
    message.author,
    message.at,
    message.body,
    message.version,
    message.edited_at,
    message.deleted,
    message.reply_to,
    message.mentions,
    message.thread,
    message.depth
from (select coalesce((select top from timeline_channel where id = $1), 0) as top) as timeline
left join (
    select * from (
        select * from timeline_message
        where channel = $1 and thread = $6 and seq >= $2 and seq < $3
        order by seq desc
        limit $4
    ) as older
    union all
    select * from (
        select * from timeline_message
        where channel = $1 and thread = $6 and seq >= max($2, $3)
        order by seq
        limit $5
    ) as newer
) as message on true
order by message.seq
