select
    unhex(shown.value) as id,
    score.score,
    own.vote,
    pin.seq as pinned,
    thread.replies,
    thread.last_seq,
    thread.last_at
from json_each($2) as shown
left join timeline_score as score on score.channel = $1 and score.message = unhex(shown.value)
left join timeline_vote as own on own.channel = $1 and own.message = unhex(shown.value) and own.user = $3
left join timeline_pin as pin on pin.channel = $1 and pin.message = unhex(shown.value)
left join timeline_thread as thread on thread.channel = $1 and thread.root = unhex(shown.value)
