"""Test that texts stored with a record are English, and shown in the language of the reader."""

import ast
import csv
from pathlib import Path

import pytest

from crm_relations.shared.text import stored_texts

pytestmark = pytest.mark.site

APP = Path(stored_texts.__file__).resolve().parents[2]

#: functions that store a text, and the arguments that hold it
WRITERS = {"record", "withdraw", "request", "update", "note_bounce", "mark_sent", "fail", "suppress"}
STORED = {"source", "proof", "reason"}


def german() -> dict[str, str]:
	with (APP / "translations" / "de.csv").open(encoding="utf-8", newline="") as file:
		return {row[0]: row[1] for row in csv.reader(file) if row}


@pytest.fixture
def german_session(monkeypatch):
	known = german()
	monkeypatch.setattr(stored_texts, "_", lambda text: known.get(text, text))


def test_every_stored_text_has_a_german_translation():
	assert not set(stored_texts.TEMPLATES) - set(german())


def test_a_stored_text_and_the_texts_within_it_are_shown_in_german(german_session):
	assert stored_texts.shown("Double opt-in: Sign-up page") == "Double-Opt-in: Anmeldeseite"
	assert stored_texts.shown("Objection: By letter") == "Werbewiderspruch: Per Brief"
	shown = stored_texts.shown("K-1 · S-1\nReply by email: C-1. Reviewed by a@b.example")
	assert shown == "K-1 · S-1\nAntwort per E-Mail: C-1. Geprüft von a@b.example"


def test_a_filled_text_is_recognized_in_full(german_session):
	template = "Request {0}: requested at {1} ({2}), sent at {3}, confirmed at {4} ({5})"
	values = ("ANF-1", "27.11.2026 10:00:00", "10.0.0.0", "27.11.2026 10:01:00", "27.11.2026 10:05:00", "–")
	shown = stored_texts.shown(stored_texts.filled(template, *values))
	assert shown == german()[template].format(*values)


@pytest.mark.parametrize("text", ["Open", "Messe: Stand 4", "", None])
def test_a_text_that_a_user_wrote_is_not_translated(german_session, text):
	assert stored_texts.shown(text) == (text or "")


def test_no_source_proof_or_reason_is_stored_in_the_language_of_its_writer():
	found = []
	for path in [*(APP / "campaigns").rglob("*.py"), *(APP / "www").glob("*.py")]:
		for call in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
			if not isinstance(call, ast.Call) or getattr(call.func, "attr", "") not in WRITERS:
				continue
			translated = [
				word.arg
				for word in call.keywords
				if word.arg in STORED
				for node in ast.walk(word.value)
				if isinstance(node, ast.Call)
				and "_" in (getattr(node.func, "id", ""), getattr(node.func, "attr", ""))
			]
			found += [f"{path.relative_to(APP)}:{call.lineno} {name}" for name in translated]
	assert not found
