select position
from reactor_checkpoint
where reactor = 'standings' and log = $1
