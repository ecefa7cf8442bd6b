update projection_checkpoint
set position = $1
where name = $2 and generation = $3 and position = $4 and log_id = $5 and incarnation = $6
