"""What the mailbox and the post bring back: replies, notes of absence, bounces, complaints, lists of answers."""
