select did, checked_at
from identity_checks
where user_id = $1
