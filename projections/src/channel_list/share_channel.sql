select exists (
    select 1
    from channel_list_member as one
    inner join channel_list_member as other on other.channel = one.channel and other.user = $2 and other.ended is null
    where one.user = $1 and one.ended is null
) as shared
