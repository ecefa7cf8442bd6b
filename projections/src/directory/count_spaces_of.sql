select count(*) as spaces from directory_space_member where user = $1
