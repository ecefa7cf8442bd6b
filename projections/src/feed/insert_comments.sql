insert into feed_comment (channel, id, entry, deleted)
select entry.channel, unhex(comment.value ->> 'id'), entry.position, comment.value ->> 'deleted'
from jsonb_each($1) as comment
inner join feed_entry as entry on entry.id = unhex(comment.value ->> 'root')
where true
on conflict do nothing
