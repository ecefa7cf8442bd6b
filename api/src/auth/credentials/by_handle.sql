select handle, user_id, display_name, password_hash
from credentials
where handle = $1
