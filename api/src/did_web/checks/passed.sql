insert into identity_checks (user_id, did, checked_at, next_at, failures)
values ($1, $2, $3, $4, 0)
on conflict (user_id, did) do update set checked_at = $3, next_at = $4, failures = 0
