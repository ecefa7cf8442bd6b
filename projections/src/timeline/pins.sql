select message from timeline_pin where channel = $1 order by seq desc limit $2
