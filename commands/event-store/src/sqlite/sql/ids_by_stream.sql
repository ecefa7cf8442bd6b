select stream, event_id, position
from events indexed by events_by_id
where stream > $1 and stream <= $2
order by stream, event_id
