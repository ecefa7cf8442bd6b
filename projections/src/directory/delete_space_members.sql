delete from directory_space_member
where (space, user) in (select unhex(value ->> 'space'), unhex(value ->> 'user') from jsonb_each($1))
