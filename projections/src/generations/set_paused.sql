update generation
set paused = $1, changed_at = $2
where projection = $3 and generation = $4
