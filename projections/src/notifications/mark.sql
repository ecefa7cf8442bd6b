select up_to from notification_mark where user = $1
