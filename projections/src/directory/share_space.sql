select exists (
    select 1
    from directory_space_member as one
    inner join directory_space_member as other on other.space = one.space and other.user = $2
    where one.user = $1
) as shared
