delete from refresh_families where session_id = $1
