delete from feed_change
where $1 is not null and position <= (select position from feed_horizon)
