select credentials.handle
from json_each($1)
join credentials on credentials.handle = value ->> 'handle'
where credentials.user_id <> unhex(value ->> 'user')
limit 1
