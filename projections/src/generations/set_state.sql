update generation
set state = $3, reason = $4, changed_at = $5
where projection = $1 and generation = $2
