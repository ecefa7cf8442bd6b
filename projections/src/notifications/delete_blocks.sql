delete from notification_block
where (user, blocked) in (select unhex(value ->> 'user'), unhex(value ->> 'blocked') from jsonb_each($1))
