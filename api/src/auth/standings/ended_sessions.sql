select session_id, ended_at
from ended_sessions
where ended_at >= $1
order by ended_at
