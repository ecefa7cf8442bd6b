update refresh_families
set previous_hash = current_hash, current_hash = $3, rotated_at = $4, sealed_pair = $5, last_used_at = $4, expires_at = $6
where session_id = $1 and current_hash = $2
