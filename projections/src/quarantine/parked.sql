-- With min() the other columns are those of its row.
select stream, min(position) as position, reason, count(*) as events from parked
group by stream
order by position
limit $1
