select stream, count(*) as events from parked group by stream order by stream
