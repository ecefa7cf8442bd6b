update generation
set paused = $3, changed_at = $4
where projection = $1 and generation = $2
