insert into refresh_families (session_id, user_id, mark_key, current_hash, last_used_at, expires_at, ends_at)
select $1, user_id, $3, $4, $5, $6, $7
from credentials
where user_id = $2 and password_version = $8
