-- A stream waits for its first parked event; with min() the other columns are those of its row.
select stream, min(position) as position, reason from parked group by stream order by position
