"""Runs one of Frappe's commands with secrets that stay out of the process list.

	cd BENCH/sites && ../env/bin/python frappe_command.py [--secrets FILE]... -- new-site S --db-root-password @password

Each `--secrets` names a file: either a MariaDB option file, whose `user` and `password` stand for `@user`
and `@password`, or a file that holds one line, which stands for `@` and the file's name before the first dot.
"""

import configparser
import pathlib
import sys


def secrets(paths: list[str]) -> dict[str, str]:
	"""Placeholder → secret, from the files."""
	found: dict[str, str] = {}
	for path in map(pathlib.Path, paths):
		text = path.read_text(encoding="utf-8")
		if text.startswith("[client]"):
			options = configparser.ConfigParser(interpolation=None)
			options.read_string(text)
			found.update({f"@{key}": options["client"][key] for key in ("user", "password")})
		else:
			found[f"@{path.name.split('.')[0]}"] = text.strip()
	return found


def main() -> None:
	split = sys.argv.index("--")
	known = secrets([value for value in sys.argv[1:split] if value != "--secrets"])
	sys.argv = ["bench", "frappe", *(known.get(value, value) for value in sys.argv[split + 1 :])]
	from frappe.utils.bench_helper import main as frappe_main

	frappe_main()


if __name__ == "__main__":
	main()
