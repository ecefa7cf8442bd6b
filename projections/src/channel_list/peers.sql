select member.channel, member.user
from jsonb_each($1) as wanted
inner join channel_list_member as member on member.channel = unhex(wanted.value)
order by member.channel, member.user
