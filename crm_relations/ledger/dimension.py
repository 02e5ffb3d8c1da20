"""The campaign as ERPNext Accounting Dimension: on, off, kept."""


def switch_on() -> None:
	"""Create the dimension with its fields and index, synchronously."""


def switch_off() -> None:
	"""Take the dimension back; our own fields stay."""


def ensure() -> None:
	"""After migrate: what `Relation Settings.campaign_dimension` says is so."""
