select member.channel
from feed_member as member
inner join feed_channel as channel on channel.id = member.channel
where member.user = $1 and member.joined <= $2 and ($3 is null or channel.space = $3)
order by member.joined desc
limit $4
