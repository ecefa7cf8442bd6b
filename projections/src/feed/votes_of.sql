select entry, vote
from feed_vote
where user = $1 and entry in (select value from json_each($2))
