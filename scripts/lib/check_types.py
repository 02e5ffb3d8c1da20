"""Check the types with mypy: strictly where no Frappe is imported, by its standard elsewhere. Writes nothing.

The standard check still finds faults, most of them optional values that Frappe's untyped calls return. Their number must not grow:
`KNOWN` is the ceiling, and a run with fewer asks to lower it. Exit code 1 for a strict finding or one above the ceiling.
"""

import subprocess
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
from frappe_free import ROOT, frappe_free

#: Findings of the standard check when they were last lowered
KNOWN = 113


def mypy(*arguments: str) -> list[str]:
	"""Run mypy in the checkout and return its findings; raise a RuntimeError if it did not run."""
	done = subprocess.run(
		[sys.executable, "-m", "mypy", "--no-error-summary", *arguments],
		cwd=ROOT, capture_output=True, text=True, check=False,
	)  # fmt: skip
	if done.returncode not in (0, 1):
		raise RuntimeError(done.stdout + done.stderr)
	return [line for line in done.stdout.splitlines() if ": error: " in line]


def main() -> int:
	"""Print the findings that fail the check and return the exit code."""
	files = [str(path.relative_to(ROOT)) for path in frappe_free()]
	strict = mypy("--strict", "--follow-imports=silent", *files)
	print(*strict, f"Strict: {len(strict)} findings in {len(files)} modules", sep="\n")
	standard = mypy()
	print(f"Standard: {len(standard)} findings, {KNOWN} are known")
	if len(standard) > KNOWN:
		print(*standard, sep="\n")
	elif len(standard) < KNOWN:
		print(f"Lower KNOWN in {Path(__file__).relative_to(ROOT)} to {len(standard)}.")
	return int(bool(strict) or len(standard) > KNOWN)


if __name__ == "__main__":
	sys.exit(main())
