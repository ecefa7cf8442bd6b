delete from credentials where user_id = $1 and password_hash = $2
