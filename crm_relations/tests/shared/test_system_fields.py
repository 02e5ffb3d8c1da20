"""Test that only our code writes system-managed fields, for every field, role and function of Frappe."""

import json
from collections.abc import Iterator
from typing import Any

import frappe
import pytest
from frappe.desk.form.save import savedocs
from frappe.model import display_fieldtypes, table_fields
from frappe.utils import add_days, now_datetime, nowdate

from crm_relations.shared.access.system_fields import FOLDER, trusted
from crm_relations.tests.support import factories

pytestmark = pytest.mark.site

REFUSED = frappe.CannotChangeConstantError


def _metas() -> dict[str, dict]:
	found = (json.loads(path.read_text(encoding="utf-8")) for path in sorted(FOLDER.glob("*/*.json")))
	return {meta["name"]: meta for meta in found}


METAS = _metas()
ROLES = sorted({perm["role"] for meta in METAS.values() for perm in meta.get("permissions", ())})
DOCUMENTS = sorted(name for name, meta in METAS.items() if not meta.get("istable"))


def _fields(doctype: str) -> Iterator[dict]:
	for field in METAS[doctype]["fields"]:
		if field["fieldtype"] not in display_fieldtypes and not field.get("is_virtual"):
			yield field


def _read_only(doctype: str) -> list[dict]:
	return [field for field in _fields(doctype) if field.get("read_only")]


def _value(field: dict, number: int) -> Any:
	"""Return a value of the field's type, different for each number."""
	kind = field["fieldtype"]
	if kind in table_fields:
		return [_row(field["options"], number)]
	if kind == "Check":
		return number % 2
	if kind in ("Int", "Float", "Currency", "Percent"):
		return 10 + number
	if kind == "Date":
		return add_days(nowdate(), -number)
	if kind == "Datetime":
		return str(add_days(now_datetime(), -number))
	if kind == "Select":
		options = [option for option in (field.get("options") or "value").split("\n") if option]
		return options[number % len(options)]
	if kind == "JSON":
		return json.dumps([number])
	return f"value {number}"


def _row(doctype: str, number: int) -> dict:
	return {field["fieldname"]: _value(field, number) for field in _fields(doctype)}


def _stored(doctype: str) -> frappe.model.document.Document:
	"""Insert a document with a value in each field.

	All checks are bypassed, because only the check of the caller's values, which runs first, is tested here.
	"""
	values = {field["fieldname"]: _value(field, 0) for field in _fields(doctype)}
	relation = factories.relation().name  # decides which rows may be read
	values |= {f["fieldname"]: relation for f in _fields(doctype) if f.get("options") == "Relation"}
	if METAS[doctype].get("issingle"):
		for fieldname, value in values.items():
			if not isinstance(value, list):
				frappe.db.set_single_value(doctype, fieldname, value)
		return frappe.get_doc(doctype)
	doc = frappe.get_doc({"doctype": doctype, **values, "name": frappe.generate_hash(length=10)})
	doc.set_user_and_timestamp()
	doc.set_parent_in_children()
	doc.db_insert()
	for row in doc.get_all_children():
		row.set_new_name()
		row.db_insert()
	return frappe.get_doc(doctype, doc.name)


def _users() -> list[str]:
	"""Return Administrator, and a user with only this role for each role.

	They are written directly, because a user's own checks take long.
	"""
	users = ["Administrator"]
	for role in ROLES:
		user = frappe.get_doc({"doctype": "User", "name": f"{frappe.scrub(role)}@system-fields.example"})
		user.update({"email": user.name, "first_name": role, "enabled": 1, "user_type": "System User"})
		user.append("roles", {"role": role, "name": frappe.generate_hash(length=10)})
		user.set_user_and_timestamp()
		user.set_parent_in_children()
		user.db_insert()
		user.roles[0].db_insert()
		users.append(user.name)
	return users


def _outcome(action: Any, *args: Any) -> type[Exception] | None:
	frappe.db.savepoint("before_request")
	try:
		action(*args)
	except Exception as error:
		return type(error)
	else:
		return None
	finally:
		frappe.db.rollback(save_point="before_request")
		frappe.local.message_log = []


@pytest.mark.parametrize("doctype", DOCUMENTS)
def test_no_role_changes_a_read_only_field(doctype):
	stored = _stored(doctype)
	frappe.clear_document_cache(doctype, stored.name)
	fields = _read_only(doctype)
	for user in _users():
		frappe.set_user(user)
		if not frappe.has_permission(doctype, "write", doc=stored.name):
			tried, expected = fields[:1], frappe.PermissionError  # before any field is checked
		else:
			tried, expected = fields, REFUSED
		for field in tried:
			value = _value(field, 1)
			got = _outcome(frappe.client.set_value, doctype, stored.name, {field["fieldname"]: value})
			assert got is expected, (user, field["fieldname"], got)
	frappe.set_user("Administrator")


@pytest.mark.parametrize("doctype", DOCUMENTS)
def test_a_whole_document_changes_and_an_emptied_field_clears_no_read_only_field(doctype):
	stored = _stored(doctype)
	whole = json.loads(frappe.as_json(stored))
	for field in _read_only(doctype):
		fieldname = field["fieldname"]
		assert _outcome(frappe.client.save, {**whole, fieldname: _value(field, 1)}) is REFUSED, fieldname
		if stored.get(fieldname):
			empty = [] if field["fieldtype"] in table_fields else ""
			got = _outcome(frappe.client.set_value, doctype, stored.name, {fieldname: empty})
			assert got is REFUSED, fieldname


@pytest.mark.parametrize("doctype", DOCUMENTS)
def test_no_role_brings_a_read_only_field_along_with_a_new_document(doctype):
	if METAS[doctype].get("issingle"):
		pytest.skip("a single is not inserted")
	plain = {f["fieldname"]: _value(f, 0) for f in _fields(doctype) if not f.get("read_only")}
	for user in _users():
		frappe.set_user(user)
		tried, expected = _read_only(doctype), REFUSED
		if METAS[doctype].get("in_create") or not frappe.has_permission(doctype, "create"):
			tried, expected = tried[:1], frappe.PermissionError
		for field in tried:
			new = {"doctype": doctype, **plain, field["fieldname"]: _value(field, 1)}
			assert _outcome(frappe.client.insert, new) is expected, (user, field["fieldname"])
	frappe.set_user("Administrator")


@pytest.mark.parametrize("doctype", [name for name in DOCUMENTS if METAS[name].get("in_create")])
def test_what_only_code_makes_has_nothing_that_people_fill_in(doctype):
	open_fields = {field["fieldname"] for field in _fields(doctype) if not field.get("read_only")}
	assert open_fields == ({"salesperson"} if doctype == "Relation Handover" else set())
	for perm in METAS[doctype]["permissions"]:
		assert not perm.get("create") and not perm.get("delete"), perm["role"]


TABLES = [
	(doctype, field["fieldname"], field["options"])
	for doctype in DOCUMENTS
	for field in _fields(doctype)
	if field["fieldtype"] in table_fields
]


@pytest.mark.parametrize(("doctype", "table", "row_type"), TABLES)
def test_read_only_fields_of_rows_are_protected_in_and_without_their_document(doctype, table, row_type):
	stored = _stored(doctype)
	if not stored.get(table):  # of a Single doctype
		stored.append(table, _row(row_type, 0)).db_insert()
		stored = frappe.get_doc(doctype)
	row = stored.get(table)[0]
	for field in _read_only(row_type):
		got = _outcome(frappe.client.set_value, row_type, row.name, {field["fieldname"]: _value(field, 1)})
		assert got is REFUSED, field["fieldname"]
		doc = frappe.get_doc(doctype, stored.name)
		doc.append(table, _row(row_type, 1))
		assert _outcome(doc.save) is REFUSED

	alone = frappe.get_doc(row_type, row.name)  # PUT /api/resource/<row type>/<name>
	assert _outcome(alone.save) is frappe.PermissionError
	new = {"doctype": row_type, "parent": stored.name, "parenttype": doctype, "parentfield": table}
	assert _outcome(frappe.get_doc(new).insert) is frappe.PermissionError
	assert _outcome(frappe.delete_doc, row_type, row.name) is frappe.PermissionError


def test_the_message_names_the_field():
	campaign = factories.campaign()
	with pytest.raises(REFUSED, match="Approved By"):
		frappe.client.set_value("Relation Campaign", campaign.name, "approved_by", "Administrator")
	frappe.local.lang = "de"
	try:
		with pytest.raises(REFUSED, match="vom System"):
			frappe.client.set_value("Relation Campaign", campaign.name, "approved_by", "Administrator")
	finally:
		frappe.local.lang = "en"


def _from_form(doc: Any, **changes: Any) -> None:
	"""Save the whole document with the mark of Frappe's form, as the desk does."""
	sent = json.loads(frappe.as_json(doc)) | {"__last_sync_on": "2026-01-01T00:00:00.000Z", "__unsaved": 1}
	savedocs(json.dumps({**sent, **changes}), "Save")


def test_a_form_that_was_open_meanwhile_keeps_what_the_system_wrote():
	relation = factories.relation(phone="030 1")
	opened = frappe.get_doc("Relation", relation.name)
	frappe.db.set_value("Relation", relation.name, "uid", "from-the-system", update_modified=False)
	_from_form(opened, phone="030 2")
	stored = frappe.db.get_value("Relation", relation.name, ["uid", "phone"], as_dict=True)
	assert (stored.uid, stored.phone) == ("from-the-system", "030 2")


def test_a_script_that_leaves_an_outdated_field_alone_can_save():
	relation = factories.relation()
	loaded = frappe.get_doc("Relation", relation.name)
	frappe.db.set_value("Relation", relation.name, "uid", "newer", update_modified=False)
	loaded.update({"phone": "030 3"}).save()
	assert frappe.db.get_value("Relation", relation.name, "uid") == "newer"


def test_a_duplicate_made_in_the_form_starts_without_system_values():
	campaign = factories.campaign()
	trusted(campaign).update({"approved_by": "Administrator", "status": "Running"}).db_update()
	sent = json.loads(frappe.as_json(frappe.get_doc("Relation Campaign", campaign.name)))
	sent.update(
		name="new-relation-campaign-1", campaign_name=factories.unique("Kopie"), __islocal=1, __unsaved=1
	)
	for row in sent["steps"]:
		row.update(name="new-relation-campaign-step-1", __islocal=1)
	savedocs(json.dumps(sent), "Save")
	copy = frappe.get_last_doc("Relation Campaign", {"campaign_name": sent["campaign_name"]})
	assert (copy.status, copy.approved_by) == ("Draft", None)


def test_a_document_sent_back_unchanged_is_saved():
	customer = factories.customer()
	name = frappe.db.get_value("Relation Party", {"party": customer.name}, "parent")
	frappe.client.save(json.loads(frappe.as_json(frappe.get_doc("Relation", name))))
	assert frappe.db.get_value("Relation Party", {"party": customer.name}, "parent") == name


def test_taking_the_parties_from_a_relation_is_refused_and_the_next_save_makes_no_second_one():
	customer = factories.customer()
	name = frappe.db.get_value("Relation Party", {"party": customer.name}, "parent")
	with pytest.raises(REFUSED, match="Documents|Parties"):
		frappe.client.set_value("Relation", name, {"parties": []})
	customer.reload()
	customer.update({"website": "https://kunde.example"}).save()
	assert frappe.get_all("Relation Party", filters={"party": customer.name}, pluck="parent") == [name]


def test_an_import_of_documents_counts_as_a_user(monkeypatch):
	monkeypatch.setitem(frappe.flags, "in_import", True)
	with pytest.raises(REFUSED):
		factories.insert("Relation", relation_name="Import", relation_kind="Person", uid="from-a-file")
	with pytest.raises(frappe.PermissionError):
		frappe.get_doc({"doctype": "Relation Segment Member", "segment": "x", "relation": "y"}).insert(
			ignore_permissions=True, ignore_links=True
		)


def test_a_fixture_may_bring_system_fields(monkeypatch):
	monkeypatch.setitem(frappe.flags, "in_fixtures", True)
	doc = factories.insert("Relation Role Type", role_name=factories.unique("Rolle"), is_standard=1)
	assert frappe.db.get_value("Relation Role Type", doc.name, "is_standard") == 1
