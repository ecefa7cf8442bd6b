update generation
set state = $1, reason = $2, changed_at = $3
where projection = $4 and generation = $5
