update feed_entry
set
    up = settled.up,
    down = settled.down,
    score = settled.up - settled.down,
    hot = at + case when (settled.up - settled.down) < 0 then -1 else 1 end * (
            select bonus.bonus + (max(abs((settled.up - settled.down)), 1) - bonus.votes) * bonus.step
            from feed_bonus as bonus
            where bonus.votes <= max(abs((settled.up - settled.down)), 1)
            order by bonus.votes desc
            limit 1
        )
from (
    select
        entry.position,
        entry.up + sum((vote.value ->> 'vote' = 1) - (coalesce(stored.vote, 0) = 1)) as up,
        entry.down + sum((vote.value ->> 'vote' = -1) - (coalesce(stored.vote, 0) = -1)) as down
    from jsonb_each($1) as vote
    inner join feed_entry as entry on entry.id = unhex(vote.value ->> 'message')
    left join feed_vote as stored on stored.entry = entry.position and stored.user = unhex(vote.value ->> 'user')
    group by entry.position
) as settled
where feed_entry.position = settled.position
