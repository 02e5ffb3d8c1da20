"""Test what the desk loads at its start, and whether its bundles are built."""

import os
from pathlib import Path

import frappe
import pytest

from crm_relations.segments.description import builder_schema
from crm_relations.segments.language import rules
from crm_relations.setup import assets, desk

pytestmark = pytest.mark.site


def test_the_desk_starts_with_the_states_of_the_doctypes():
	boot = frappe._dict()
	desk.extend_bootinfo(boot)
	states = boot.crm_relations["enums"]["SendState"]
	options = frappe.get_meta("Relation Campaign Send").get_field("state").options.split("\n")
	assert list(states.values()) == options
	assert states["PENDING"] == "Pending"


def test_the_builder_knows_an_editor_for_each_operator():
	operators = builder_schema.grammar()["operators"]
	assert set(operators) == rules.ALL_OPERATORS
	assert {operator["takes"] for operator in operators.values()} == {
		"nothing",
		"days",
		"period",
		"two",
		"list",
		"one",
	}
	assert all(
		rules.DAYS[name][0] <= one["start"] <= rules.DAYS[name][1]
		for name, one in operators.items()
		if one["takes"] == "days"
	)


def test_a_bundle_is_stale_when_it_is_missing_or_older_than_a_source(tmp_path, monkeypatch):
	public = tmp_path / "public"
	built = tmp_path / "assets" / "crm_relations" / "dist" / "js" / "relation.bundle.ABC.js"
	for path in (public / "js" / "relation.bundle.js", public / "js" / "lib" / "html.js", built):
		path.parent.mkdir(parents=True, exist_ok=True)
		path.write_text("")
	monkeypatch.setattr(assets, "PUBLIC", public)
	listed = tmp_path / "assets" / "assets.json"
	assert assets.stale(listed.parent) == ["relation.bundle.js"]
	listed.write_text('{"relation.bundle.js": "/assets/crm_relations/dist/js/relation.bundle.ABC.js"}')
	assert assets.stale(listed.parent) == []
	age(public / "js" / "lib" / "html.js", 60)
	assert assets.stale(listed.parent) == ["relation.bundle.js"]
	age(built, 120)
	assert assets.stale(listed.parent) == []
	built.unlink()
	assert assets.stale(listed.parent) == ["relation.bundle.js"]


def age(path: Path, seconds: int) -> None:
	"""Move the time of a file's last change forward."""
	now = path.stat().st_mtime
	os.utime(path, (now + seconds, now + seconds))
