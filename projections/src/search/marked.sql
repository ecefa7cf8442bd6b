select highlight(search_words, 0, $3, $4) as marked
from search_words
where search_words match $1 and rowid = $2
