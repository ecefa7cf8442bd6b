select message.position, message.channel, message.id, message.seq, message.author, message.at, message.version
from search_words
inner join search_message as message on message.position = search_words.rowid
where
    search_words match $1
    and search_words.rowid < $2
    and search_words.rowid >= $3
    and message.channel in (select unhex(value) from json_each($4))
    and ($5 is null or message.author = $5)
order by search_words.rowid desc
limit $6
