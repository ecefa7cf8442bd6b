update view
set heartbeat = $3
where name = $1 and epoch = $2
