-- Entries of open channels that have not changed since $4, between two places in the ranking.
select
    entry.position,
    entry.channel,
    entry.id,
    entry.score,
    entry.hot,
    entry.comments,
    entry.position as rank
from feed_entry as entry
where
    entry.position < $3
    and entry.position >= $6
    and entry.position <= $4
    and entry.deleted = 0
    and not exists (
        select 1 from feed_change as change where change.entry = entry.position and change.position > $4
    )
    and exists (
            select 1
            from feed_channel as channel
            inner join feed_space as space on space.id = channel.space
            where
                channel.id = entry.channel
                and channel.private = 0
                and channel.history = 'all'
                and channel.archived = 0
                and space.join_rule = 'open'
                and space.archived = 0
        )
order by entry.position desc
limit $7
