"""Run several test processes at once (pytest-xdist), each on its own site and cache.

`scripts/test` sets them up. Each process has its own queue in any case. Processes share only the database
server and the files of the bench, so any two files may run at the same time. The tests of one file stay
together and in order.
"""

import os
from collections import Counter

import pytest

#: the slowest files and their seconds when several processes run: a process that starts one of them late
#: keeps the other processes waiting. `--durations=…` shows the seconds of each file at the end of a run.
SLOWEST = {
	"test_won_deals.py": 102,
	"test_dimension.py": 91,
	"test_round_trip.py": 90,
	"test_chains.py": 90,
	"test_balance_repair.py": 72,
	"test_sync.py": 66,
	"test_segment_browser.py": 60,
	"test_import_pipeline.py": 55,
	"test_segment_refresh.py": 47,
	"test_attribution_by_rule.py": 44,
	"test_browser.py": 40,
	"test_balance_sheet.py": 38,
	"test_facts.py": 32,
	"test_identity.py": 32,
	"test_playbook.py": 29,
	"test_campaign_reliability.py": 28,
	"test_process_chain.py": 28,
	"test_segment_oracle.py": 26,
	"test_browser_campaign.py": 26,
	"test_handover.py": 26,
}


def take_own_site() -> None:
	"""Switch to this process's site and cache: CRM_RELATIONS_PROCESS_1 for the second, …_2 for the third.

	:raises pytest.UsageError: this process has no site; two processes on one site would disturb each other
	"""
	number = os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw")
	if number == "0" or not os.environ.get("SITE"):
		return
	own = os.environ.get(f"CRM_RELATIONS_PROCESS_{number}")
	if not own:
		raise pytest.UsageError(
			f"Process {int(number) + 1} has no site of its own: scripts/test --processes N makes them."
		)
	os.environ.update(variable.split("=", 1) for variable in own.split())


def slowest_first(items: list[pytest.Item]) -> None:
	"""Sort the files for the processes: the longest first, and those that need no site last, to fill gaps."""
	if "PYTEST_XDIST_WORKER" in os.environ:
		items.sort(key=lambda item: (-SLOWEST.get(item.path.name, 0), not item.get_closest_marker("site")))


def tell_files(reporter) -> None:
	"""Print the seconds of the slowest files, fixtures included."""
	seconds: Counter[str] = Counter()
	for reports in reporter.stats.values():
		for report in reports:
			if hasattr(report, "duration"):
				seconds[report.nodeid.split("::")[0]] += report.duration
	reporter.write_sep("=", f"slowest files, of {sum(seconds.values()):.0f} s in all")
	for file, took in seconds.most_common(40):
		reporter.write_line(f"{took:.1f}s {file}")
