update checkpoint
set position = $1, event_id = $2
where position = $3 and epoch = $4
