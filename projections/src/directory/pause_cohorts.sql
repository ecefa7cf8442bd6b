insert into directory_paused_cohort (space, cohort)
select unhex(value ->> 'space'), value ->> 'cohort'
from jsonb_each($1)
where true
on conflict do nothing
