delete from ended_sessions where ended_at < $1
