"""Find the bundles of the desk's scripts and styles that are not built yet, and build them.

`bench get-app`, `bench update` and `bench build` build them too. This module covers an app that was linked
into the bench by hand. It writes only what `bench build` writes: `public/dist` and the bench's list of
assets.
"""

import json
import subprocess
import sys
from pathlib import Path

import click
import frappe
from frappe.utils.file_lock import LockTimeoutError
from frappe.utils.synchronization import filelock

APP = "crm_relations"
PUBLIC = Path(__file__).resolve().parents[1] / "public"
SOURCES = ("*.js", "*.scss")
#: seconds to wait for another process that builds
PATIENCE = 300


def stale(assets: Path) -> list[str]:
	"""Return the bundles that are missing in the bench, or older than a source.

	:param assets: the folder `sites/assets` of the bench
	"""
	listed = assets / "assets.json"
	built = json.loads(listed.read_text(encoding="utf-8")) if listed.exists() else {}
	sources = [path for pattern in SOURCES for path in PUBLIC.rglob(pattern) if "dist" not in path.parts[-3:]]
	newest = max(path.stat().st_mtime for path in sources)
	return [
		name
		for name in sorted(_bundle(path) for path in sources if ".bundle." in path.name)
		if not _is_current(assets, built.get(name), newest)
	]


def _bundle(source: Path) -> str:
	return source.name.replace(".scss", ".css")


def _is_current(assets: Path, address: str | None, newest: float) -> bool:
	if not address:
		return False
	path = assets / Path(address).relative_to("/assets")
	return path.exists() and path.stat().st_mtime >= newest


def ensure() -> None:
	"""Build the bundles where one is stale. A bench that cannot build gets the command to run instead."""
	assets = Path(frappe.local.sites_path).resolve() / "assets"
	if not stale(assets):
		return
	try:
		with filelock("crm_relations_assets", timeout=PATIENCE, is_global=True):
			if stale(assets):
				_build(assets.parent)
	except (OSError, subprocess.SubprocessError, LockTimeoutError) as error:
		click.secho(f"The desk scripts of {APP} could not be built: {error}", fg="yellow")
		click.secho(f"Run: bench build --app {APP}", fg="yellow")


def _build(sites: Path) -> None:
	command = [sys.executable, "-m", "frappe.utils.bench_helper", "frappe", "build", "--app", APP]
	subprocess.run(command, cwd=sites, check=True)
