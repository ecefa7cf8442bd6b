select session_id, last_used_at
from refresh_families
where user_id = $1 and expires_at > $2
