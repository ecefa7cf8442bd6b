-- Before the comments change.
update feed_entry
set comments = comments + difference.number
from (
    select comment.entry, sum(comment.deleted - (fate.value ->> 'deleted')) as number
    from jsonb_each($1) as fate
    inner join feed_comment as comment
        on comment.channel = unhex(fate.value ->> 'channel') and comment.id = unhex(fate.value ->> 'message')
    group by comment.entry
) as difference
where feed_entry.position = difference.entry
