select events.position
from streams cross join events on events.stream = streams.stream and events.event_id = $1
order by events.position
