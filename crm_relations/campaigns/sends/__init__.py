"""Store planned and sent messages: the store of `Relation Campaign Send` and the files kept with a campaign."""
