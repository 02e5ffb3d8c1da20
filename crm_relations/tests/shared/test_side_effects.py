"""Test steps that run with ERPNext's documents: a failing step is kept and retried, and blocks nothing."""

import frappe
import pytest
from rq.timeouts import JobTimeoutException

from crm_relations.shared.side_effects import (
	MAX_ATTEMPTS,
	deferrable,
	one_statement,
	retry_deferred,
	run_steps,
)
from crm_relations.tests.support import factories
from crm_relations.tests.support.books.statements import sent_statements
from crm_relations.tests.support.machine.commits import held_back

pytestmark = pytest.mark.site

STEPS = f"{__name__}."


@pytest.fixture
def doc():
	return factories.insert("Note", title=factories.unique("Notiz"), content="before")


@pytest.fixture
def without_commits():
	with held_back():
		yield


def note(doc, text: str) -> None:
	frappe.db.set_value("Note", doc.name, "content", text)


def details(doc) -> str | None:
	return frappe.db.get_value("Note", doc.name, "content")


@deferrable
def works(doc) -> None:
	note(doc, "works")


@deferrable
def fails(doc) -> None:
	note(doc, "half done")
	frappe.msgprint("half a message")
	raise ValueError("on purpose")


@deferrable
def deadlocks(doc) -> None:
	raise frappe.QueryDeadlockError("on purpose")


@deferrable
def runs_out_of_time(doc) -> None:
	note(doc, "half done")
	raise JobTimeoutException("Task exceeded maximum timeout value")


@deferrable
def with_a_failing_step_inside(doc) -> None:
	note(doc, "outer")
	run_steps(doc, fails)


@deferrable
def fails_after_an_inner_step(doc) -> None:
	run_steps(doc, works)
	raise ValueError("on purpose")


@one_statement
def fails_in_its_only_statement(doc) -> None:
	frappe.db.sql("INSERT INTO `tabNote` (`name`) VALUES (%s)", doc.name)  # the name is taken


@one_statement
def works_in_one_statement(doc) -> None:
	note(doc, "one statement")


def open_steps(doc) -> list[str]:
	return frappe.get_all(
		"Relation Deferred Step",
		{"document_type": doc.doctype, "document_name": doc.name, "status": "Open"},
		pluck="step",
		order_by="step asc",
	)


def test_a_failing_step_is_undone_and_kept_and_the_others_run(doc):
	messages = len(frappe.local.message_log)
	run_steps(doc, works, fails)
	assert details(doc) == "works"
	run_steps(doc, fails, works)
	assert details(doc) == "works"
	assert open_steps(doc) == [STEPS + "fails"]
	assert len(frappe.local.message_log) == messages
	row = frappe.get_doc("Relation Deferred Step", {"document_name": doc.name})
	assert "on purpose" in row.error


def test_a_step_that_fails_inside_another_is_undone_alone(doc):
	run_steps(doc, with_a_failing_step_inside)
	assert details(doc) == "outer"
	assert open_steps(doc) == [STEPS + "fails"]


def test_a_step_that_fails_takes_what_steps_inside_it_did_along(doc):
	run_steps(doc, fails_after_an_inner_step)
	assert details(doc) == "before"
	assert open_steps(doc) == [STEPS + "fails_after_an_inner_step"]


def test_steps_after_a_failing_one_at_depth_have_their_savepoint(doc):
	run_steps(doc, with_a_failing_step_inside, fails, with_a_failing_step_inside, fails_after_an_inner_step)
	assert details(doc) == "outer"
	assert open_steps(doc) == [STEPS + "fails", STEPS + "fails_after_an_inner_step"]


def test_a_deadlock_is_for_frappe_to_repeat(doc):
	with pytest.raises(frappe.QueryDeadlockError):
		run_steps(doc, deadlocks)
	assert open_steps(doc) == []
	run_steps(doc, fails)  # and the next step has its savepoint again
	assert open_steps(doc) == [STEPS + "fails"]


def test_a_step_of_one_statement_that_fails_is_kept_and_what_was_done_before_stays(doc):
	run_steps(doc, works, fails_in_its_only_statement)
	assert details(doc) == "works"
	run_steps(doc, fails_in_its_only_statement, works_in_one_statement)
	assert details(doc) == "one statement"
	assert open_steps(doc) == [STEPS + "fails_in_its_only_statement"]


def test_a_step_costs_one_statement_beside_its_own_and_none_if_it_is_marked(doc):
	with sent_statements() as sent:
		run_steps(doc, lambda _doc: None, lambda _doc: None)
	assert len(sent) == 2
	with sent_statements() as sent:
		run_steps(doc, one_statement(lambda _doc: None))
	assert len(sent) == (0 if frappe.db.db_type != "postgres" else 1)


def test_a_step_that_works_later_is_done(doc, without_commits, monkeypatch):
	run_steps(doc, fails)
	monkeypatch.setattr(f"{__name__}.fails", works)
	assert retry_deferred()["done"] >= 1
	assert details(doc) == "works"
	assert open_steps(doc) == []


def test_a_step_that_never_works_is_given_up(doc, without_commits):
	run_steps(doc, fails)
	name = frappe.db.get_value("Relation Deferred Step", {"document_name": doc.name})
	frappe.db.set_value("Relation Deferred Step", name, "attempts", MAX_ATTEMPTS - 2)
	frappe.db.commit()
	assert retry_deferred()["open"] >= 1
	assert open_steps(doc) == [STEPS + "fails"]
	assert retry_deferred()["given_up"] >= 1
	assert frappe.db.get_value("Relation Deferred Step", name, "status") == "Given Up"
	assert details(doc) == "before"


def test_a_step_of_a_deleted_document_is_done(doc, without_commits):
	run_steps(doc, fails)
	name = frappe.db.get_value("Relation Deferred Step", {"document_name": doc.name})
	frappe.db.set_value("Relation Deferred Step", name, "document_name", "No such note")
	frappe.db.commit()
	assert retry_deferred()["done"] >= 1
	assert frappe.db.get_value("Relation Deferred Step", name, "status") == "Done"


def test_the_time_out_of_a_job_is_no_failure_of_a_step(doc):
	with pytest.raises(JobTimeoutException):
		run_steps(doc, runs_out_of_time, works)
	assert open_steps(doc) == []


def test_a_step_that_takes_the_whole_job_counts_and_lets_the_others_go_first(
	doc, without_commits, monkeypatch
):
	other = factories.insert("Note", title=factories.unique("Notiz"), content="before")
	run_steps(doc, fails)
	run_steps(other, fails)
	name = frappe.db.get_value("Relation Deferred Step", {"document_name": doc.name})

	@deferrable
	def one_takes_forever(note) -> None:
		if note.name == doc.name:
			raise JobTimeoutException("Task exceeded maximum timeout value")
		works(note)

	monkeypatch.setattr(f"{__name__}.fails", one_takes_forever)
	with pytest.raises(JobTimeoutException):
		retry_deferred()
	assert frappe.db.get_value("Relation Deferred Step", name, "attempts") == 1
	with pytest.raises(JobTimeoutException):
		retry_deferred()
	assert details(other) == "works" and open_steps(doc) == [STEPS + "fails"]
	frappe.db.set_value("Relation Deferred Step", name, "attempts", MAX_ATTEMPTS)
	retry_deferred()
	assert frappe.db.get_value("Relation Deferred Step", name, "status") == "Given Up"


@pytest.mark.parametrize(
	"path", ["frappe.delete_doc", "crm_relations.shared.side_effects.defer", "os.system"]
)
def test_only_a_marked_step_of_ours_is_run(doc, without_commits, path):
	run_steps(doc, fails)
	name = frappe.db.get_value("Relation Deferred Step", {"document_name": doc.name})
	frappe.db.set_value("Relation Deferred Step", name, {"step": path, "attempts": MAX_ATTEMPTS - 1})
	retry_deferred()
	status, error = frappe.db.get_value("Relation Deferred Step", name, ["status", "error"])
	assert status == "Given Up" and "no step of crm_relations" in error
