delete from generation where projection = $1 and generation = $2
