update generation
set state = 'ready', changed_at = $1
where projection = $2 and state = 'serving'
