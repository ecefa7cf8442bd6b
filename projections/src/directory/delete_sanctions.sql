delete from directory_sanction
where (space, kind, user) in (select unhex(value ->> 'space'), value ->> 'kind', unhex(value ->> 'user') from jsonb_each($1))
