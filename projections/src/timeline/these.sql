select seq, id, author, at, body, version, edited_at, deleted, reply_to, mentions, thread, depth
from json_each($2) as wanted
cross join timeline_message on channel = $1 and id = unhex(wanted.value)
