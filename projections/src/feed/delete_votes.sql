delete from feed_vote
where (user, entry) in (
    select unhex(vote.value ->> 'user'), entry.position
    from jsonb_each($1) as vote
    inner join feed_entry as entry on entry.id = unhex(vote.value ->> 'message')
)
