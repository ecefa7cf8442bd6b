select entry.hot as rank, entry.position
from feed_entry as entry
where (entry.hot, entry.position) < ($2, $3)
order by entry.hot desc, entry.position desc
limit 1 offset $4
