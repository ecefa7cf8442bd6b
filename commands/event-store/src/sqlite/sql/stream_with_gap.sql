-- Of which stream an event was that is gone: one whose later event lacks the one before it. Looked for only where a position is missing.
select streams.name, events.revision - 1
from events
join streams using (stream)
where
    events.position > $1
    and events.revision > 0
    and not exists (
        select 1 from events as before where before.stream = events.stream and before.revision = events.revision - 1
    )
order by events.position
