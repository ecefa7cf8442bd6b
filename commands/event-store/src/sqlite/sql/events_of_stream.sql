select position, stream, revision, event_id, part, kind, version, actor, key, intent, request_id, recorded_at, payload, checksum
from events
where stream = $1 and revision >= $2
order by revision
limit $3
