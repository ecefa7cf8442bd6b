select stream, (select max(revision) from events where events.stream = streams.stream)
from streams
where name = $1
