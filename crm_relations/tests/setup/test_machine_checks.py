"""Test the findings of `relations check` about scheduler, workers, PDF, running campaigns and local law."""

import frappe
import pytest
from frappe.utils import add_to_date, now_datetime, nowdate

from crm_relations.campaigns import checks as campaign_checks
from crm_relations.campaigns.consents import checks as consent_checks
from crm_relations.commands import text
from crm_relations.relations.facts import build, classes, queue
from crm_relations.relations.facts import checks as facts_checks
from crm_relations.setup import check, machine_checks
from crm_relations.shared.findings import Finding
from crm_relations.shared.text import pdf
from crm_relations.tests.support import factories
from crm_relations.tests.support.books.books import campaign as books_campaign
from crm_relations.tests.support.books.books import sell
from crm_relations.tests.support.machine.commits import held_back

pytestmark = pytest.mark.site


def found(findings) -> dict[str, Finding]:
	return {finding.code: finding for finding in findings}


# --- scheduler and workers --------------------------------------------------------------------------


@pytest.fixture
def scheduler(monkeypatch):
	"""Set up a scheduler that is on and has just run, without the check of workers."""
	for key in ("maintenance_mode", "pause_scheduler", "disable_scheduler"):
		monkeypatch.setitem(frappe.local.conf, key, 0)
	frappe.db.set_single_value("System Settings", "enable_scheduler", 1)
	frappe.db.set_value("Scheduled Job Type", {"stopped": 0}, "last_execution", now_datetime())
	monkeypatch.setattr(machine_checks, "get_workers", lambda: ["one"])


def test_a_scheduler_that_has_just_run_is_no_finding(scheduler):
	assert not {"scheduler-off", "scheduler-silent", "no-workers"} & set(found(machine_checks.findings()))


OFF = {
	"maintenance_mode": "set-maintenance-mode off",
	"pause_scheduler": "scheduler resume",
	"disable_scheduler": "Remove disable_scheduler",
}


@pytest.mark.parametrize("switch", OFF)
def test_a_scheduler_that_is_switched_off_is_told_with_the_switch_and_what_waits(
	scheduler, monkeypatch, switch
):
	monkeypatch.setitem(frappe.local.conf, switch, 1)
	queue.mark_all([("Customer", factories.unique("Kunde")) for _number in range(3)])
	finding = found(machine_checks.findings())["scheduler-off"]
	assert OFF[switch] in finding.remedy
	assert f"{queue.length()} changes wait to update the figures" in finding.message


def test_a_scheduler_that_is_disabled_in_the_settings_is_told(scheduler):
	frappe.db.set_single_value("System Settings", "enable_scheduler", 0)
	assert "enable-scheduler" in found(machine_checks.findings())["scheduler-off"].remedy


@pytest.mark.parametrize("last", [None, -3], ids=["never", "three hours ago"])
def test_a_scheduler_that_is_on_but_does_not_run_is_told(scheduler, last):
	when = last and add_to_date(now_datetime(), hours=last)
	frappe.db.set_value("Scheduled Job Type", {"stopped": 0}, "last_execution", when)
	finding = found(machine_checks.findings())["scheduler-silent"]
	assert ("has never run" if last is None else "has not run since") in finding.message
	assert "changes wait" in finding.message and "bench schedule" in finding.remedy


def test_missing_workers_and_a_silent_queue_are_told(scheduler, monkeypatch):
	monkeypatch.setattr(machine_checks, "get_workers", list)
	assert "bench worker" in found(machine_checks.findings())["no-workers"].remedy

	def refuses():
		raise ConnectionError("Connection refused")

	monkeypatch.setattr(machine_checks, "get_workers", refuses)
	finding = found(machine_checks.findings())["no-queue"]
	assert finding.level == "error" and "Connection refused" in finding.message


def test_a_warning_is_not_called_well():
	warning = {"level": "warning", "code": "a", "message": "b", "remedy": "c"}
	assert text.check({"ok": True, "findings": []}) == "All is well."
	assert text.check({"ok": True, "findings": [warning]}).endswith("No errors. Warnings: 1.")
	errors = [{**warning, "level": "error"}, warning]
	assert text.check({"ok": False, "findings": errors}).endswith("There are errors: 1. Warnings: 1.")


def test_the_findings_of_the_machine_are_part_of_the_check(scheduler, monkeypatch):
	monkeypatch.setitem(frappe.local.conf, "pause_scheduler", 1)
	assert "scheduler-off" in {finding["code"] for finding in check.run()["findings"]}


# --- figures ----------------------------------------------------------------------------------------


def test_figures_and_classes_that_were_never_made_are_told_and_made_by_what_sync_does():
	sell(factories.customer().name, [(books_campaign("Frühling"), 100)])
	frappe.db.delete("Relation Facts")
	frappe.db.delete(classes.CLASSES)
	told = found(facts_checks.findings())
	assert "no relation has figures" in told["facts-missing"].message
	with held_back():
		build.refresh_changed()
	told = found(facts_checks.findings())
	assert "facts-missing" not in told
	frappe.db.delete(classes.CLASSES)
	frappe.db.set_value("Relation Facts", {"orders": [">", 0]}, "recency_class", 0)
	told = found(facts_checks.findings())
	assert "facts rebuild" in told["classes-missing"].remedy
	with held_back():
		build.bring_up_to_date()
	assert not {"facts-missing", "classes-missing", "classes-old"} & set(found(facts_checks.findings()))
	assert frappe.db.count("Relation Facts", {"orders": [">", 0], "recency_class": [">", 0]})


def test_classes_of_last_week_are_told():
	with held_back():
		build.bring_up_to_date()
	assert "classes-old" not in found(facts_checks.findings())
	frappe.db.set_value(classes.CLASSES, {}, "determined_on", add_to_date(nowdate(), days=-7))
	assert "classes-old" in found(facts_checks.findings()) or not frappe.db.count(classes.CLASSES)


# --- PDF --------------------------------------------------------------------------------------------


def test_a_pdf_says_which_fonts_it_was_printed_in():
	assert pdf.fonts_in(pdf.from_html("")) == set()
	fonts = pdf.fonts_in(pdf.from_html("<p>Häuser</p>"))
	assert len(fonts) == 1 and not any("+" in font or font.startswith("/") for font in fonts)


@pytest.mark.parametrize(
	("fonts", "told"),
	[
		({"Liberation-Sans"}, False),
		({"Arimo"}, False),
		({"Helvetica-Neue"}, False),
		({"DejaVu-Sans"}, True),
		(set(), True),
	],
	ids=["Liberation", "Arimo", "Helvetica", "DejaVu only", "none"],
)
def test_missing_fonts_are_told_with_the_packages(monkeypatch, fonts, told):
	monkeypatch.setattr(machine_checks.pdf, "fonts_of_this_machine", lambda: fonts)
	findings = found(machine_checks.findings())
	assert ("pdf-fonts" in findings) == told
	if told:
		assert "fonts-liberation fonts-dejavu-core" in findings["pdf-fonts"].remedy
		assert all(font in findings["pdf-fonts"].message for font in fonts)


def test_a_missing_pdf_engine_is_told_with_the_packages(monkeypatch):
	def broken():
		raise OSError("cannot load library 'libpango-1.0-0'")

	monkeypatch.setattr(machine_checks.pdf, "fonts_of_this_machine", broken)
	finding = found(machine_checks.findings())["no-pdf-engine"]
	assert "libpango" in finding.message and "libpangoft2-1.0-0" in finding.remedy


# --- running campaigns ------------------------------------------------------------------------------


@pytest.fixture
def running():
	"""Insert a running campaign with a call and an email straight into the database."""
	user = factories.user(None, "Relation User", "Sales User")
	segment = factories.insert("Relation Segment", segment_name=factories.unique("Alle"), kind="Manual")
	doc = factories.insert(
		"Relation Campaign",
		campaign_name=factories.unique("Läuft"),
		segment=segment.name,
		responsible=user,
		steps=[
			{"step_type": "Call", "title": "Anruf", "call_script": "<p>Guten Tag</p>"},
			{"step_type": "Email", "title": "Mail", "subject": "Betreff", "message": "<p>Text</p>"},
		],
	)
	frappe.db.set_value("Relation Campaign", doc.name, "status", "Running")
	return frappe._dict(name=doc.name, user=user)


def of(campaign: str) -> dict[str, Finding]:
	return {one.code: one for one in campaign_checks.findings() if f"campaign {campaign}" in one.message}


def test_a_disabled_user_of_a_running_campaign_is_told(running):
	assert "campaign-user-gone" not in of(running.name)
	frappe.db.set_value("User", running.user, "enabled", 0)
	finding = of(running.name)["campaign-user-gone"]
	assert finding.level == "error" and running.user in finding.message and running.name in finding.remedy
	further = factories.user(None, "Relation User")
	doc = frappe.get_doc("Relation Campaign", running.name)
	doc.append("responsible_users", {"user": further}).db_insert()
	assert of(running.name)["campaign-user-gone"].level == "warning", "another user can do the work"
	frappe.db.set_value("Relation Campaign", running.name, "status", "Finished")
	assert not of(running.name)


def test_a_deleted_mail_account_of_a_running_campaign_is_told(running):
	frappe.db.set_value("Relation Campaign", running.name, "email_account", "Gelöschtes Konto")
	finding = of(running.name)["campaign-account-gone"]
	assert finding.level == "error" and "Gelöschtes Konto" in finding.message
	frappe.db.set_value("Relation Campaign", running.name, "email_account", None)
	assert "campaign-account-gone" not in of(running.name)


# --- the law of the country -------------------------------------------------------------------------


@pytest.mark.parametrize(
	("country", "imprint", "gdpr"),
	[
		("Germany", "§ 5 DDG", True),
		("Austria", "§ 5 ECG", True),
		("France", "", True),
		("United States", "", False),
		("Switzerland", "", False),
	],
)
def test_only_the_law_of_the_companys_country_is_named(country, imprint, gdpr):
	for name in frappe.get_all("Company", pluck="name"):
		frappe.db.set_value("Company", name, "country", country)
	frappe.db.set_single_value(
		"Relation Settings", {"legal_notice": "", "public_sign_up": 1, "privacy_url": ""}
	)
	frappe.clear_document_cache("Relation Settings", "Relation Settings")
	told = found([*campaign_checks.findings(), *consent_checks.findings()])
	message = told["no-imprint"].message
	assert imprint in message and ("§" in message) == bool(imprint)
	assert ("GDPR" in told["no-privacy-notice"].message) == gdpr
	texts = " ".join(f"{finding.message} {finding.remedy}" for finding in told.values())
	assert country in ("Germany", "Austria") or not any(word in texts for word in ("§", "UWG", "DDG"))
