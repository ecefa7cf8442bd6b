update identity_checks
set failures = failures + 1, next_at = $3
where user_id = $1 and did = $2
