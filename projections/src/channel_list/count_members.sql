update channel_list_channel
set members_count = members_count + difference.people
from (
    select
        unhex(standing.value ->> 'channel') as channel,
        sum(
            (standing.value ->> 'current') - exists (
                select 1
                from channel_list_member as member
                where
                    member.channel = unhex(standing.value ->> 'channel')
                    and member.user = unhex(standing.value ->> 'user')
                    and member.ended is null
            )
        ) as people
    from jsonb_each($1) as standing
    group by 1
) as difference
where channel_list_channel.id = difference.channel
