delete from suspended_people where user_id = $1
