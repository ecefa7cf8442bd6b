insert or rollback into events (position, stream, revision, event_id, part, kind, version, actor, key, intent, request_id, recorded_at, payload, checksum)
values
