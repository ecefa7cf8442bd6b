select user_id, mark_key, current_hash, previous_hash, rotated_at, sealed_pair, expires_at, ends_at
from refresh_families
where session_id = $1
