select name,
       (select count(*) from events where events.stream = streams.stream),
       (select recorded_at from events where events.stream = streams.stream order by revision limit 1),
       (select recorded_at from events where events.stream = streams.stream order by revision desc limit 1)
from streams
where name >= $1 and name < $2
order by name
limit $3
