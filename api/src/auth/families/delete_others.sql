delete from refresh_families
where user_id = $1 and session_id <> $2
