select tally.message as id, tally.emoji, tally.count, own.user is not null as mine
from json_each($2) as shown
cross join timeline_reaction_count as tally on tally.channel = $1 and tally.message = unhex(shown.value)
left join timeline_reaction as own
    on own.channel = $1
    and own.message = tally.message
    and own.emoji = tally.emoji
    and own.user = $3
order by tally.count desc, tally.emoji
