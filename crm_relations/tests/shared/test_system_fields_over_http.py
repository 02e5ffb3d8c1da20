"""Test system-managed fields over HTTP, by each function through which Frappe changes documents."""

import json
from collections.abc import Iterator
from types import SimpleNamespace
from urllib.parse import quote

import frappe
import pytest
import requests
from frappe.core.doctype.data_import.data_import import start_import
from frappe.utils.password import update_password

from crm_relations.shared.access.system_fields import protection, trusted
from crm_relations.tests.conftest import SITE
from crm_relations.tests.support import factories
from crm_relations.tests.support.machine import servers

pytestmark = pytest.mark.site

PASSWORD = "Wiesengrund-4711-Tal"
LOGINS = {
	"administrator of the site": ("System Manager",),
	"managers": ("Relation Manager", "Sales Manager", "Accounts Manager", "Support Team"),
	"users": ("Relation User", "Sales User", "Accounts User"),
}
#: doctype → system-managed fields and the values that a request tries to write
TRIED = {
	"Relation": {"uid": "0" * 32, "parties": [], "stage_since": "2020-01-01", "completeness": 99},
	"Relation Campaign": {
		"status": "Running",
		"approved_by": "Administrator",
		"started_at": "2020-01-01 00:00:00",
	},
	"Relation Segment": {"rule_version": 7, "problem": "x"},
	"Relation Interaction": {"todo": "0" * 10, "response": "0" * 10},
	"Relation Duplicate": {"probability": 1, "state": "Different"},
	"Relation Import": {"status": "Finished", "rows_done": 9},
	"Relation Handover": {"status": "Accepted", "document_name": "x"},
	"Relation Consent": {"by_system": 1, "opt_in_request": "x"},
}


@pytest.fixture(scope="module")
def site() -> Iterator[SimpleNamespace]:
	"""Yield a server, a session for each of LOGINS, and a document of each doctype of TRIED."""
	frappe.set_user("Administrator")
	users = {key: factories.user(None, *roles) for key, roles in LOGINS.items()}
	for user in users.values():
		update_password(user, PASSWORD)
	documents = _documents()
	frappe.db.commit()
	with servers.desk() as desk:
		root = f"http://127.0.0.1:{desk.rpartition(':')[2]}"
		sessions = {key: _login(root, user) for key, user in users.items()}
		yield SimpleNamespace(
			root=root, sessions=sessions, documents=documents, users=users, other=documents.pop("other")
		)
	frappe.db.rollback()
	frappe.set_user("Administrator")
	for doctype, name in reversed(documents.items()):
		frappe.db.delete(doctype, {"name": name})
	frappe.db.delete("Relation Party", {"parent": documents["Relation"]})
	frappe.db.delete("Relation", {"relation_name": ["like", "HTTP %"]})
	frappe.db.delete("Relation Segment", {"segment_name": ["like", "HTTP %"]})
	for user in users.values():
		frappe.delete_doc("User", user, force=True, ignore_permissions=True)
	frappe.db.commit()


def _documents() -> dict[str, str]:
	relation = factories.relation(factories.unique("HTTP")).name
	party = {
		"doctype": "Relation Party",
		"party_type": "Customer",
		"party": factories.unique("HTTP"),
		"idx": 1,
	}
	party.update(parent=relation, parenttype="Relation", parentfield="parties")
	frappe.get_doc({**party, "name": frappe.generate_hash(length=10)}).db_insert()
	found = {"other": factories.relation(factories.unique("HTTP")).name}
	found |= {"Relation": relation, "Relation Segment": factories.segment(factories.unique("HTTP")).name}
	found["Relation Campaign"] = factories.campaign(segment=found["Relation Segment"]).name
	found["Relation Interaction"] = factories.insert(
		"Relation Interaction", relation=relation, kind="Observation", subject="HTTP"
	).name
	for doctype, values in (
		(
			"Relation Duplicate",
			{"relation": relation, "other": relation, "state": "Open", "probability": 0.5},
		),
		("Relation Import", {"status": "Draft", "owner": "Administrator"}),
		("Relation Handover", {"relation": relation, "status": "Proposed"}),
		("Relation Consent", {"relation": relation}),
	):
		doc = frappe.new_doc(doctype).update({**values, "name": frappe.generate_hash(length=10)})
		trusted(doc).db_insert()
		found[doctype] = doc.name
	return found


def _login(root: str, user: str) -> requests.Session:
	session = requests.Session()
	session.headers["Host"] = SITE
	answer = session.post(f"{root}/api/method/login", data={"usr": user, "pwd": PASSWORD}, timeout=60)
	assert answer.status_code == 200, answer.text
	# cookies belong to the site's name, but the requests go to its address
	session.headers["Cookie"] = f"sid={answer.cookies['sid']}"
	return session


def _stored(doctype: str, name: str) -> str:
	"""Return the values in the database that only our code writes in a document."""
	frappe.db.rollback()  # read what the server has committed
	doc = frappe.get_doc(doctype, name)
	protected = protection(doctype)
	values = {field: doc.get(field) for field in protected.fields}
	tables = {table: [row.as_dict() for row in doc.get(table)] for table in protected.tables}
	return frappe.as_json([values, tables])


def _doors(doctype: str, name: str, field: str, value) -> dict[str, tuple[str, str, dict]]:
	"""Return the ways to change a document: name → HTTP method, path, arguments."""
	whole = json.loads(frappe.as_json(frappe.get_doc(doctype, name))) | {field: value}
	changed = json.dumps([{"doctype": doctype, "docname": name, field: value}])
	path = f"{quote(doctype)}/{quote(name)}"
	bulk = {"doctype": doctype, "docnames": json.dumps([name]), "action": "update"}
	methods = {
		"client.set_value": (
			"frappe.client.set_value",
			{"doctype": doctype, "name": name, "fieldname": json.dumps({field: value})},
		),
		"client.save": ("frappe.client.save", {"doc": json.dumps(whole)}),
		"client.bulk_update": ("frappe.client.bulk_update", {"docs": changed}),
		"savedocs": ("frappe.desk.form.save.savedocs", {"doc": json.dumps(whole), "action": "Save"}),
		"bulk edit": (
			"frappe.desk.doctype.bulk_update.bulk_update.submit_cancel_or_update_docs",
			{**bulk, "data": json.dumps({field: value})},
		),
		"title": (
			"frappe.model.rename_doc.update_document_title",
			{"doctype": doctype, "docname": name, "title": str(value)},
		),
	}
	doors = {key: ("POST", f"method/{path_}", sent) for key, (path_, sent) in methods.items()}
	doors["PUT /api/resource"] = ("PUT", f"resource/{path}", {field: value})
	doors["PUT /api/v2"] = ("PUT", f"v2/document/{path}", {field: value})
	return doors


@pytest.mark.parametrize("doctype", TRIED)
def test_no_login_changes_a_system_managed_field(site, doctype):
	name, protected = site.documents[doctype], protection(doctype)
	assert set(TRIED[doctype]) <= {*protected.fields, *protected.tables}
	before, changed, reached = _stored(doctype, name), [], 0
	for login, session in site.sessions.items():
		for field, value in TRIED[doctype].items():
			for door, (method, path, sent) in _doors(doctype, name, field, value).items():
				answer = session.request(method, f"{site.root}/api/{path}", json=sent, timeout=60)
				assert answer.status_code < 500, (door, answer.text)
				reached += answer.status_code in (200, 417)
				if _stored(doctype, name) != before:
					changed.append(f"{login} changes {field} by {door}: {answer.status_code}")
	assert not changed, "\n".join(changed)
	assert reached, "every request was refused before the document: this test shows nothing"


@pytest.mark.parametrize("doctype", TRIED)
def test_no_login_brings_a_system_managed_field_along_with_a_new_document(site, doctype):
	wrong = []
	plain = {
		"Relation": {"relation_name": "HTTP neu", "relation_kind": "Person"},
		"Relation Campaign": {"campaign_name": "HTTP neu", "segment": site.documents["Relation Segment"]},
		"Relation Segment": {"segment_name": "HTTP neu", "kind": "Manual"},
		"Relation Interaction": {"kind": "Observation", "subject": "HTTP"},
	}.get(doctype, {})
	if "relation" in {field.fieldname for field in frappe.get_meta(doctype).fields}:
		plain["relation"] = site.documents["Relation"]
	number = frappe.db.count(doctype)
	for login, session in site.sessions.items():
		for field, value in TRIED[doctype].items():
			if isinstance(value, list):
				value = [{"party_type": "Customer", "party": "x"}]
			new = {"doctype": doctype, **plain, field: value}
			for method, sent in (
				(f"resource/{quote(doctype)}", {**plain, field: value}),
				("method/frappe.client.insert", {"doc": json.dumps(new)}),
				("method/frappe.client.insert_many", {"docs": json.dumps([new])}),
				(f"v2/document/{quote(doctype)}", {**plain, field: value}),
			):
				answer = session.post(f"{site.root}/api/{method}", json=sent, timeout=60)
				if answer.status_code not in (400, 403, 404, 417):
					wrong.append(f"{login} inserts {field} by {method}: {answer.status_code} {answer.text}")
	frappe.db.rollback()
	assert not wrong, "\n".join(wrong)
	assert frappe.db.count(doctype) == number


def test_no_login_merges_relations_by_renaming_or_gives_them_another_name(site):
	relation = site.documents["Relation"]
	for session in site.sessions.values():
		for new, merge in (("HTTP-1", 0), (site.other, 1)):
			sent = {"doctype": "Relation", "old": relation, "new": new, "merge": merge}
			renamed = {"doctype": "Relation", "old_name": relation, "new_name": new, "merge": merge}
			titled = {"doctype": "Relation", "docname": relation, "name": new, "merge": merge}
			for method, arguments in (
				("frappe.rename_doc", sent),
				("frappe.client.rename_doc", renamed),
				("frappe.model.rename_doc.update_document_title", titled),
			):
				session.post(f"{site.root}/api/method/{method}", json=arguments, timeout=60)
				frappe.db.rollback()
				assert frappe.db.exists("Relation", relation) and frappe.db.exists("Relation", site.other)


def test_a_data_import_of_an_uploaded_file_changes_no_system_managed_field(site):
	session, relation = site.sessions["administrator of the site"], site.documents["Relation"]
	before, phone = _stored("Relation", relation), frappe.generate_hash(length=8)
	text = f"ID,Phone,UID\n{relation},{phone},{'0' * 32}\n"
	answer = session.post(
		f"{site.root}/api/method/upload_file",
		files={"file": ("relations.csv", text.encode(), "text/csv")},
		data={"is_private": 1},
		timeout=60,
	)
	url = answer.json()["message"]["file_url"]
	values = {
		"reference_doctype": "Relation",
		"import_type": "Update Existing Records",
		"import_file": url,
	}
	answer = session.post(f"{site.root}/api/resource/Data%20Import", json=values, timeout=60)
	assert answer.status_code == 200, answer.text
	name = answer.json()["data"]["name"]
	frappe.db.rollback()
	frappe.set_user(site.users["administrator of the site"])
	start_import(name)  # the job that the desk queues
	status = frappe.db.get_value("Data Import", name, "status")
	log = frappe.get_all("Data Import Log", {"data_import": name}, ["success", "messages"])
	frappe.set_user("Administrator")
	assert _stored("Relation", relation) == before
	frappe.delete_doc("Data Import", name, force=True, ignore_permissions=True)
	frappe.delete_doc("File", {"file_url": url}, force=True, ignore_permissions=True)
	frappe.db.commit()
	assert status == "Error" and "UID" in log[0].messages, (status, log)
