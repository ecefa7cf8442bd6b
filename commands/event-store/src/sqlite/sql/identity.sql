select id, incarnation from identity
