-- Entries that have changed since $4, with the rank they had then, below a place in the ranking.
select
    entry.position,
    entry.channel,
    entry.id,
    entry.score,
    entry.hot,
    entry.comments,
    change.score as rank
from feed_change as change
inner join feed_entry as entry on entry.position = change.entry
where
    change.position > $4
    and change.entry <= $4
    and change.deleted = 0
    and entry.deleted = 0
    and (change.score, change.entry) < ($2, $3)
    and not exists (
        select 1
        from feed_change as earlier
        where earlier.entry = change.entry and earlier.position > $4 and earlier.position < change.position
    )
    and case
        when $1 is null then exists (
            select 1
            from feed_channel as channel
            inner join feed_space as space on space.id = channel.space
            where
                channel.id = change.channel
                and channel.private = 0
                and channel.history = 'all'
                and channel.archived = 0
                and space.join_rule = 'open'
                and space.archived = 0
        )
        else change.channel in (select unhex(value) from json_each($1))
    end
order by change.score desc, change.entry desc
limit $5
