update credentials
set password_hash = $3
where user_id = $1 and password_hash = $2
