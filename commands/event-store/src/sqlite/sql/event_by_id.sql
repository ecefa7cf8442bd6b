select revision, part, intent from events where stream = $1 and event_id = $2
