"""Test which files a campaign sends with its emails: those it names, whatever else is attached to it."""

from email import policy
from email.parser import BytesParser

import frappe
import pytest
from frappe.client import attach_file
from frappe.core.doctype.communication.email import make
from frappe.utils.file_manager import save_file

from crm_relations.campaigns import api
from crm_relations.campaigns.content import attachments
from crm_relations.campaigns.email import dispatch
from crm_relations.campaigns.incoming import api as answers
from crm_relations.campaigns.planning import enrollment, readiness
from crm_relations.tests.support import factories
from crm_relations.tests.support.mailing import Mailing, email_step, scripted_sink

pytestmark = pytest.mark.site

CAMPAIGN = "Relation Campaign"


@pytest.fixture
def sink():
	with scripted_sink() as sink:
		yield sink


@pytest.fixture
def mailing(sink):
	mailing = Mailing()
	mailing.open_account(sink.port)
	yield mailing
	frappe.set_user("Administrator")
	for name in mailing.campaigns:
		frappe.db.delete("Relation Campaign Attachment", {"parent": name})
		for file in frappe.get_all("File", filters={"attached_to_name": name}, pluck="name"):
			frappe.delete_doc("File", file, force=True, ignore_permissions=True)
	mailing.remove()


def attached(campaign: str, name: str, content: str, **values):
	content += "\n" + factories.unique("Nr.")  # Frappe stores files with the same content once
	return frappe.get_doc(
		{
			"doctype": "File",
			"file_name": name,
			"attached_to_doctype": CAMPAIGN,
			"attached_to_name": campaign,
			"content": content,
			"is_private": 1,
			**values,
		}
	).insert()


def named(campaign, *files) -> None:
	campaign.reload()
	for file in files:
		campaign.append("files", {"file": file.name})
	campaign.save()


def file_names(raw: bytes) -> list[str]:
	message = BytesParser(policy=policy.default).parsebytes(raw)
	return [part.get_filename() for part in message.iter_attachments()]


def attach_in_every_way(campaign: str) -> None:
	"""Attach files by the sidebar, a comment, an email from the form, REST, an import and a print run."""
	save_file("seitenleiste.txt", factories.unique("sidebar").encode(), CAMPAIGN, campaign, is_private=1)
	attach_file("methode.txt", factories.unique("method").encode(), CAMPAIGN, campaign, is_private=1)
	comment = frappe.get_doc(CAMPAIGN, campaign).add_comment("Comment", "Siehe Anhang")
	attached(
		campaign, "kommentar.txt", "comment", attached_to_doctype="Comment", attached_to_name=comment.name
	)
	attached(campaign, "kommentar2.txt", "comment 2")
	loose = attached(campaign, "mail.txt", "mail", attached_to_doctype=None, attached_to_name=None)
	made = make(CAMPAIGN, campaign, content="Text", subject="x", recipients="a@b.example", send_email=False)
	frappe.get_doc("Communication", made["name"]).add_comment("Comment", "x")
	loose.update({"attached_to_doctype": "Communication", "attached_to_name": made["name"]}).save()
	answers_file = attached(campaign, "antworten.csv", "Email;Antwort\nniemand@kunde.example;Interested\n")
	answers.import_answers(campaign, answers_file.file_url)  # attaches the rejected lines
	api.print_letters(campaign)
	reader = factories.user(None, "Sales User")
	frappe.set_user(reader)
	assert not frappe.has_permission(CAMPAIGN, "write", doc=campaign)
	attached(campaign, "leser.txt", "reader")
	frappe.set_user("Administrator")


def test_only_named_files_leave(mailing, sink):
	mailing.person(address_line="Domplatz 1", pincode="50667", city="Köln")
	letter = {"step_type": "Letter", "title": "Brief", "letter_text": "<p>Guten Tag</p>"}
	doc = mailing.campaign(steps=[letter, email_step(attach_files=1), email_step(delay_days=1)])
	price_list = attached(doc.name, "Preisliste ä.txt", "Preise, netto")
	named(doc, price_list)
	enrollment.start(doc.name)
	attach_in_every_way(doc.name)
	frappe.db.commit()
	assert mailing.send(doc.name)["sent"] == 1
	(message,) = sink.messages
	assert file_names(message[1]) == [price_list.file_name]
	part = next(BytesParser(policy=policy.default).parsebytes(message[1]).iter_attachments())
	assert part.get_content().startswith("Preise, netto")
	assert frappe.db.count("File", {"attached_to_name": doc.name}) >= 6, "the others are there"


def test_a_step_that_attaches_nothing_sends_no_file(mailing, sink):
	mailing.people(1)
	doc = mailing.campaign(steps=[email_step()])
	named(doc, attached(doc.name, "preise.txt", "Preise"))
	enrollment.start(doc.name)
	frappe.db.commit()
	mailing.send(doc.name)
	assert file_names(sink.messages[0][1]) == []


def test_the_start_dialog_names_what_will_leave(mailing):
	mailing.people(1)
	doc = mailing.campaign(steps=[email_step(title="Angebot", attach_files=1), email_step(delay_days=1)])
	attached(doc.name, "intern.txt", "intern")
	named(doc, file := attached(doc.name, "preise.txt", "Preise"))
	assert api.readiness(doc.name)["files"] == [{"file": f"{file.file_name} (1 KB)", "steps": "Angebot"}]


def test_who_may_only_read_a_campaign_cannot_name_a_file(mailing):
	doc = mailing.campaign()
	reader = factories.user(None, "Sales User")
	frappe.set_user(reader)
	file = attached(doc.name, "leser.txt", "reader")
	with pytest.raises(frappe.PermissionError):
		frappe.client.set_value(CAMPAIGN, doc.name, {"files": [{"file": file.name}]})
	row = {"doctype": "Relation Campaign Attachment", "parent": doc.name, "parenttype": CAMPAIGN}
	with pytest.raises(frappe.PermissionError):
		frappe.get_doc({**row, "parentfield": "files", "file": file.name}).insert()


def test_a_file_of_another_document_is_not_sent(mailing):
	"""Send only files attached to the campaign itself, so that its author gets no access to other files."""
	doc = mailing.campaign()
	secret = attached(
		"", "gehalt.txt", "secret", attached_to_doctype="User", attached_to_name="Administrator"
	)
	doc.append("files", {"file": secret.name})
	with pytest.raises(frappe.ValidationError, match="not attached to this campaign"):
		doc.save()
	secret.delete()


def test_a_file_is_named_once(mailing):
	doc = mailing.campaign()
	file = attached(doc.name, "preise.txt", "Preise")
	with pytest.raises(frappe.ValidationError, match="in the table already"):
		named(doc, file, file)


def test_a_file_that_was_changed_after_it_was_named_holds_the_campaign_back(mailing, sink):
	mailing.people(1)
	doc = mailing.campaign(steps=[email_step(attach_files=1)])
	file = attached(doc.name, "preise.txt", "Preise")
	other = attached(doc.name, "kunden.csv", "Kunden")
	named(doc, file)
	enrollment.start(doc.name)
	frappe.db.set_value("File", file.name, "file_url", other.file_url)
	frappe.db.commit()
	with pytest.raises(frappe.ValidationError, match="was changed or deleted"):
		dispatch.send(doc.name)
	assert not sink.messages
	assert list(mailing.states(doc.name).values()) == ["Pending"]


def test_ticking_the_box_without_a_file_keeps_the_campaign_from_starting(mailing):
	mailing.people(1)
	doc = mailing.campaign(steps=[email_step(attach_files=1)])
	attached(doc.name, "intern.txt", "intern")
	assert "Files for Emails is empty" in " ".join(readiness.missing(doc))
	named(doc, big := attached(doc.name, "gross.txt", "x" * (attachments.MAX_BYTES + 1)))
	assert "larger than" in " ".join(readiness.missing(doc))
	assert big.name == doc.files[0].file and doc.files[0].file_size > attachments.MAX_BYTES
