select entry.position as rank, entry.position
from feed_entry as entry
where entry.position < $3
order by entry.position desc
limit 1 offset $4
