insert into feed_horizon (id, position)
select zeroblob(16), coalesce((
    select position from feed_change order by position desc limit 1 offset json_extract($1, '$[0].kept')
), 0)
where true
on conflict (id) do update set position = max(position, excluded.position)
