insert into credentials (handle, user_id, display_name, password_hash, created_at)
values ($1, $2, $3, $4, $5)
on conflict (handle) do nothing
