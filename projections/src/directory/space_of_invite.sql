select space from directory_invite where id = $1
