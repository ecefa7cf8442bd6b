insert into view (name, newest) values ($1, 1)
on conflict (name) do update set newest = newest + 1
returning newest
