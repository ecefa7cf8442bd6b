update checkpoint
set epoch = $1
where epoch <= $1
