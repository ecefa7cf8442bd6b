select handle, user_id, display_name, password_hash, password_version
from credentials
where handle = $1
