delete from ended_sessions
