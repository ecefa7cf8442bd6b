select name from streams where stream = $1
