delete from directory_service_role
where (user, role) in (select unhex(value ->> 'user'), value ->> 'role' from jsonb_each($1))
