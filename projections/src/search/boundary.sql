select rowid as position
from search_words
where search_words match $1 and rowid < $2
order by rowid desc
limit 1 offset $3
