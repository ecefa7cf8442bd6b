select user_id, did, failures
from identity_checks
where next_at <= $1
order by next_at
limit $2
