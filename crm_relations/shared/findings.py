"""Define what a check returns: the rows of `relations check`. Pure Python."""

from dataclasses import asdict, dataclass
from typing import Literal

Level = Literal["error", "warning", "info"]


@dataclass(frozen=True)
class Finding:
	"""One finding. `error` makes the check fail, `warning` and `info` do not."""

	level: Level
	code: str
	message: str
	remedy: str = ""

	def as_dict(self) -> dict[str, str]:
		return asdict(self)
