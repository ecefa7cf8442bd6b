select position, stream, revision, event_id, part, kind, version, actor, key, intent, request_id, recorded_at, payload, checksum
from events
where position > $1 and position <= $2
order by position
