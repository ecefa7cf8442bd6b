insert into ended_sessions (session_id, ended_at)
values ($1, $2)
on conflict (session_id) do nothing
