delete from identity_checks
where user_id = $1 and did = $2
