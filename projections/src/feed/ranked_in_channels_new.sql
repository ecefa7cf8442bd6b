-- Entries that have not changed since $4, below a place in the ranking.
select
    entry.position,
    entry.channel,
    entry.id,
    entry.score,
    entry.hot,
    entry.comments,
    entry.position as rank
from json_each($1) as place
cross join feed_entry as entry on entry.position in (
    select ranked.position
    from feed_entry as ranked
    where
        ranked.channel = unhex(place.value)
        and ranked.position < $3
        and ranked.position <= $4
        and ranked.deleted = 0
        and not exists (
            select 1 from feed_change as change where change.entry = ranked.position and change.position > $4
        )
    order by ranked.position desc
    limit $5
)
order by entry.position desc
limit $5
