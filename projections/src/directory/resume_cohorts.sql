delete from directory_paused_cohort
where (space, cohort) in (select unhex(value ->> 'space'), value ->> 'cohort' from jsonb_each($1))
