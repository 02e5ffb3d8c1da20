"""Create objects of an administrator, of many types, that refer to our doctypes, fields and roles."""

import json

import frappe
from frappe.desk.form.load import getdoc
from frappe.utils import nowdate

from crm_relations.tests.support import factories

RIGHTS = [{"role": "System Manager", "read": 1, "write": 1, "create": 1}]


def build() -> dict:
	"""Create the objects and documents that use them, and return the names that a test needs."""
	relation = factories.relation()
	customer = factories.customer()
	_fields(customer.name, relation.name)
	_code()
	_reports()
	_desk()
	_settings()
	task = factories.insert(
		"ToDo",
		description="Ring back",
		reference_type="Relation",
		reference_name=relation.name,
		date=nowdate(),
	)
	factories.insert(
		"Relation Interaction",
		relation=relation.name,
		interaction_type="Call",
		direction="Outgoing",
		happened_on=frappe.utils.now(),
		subject="Call",
	).db_set("todo", task.name)
	own = factories.insert(
		"ToDo", description="Mine", reference_type="Relation", reference_name=relation.name
	)
	log = factories.insert("Relation Export", file_format="csv")
	exported = factories.insert(
		"File",
		file_name="relations.csv",
		content="name,email\n",
		is_private=1,
		attached_to_doctype=log.doctype,
		attached_to_name=log.name,
	)
	frappe.db.commit()
	return {
		"customer": customer.name,
		"relation": relation.name,
		"task": task.name,
		"own_task": own.name,
		"file": exported.name,
		"path": exported.get_full_path(),
	}


def _fields(customer: str, relation: str) -> None:
	for fieldname, fieldtype, more in (
		("main_relation", "Link", {"options": "Relation"}),
		("relation_title", "Data", {"fetch_from": "main_relation.relation_name"}),
		("campaign_users", "Table MultiSelect", {"options": "Relation Campaign User"}),
	):
		factories.insert(
			"Custom Field", dt="Customer", fieldname=fieldname, label=fieldname, fieldtype=fieldtype, **more
		)
	frappe.db.set_value("Customer", customer, "main_relation", relation)
	factories.insert(
		"DocType",
		name="Visit",
		module="Core",
		custom=1,
		fields=[{"fieldname": "who", "fieldtype": "Link", "options": "Relation", "label": "Relations"}],
		permissions=RIGHTS,
	)
	factories.insert("Visit", who=relation)


def _code() -> None:
	factories.insert(
		"Notification",
		name="Campaign sold",
		document_type="Sales Invoice",
		event="Submit",
		channel="System Notification",
		subject="Sold",
		message="Sold",
		condition="doc.relation_campaign == 'Spring'",
		recipients=[{"receiver_by_role": "Relation Manager"}],
	)
	factories.insert(
		"Notification",
		name="Every sale",
		document_type="Sales Invoice",
		event="Submit",
		channel="System Notification",
		subject="Sold",
		message="Sold",
		recipients=[{"receiver_by_role": "Relation Manager"}],
	)
	factories.insert(
		"Notification",
		name="Campaign made",
		document_type="Relation Campaign",
		event="New",
		channel="System Notification",
		subject="Made",
		message="Made",
		recipients=[{"receiver_by_role": "System Manager"}],
	)
	factories.insert(
		"Server Script",
		name="Price of a campaign",
		script_type="DocType Event",
		reference_doctype="Sales Invoice",
		doctype_event="Before Save",
		script="doc.remarks = doc.relation_campaign.lower()",
	)
	factories.insert(
		"Client Script",
		name="Show campaign",
		dt="Sales Invoice",
		enabled=1,
		script="cur_frm.doc.relation_campaign",
	)
	factories.insert(
		"Client Script", name="Other script", dt="Sales Invoice", enabled=1, script="cur_frm.doc.customer"
	)
	factories.insert(
		"Assignment Rule",
		name="Complaints",
		document_type="Relation Interaction",
		description="Do",
		assign_condition="True",
		rule="Round Robin",
		users=[{"user": "Administrator"}],
		assignment_days=[{"day": "Monday"}],
	)
	factories.insert(
		"Webhook",
		name="Hook",
		webhook_doctype="Relation",
		webhook_docevent="on_update",
		request_url="http://127.0.0.1:9/",
		request_structure="JSON",
		webhook_json="{}",
		enabled=1,
	)


def _reports() -> None:
	for name, query in (
		("Sales by Campaign", "select name, relation_campaign from `tabSales Invoice`"),
		("Secret Sales", "select name, grand_total from `tabSales Invoice`"),
	):
		factories.insert(
			"Report",
			report_name=name,
			ref_doctype="Sales Invoice",
			report_type="Query Report",
			is_standard="No",
			module="Accounts",
			query=query,
			roles=[{"role": "Relation Manager"}],
		)
	factories.insert(
		"Auto Email Report",
		report="Campaign Statement",
		user="Administrator",
		email_to="a@example.com",
		frequency="Daily",
		format="CSV",
		enabled=1,
		filters=json.dumps({"company": frappe.db.get_value("Company", {})}),
	)


def _desk() -> None:
	chart = {"chart_type": "Count", "document_type": "Relation", "based_on": "creation", "timeseries": 1}
	chart |= {"time_interval": "Monthly", "timespan": "Last Year", "type": "Line", "filters_json": "[]"}
	factories.insert("Dashboard Chart", chart_name="New relations", is_public=1, **chart)
	factories.insert(
		"Dashboard", dashboard_name="Marketing", charts=[{"chart": "New relations"}], is_default=0
	)
	factories.insert(
		"Number Card",
		label="Campaigns",
		document_type="Relation Campaign",
		function="Count",
		filters_json="[]",
	)
	blocks = [
		{"id": "a", "type": "shortcut", "data": {"shortcut_name": "People", "col": 3}},
		{"id": "b", "type": "shortcut", "data": {"shortcut_name": "Bills", "col": 3}},
		{"id": "c", "type": "number_card", "data": {"number_card_name": "Campaigns", "col": 4}},
		{"id": "d", "type": "chart", "data": {"chart_name": "New relations", "col": 12}},
	]
	factories.insert(
		"Workspace",
		label="Team",
		title="Team",
		public=1,
		content=json.dumps(blocks),
		shortcuts=[
			{"type": "DocType", "link_to": "Relation", "label": "People"},
			{"type": "DocType", "link_to": "Sales Invoice", "label": "Bills"},
		],
		links=[
			{"type": "Card Break", "label": "Lists"},
			{"type": "Link", "label": "Statement", "link_type": "Report", "link_to": "Campaign Statement"},
		],
		charts=[{"chart_name": "New relations", "label": "New relations"}],
		number_cards=[{"number_card_name": "Campaigns", "label": "Campaigns"}],
	)
	factories.insert(
		"Kanban Board", kanban_board_name="States", reference_doctype="Relation Campaign", field_name="status"
	)
	factories.insert(
		"List Filter",
		filter_name="Spring",
		reference_doctype="Sales Invoice",
		filters=json.dumps([["Sales Invoice", "relation_campaign", "=", "Spring"]]),
	)


def _settings() -> None:
	factories.insert(
		"Property Setter",
		doctype_or_field="DocType",
		doc_type="Sales Invoice",
		property="search_fields",
		property_type="Data",
		value="customer, relation_campaign",
	)
	factories.insert("Custom DocPerm", parent="Brand", role="Relation Manager", permlevel=0, read=1)
	frappe.db.set_single_value("Accounts Settings", "credit_controller", "Relation Manager")
	settings = json.dumps({"List": {"filters": [["Sales Invoice", "relation_campaign", "=", "Spring"]]}})
	frappe.qb.into(frappe.qb.Table("__UserSettings")).columns("user", "doctype", "data").insert(
		"Administrator", "Sales Invoice", settings
	).run()
	frappe.enqueue("crm_relations.segments.members.jobs.refresh_daily", queue="long")


def state(made: str) -> dict:
	"""Return the state of the objects, on a site with or without the app."""
	names = json.loads(made)
	field = frappe.db.get_value(
		"Custom Field", "Customer-main_relation", ["fieldtype", "options", "read_only"], as_dict=True
	)
	workspace = frappe.get_doc("Workspace", "Team")
	return {
		"link": list(field.values()) if field else None,
		"value": frappe.db.get_value("Customer", names["customer"], "main_relation"),
		"fetched": frappe.db.get_value("Custom Field", "Customer-relation_title", "fetch_from"),
		"table": bool(frappe.db.exists("Custom Field", "Customer-campaign_users")),
		"visit": frappe.db.get_value("DocField", {"parent": "Visit", "fieldname": "who"}, "fieldtype"),
		"notifications": _switches("Notification", "enabled", "Campaign sold", "Every sale", "Campaign made"),
		"receiver": frappe.get_all(
			"Notification Recipient", {"parent": "Every sale"}, pluck="receiver_by_role", order_by="name asc"
		),
		"server_script": _switches("Server Script", "disabled", "Price of a campaign"),
		"client_scripts": _switches("Client Script", "enabled", "Show campaign", "Other script"),
		"assignment_rule": _switches("Assignment Rule", "disabled", "Complaints"),
		"webhooks": frappe.get_all("Webhook", pluck="enabled", order_by="name asc"),
		"reports": _switches("Report", "disabled", "Sales by Campaign", "Secret Sales"),
		"report_roles": frappe.get_all(
			"Has Role", {"parent": "Secret Sales", "parenttype": "Report"}, pluck="role", order_by="name asc"
		),
		"email_report": frappe.get_all(
			"Auto Email Report", {"report": "Campaign Statement"}, pluck="enabled", order_by="name asc"
		),
		"chart": bool(frappe.db.exists("Dashboard Chart", "New relations")),
		"dashboard": len(frappe.get_doc("Dashboard", "Marketing").charts),
		"card": bool(frappe.db.exists("Number Card", "Campaigns")),
		"shortcuts": [row.label for row in workspace.shortcuts],
		"links": [row.label for row in workspace.links],
		"blocks": [block["id"] for block in json.loads(workspace.content)],
		"kanban": bool(frappe.db.exists("Kanban Board", "States")),
		"list_filter": bool(frappe.db.exists("List Filter", {"filter_name": "Spring"})),
		"search_fields": frappe.db.get_value(
			"Property Setter", {"doc_type": "Sales Invoice", "property": "search_fields"}, "value"
		),
		"brand_rights": frappe.get_all(
			"Custom DocPerm", {"parent": "Brand"}, pluck="role", order_by="name asc"
		),
		"credit_controller": frappe.db.get_single_value("Accounts Settings", "credit_controller"),
		"user_settings": len(
			frappe.db.sql("select 1 from `__UserSettings` where `data` like '%relation_campaign%'")
		),
		"task": frappe.db.get_value("ToDo", names["task"], ["status", "reference_type"]),
		"own_task": frappe.db.get_value("ToDo", names["own_task"], ["status", "reference_type"]),
		"file": bool(frappe.db.exists("File", names["file"])),
		"queued": _queued(),
	}


def _switches(doctype: str, switch: str, *names: str) -> list:
	return [frappe.db.get_value(doctype, name, switch) for name in names]


def _queued() -> int:
	from frappe.utils.background_jobs import get_queues

	jobs = [job for queue in get_queues() for job in queue.get_jobs()]
	method = "crm_relations.segments.members.jobs.refresh_daily"
	return sum(
		job.kwargs.get("site") == frappe.local.site and job.kwargs.get("method") == method for job in jobs
	)


def save_forms(made: str) -> list[str]:
	"""Open and save a document of each doctype with such an object, and return the saved values."""
	names = json.loads(made)
	saved = []
	for doctype, name in (("Customer", names["customer"]), ("Visit", frappe.db.get_value("Visit", {}))):
		getdoc(doctype, name)
		frappe.get_doc(doctype, name).save()
		saved.append(doctype)
	lead = factories.lead()
	lead.reload()
	lead.save()
	frappe.db.commit()
	return [*saved, "Lead"]


def report_for_everybody(name: str) -> bool:
	"""Return whether a desk user without a special role may open the report."""
	frappe.set_user(factories.user(None, "Sales User", "Accounts User"))
	return bool(frappe.get_doc("Report", name).is_permitted())


def holdings() -> dict[str, str]:
	"""Return a digest of the rows of each of our doctypes, and of relation and campaign on ERPNext's documents.

	Columns without a field are left out: Frappe keeps the column of a deleted Custom Field until `bench trim-tables`,
	and a new install has none of them.
	"""
	import hashlib

	from crm_relations.setup.removal import archive
	from crm_relations.setup.removal.owned import own_columns

	found: dict[str, list] = {}
	for doctype in (*archive.archived_doctypes(tables=False), *archive.archived_doctypes(tables=True)):
		known = set(frappe.get_meta(doctype).get_valid_columns())
		rows = [
			frappe._dict({column: value for column, value in row.items() if column in known})
			for row in frappe.get_all(doctype, fields=["*"], order_by="name asc")
		]
		if doctype == "Relation Campaign":
			for row in rows:
				row.status = "Paused" if row.status == "Running" else row.status
		found[doctype] = rows
	for doctype, fieldname in own_columns():
		filters = {fieldname: ["is", "set"]}
		found[f"{doctype}.{fieldname}"] = frappe.get_all(
			doctype, filters, ["name", fieldname], order_by="name asc"
		)
	return {
		key: f"{len(rows)}-{hashlib.sha256(json.dumps(rows, default=str, sort_keys=True).encode()).hexdigest()[:12]}"
		for key, rows in found.items()
		if rows
	}


def object_to_mail(relation: str) -> bool:
	"""Record a relation's objection to email, and return whether email is still allowed."""
	from crm_relations.campaigns.consents import decisions

	address = f"{frappe.generate_hash(length=8)}@example.com"
	decisions.record(relation, address, "Email", "Withdrawn", source="By telephone")
	frappe.db.commit()
	return decisions.lookup(relation, address, "Email").allowed


FUNCTIONS = (build, state, save_forms, report_for_everybody, holdings, object_to_mail)
