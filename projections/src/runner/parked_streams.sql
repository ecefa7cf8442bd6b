select stream, count(*) as events from projection_parked where projection = $1 group by stream order by stream
