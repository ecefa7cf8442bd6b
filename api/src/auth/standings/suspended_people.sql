select user_id, until
from suspended_people
