update directory_invite
set revoked = 1
where id in (select unhex(value) from json_each($1))
