delete from generation where projection = $1
