update view
set heartbeat = $1
where name = $2 and epoch = $3
