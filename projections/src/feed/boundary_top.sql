select entry.score as rank, entry.position
from feed_entry as entry
where (entry.score, entry.position) < ($2, $3)
order by entry.score desc, entry.position desc
limit 1 offset $4
