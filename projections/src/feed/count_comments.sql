update feed_entry
set comments = comments + fresh.number
from (
    select entry.position, sum(1 - (comment.value ->> 'deleted')) as number
    from jsonb_each($1) as comment
    inner join feed_entry as entry on entry.id = unhex(comment.value ->> 'root')
    group by entry.position
) as fresh
where feed_entry.position = fresh.position
