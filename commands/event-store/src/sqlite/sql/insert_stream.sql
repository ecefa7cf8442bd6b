insert into streams (stream, name) values ($1, $2)
