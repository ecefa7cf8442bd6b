update credentials
set password_hash = $3, password_version = password_version + 1
where user_id = $1 and password_version = $2
