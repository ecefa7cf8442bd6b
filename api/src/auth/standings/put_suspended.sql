insert into suspended_people (user_id, until)
values ($1, $2)
on conflict (user_id) do update set until = excluded.until
