update refresh_families
set last_used_at = $2
where session_id = $1 and last_used_at < $2
