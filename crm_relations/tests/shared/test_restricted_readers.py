"""Test what Frappe's requests other than lists show to a reader with partial permissions.

They are reports, charts, number cards, prints, neighbors, titles, tags, search, and reports that are stored
or sent by email.
"""

import json

import frappe
import pytest
from frappe import is_whitelisted
from frappe.core.doctype.prepared_report import prepared_report
from frappe.model.document import Document
from frappe.utils import global_search

from crm_relations.demo.company import COMPANY
from crm_relations.segments.members import membership
from crm_relations.tests.shared import test_user_permissions
from crm_relations.tests.shared.test_user_permissions import ABROAD, BY, HOME, ROLES, restricted, row
from crm_relations.tests.support import factories

pytestmark = pytest.mark.site

world, own_request = test_user_permissions.world, test_user_permissions.own_request

#: rows of these represent all doctypes that follow the relation; the list of the others is compared elsewhere
KINDS = ("Relation", "Relation Stage Log", "Relation Interaction", "Relation Consent")


def request(cmd: str, **arguments):
	"""Call a whitelisted function as a request does: by its path, through overrides, arguments as text."""
	sent = {
		key: value if isinstance(value, str) else frappe.as_json(value) for key, value in arguments.items()
	}
	frappe.local.form_dict = frappe._dict(cmd=cmd, **sent)
	frappe.local.response = frappe._dict(docs=[])
	method = frappe.get_attr(frappe.override_whitelisted_method(cmd))
	is_whitelisted(method)
	return frappe.call(method, **frappe.local.form_dict)


def shown(*answers) -> str:
	"""Return everything that an answer reveals, including the response."""
	return frappe.as_json([*answers, frappe.local.response])


TAG = "Messe"


@pytest.fixture
def rows(world):
	"""Return (name of a readable row, name of a hidden row) by doctype; all of them have a tag."""
	found = {"Relation": (world.mine.relation, world.other.relation)}
	found |= {name: tuple(row(name, one) for one in world.relations) for name in KINDS[1:]}
	for doctype, names in found.items():
		for name in names:
			frappe.db.set_value(doctype, name, "_user_tags", f",{TAG}", update_modified=False)
			tag = {"doctype": "Tag Link", "document_type": doctype, "document_name": name, "tag": TAG}
			frappe.get_doc({**tag, "title": name, "name": frappe.generate_hash(length=10)}).db_insert()
	return found


def reader(world, by: str) -> str:
	if by != "Relation":
		return restricted(world, by)
	user = factories.user(None, *ROLES)
	frappe.permissions.add_user_permission("Relation", world.mine.relation, user, ignore_permissions=True)
	return user


def listing(doctype: str, mine: str, other: str) -> dict[str, dict]:
	"""Return requests that answer with rows, as the desk sends them: path → arguments."""
	names, field = [[doctype, "name", "in", [mine, other]]], f"`tab{doctype}`.`name`"
	grouped = {"group_by": field, "aggregate_function": "count", "aggregate_on_doctype": doctype}
	view = {"doctype": doctype, "fields": [field], "filters": names}
	dates = {"start": "2020-01-01", "end": "2100-01-01"}
	columns = {"start": "creation", "end": "modified", "id": "name", "title": "name"}
	return {
		"frappe.desk.reportview.get": view,
		"frappe.desk.reportview.get ": {**view, **grouped, "aggregate_on_field": "name", "view": "Report"},
		"frappe.desk.reportview.get_list": view,
		"frappe.client.get_list": {"doctype": doctype, "filters": names},
		"frappe.desk.listview.get_group_by_count": {
			"doctype": doctype,
			"current_filters": names,
			"field": "name",
		},
		"frappe.desk.search.search_widget": {"doctype": doctype, "txt": "", "filters": names},
		"frappe.desk.calendar.get_events": {
			"doctype": doctype,
			"filters": names,
			"field_map": columns,
			**dates,
		},
		"frappe.desk.doctype.tag.tag.get_tagged_docs": {"doctype": doctype, "tag": f"%{TAG}%"},
		"frappe.desk.doctype.tag.tag.get_documents_for_tag": {"tag": f"#{TAG}"},
		"frappe.client.get_list ": {
			"doctype": "Tag Link",
			"filters": {"tag": TAG},
			"fields": ["document_name"],
			"limit_page_length": 0,
		},
	}


def single(doctype: str, name: str) -> dict[str, dict]:
	"""Return requests for one document: path → arguments."""
	told = {"reference_doctype": doctype, "reference_name": name, "content": "x"}
	return {
		"frappe.client.get": {"doctype": doctype, "name": name},
		"frappe.desk.form.load.getdoc": {"doctype": doctype, "name": name},
		"frappe.desk.form.load.get_docinfo": {"doctype": doctype, "name": name},
		"frappe.desk.form.linked_with.get": {"doctype": doctype, "docname": name},
		"frappe.www.printview.get_html_and_style": {"doc": doctype, "name": name},
		"frappe.utils.print_format.download_pdf": {"doctype": doctype, "name": name},
		"frappe.desk.form.utils.add_comment": {
			**told,
			"comment_email": "x@example.com",
			"comment_by": "x",
		},
		"frappe.desk.form.assign_to.add": {
			"doctype": doctype,
			"name": name,
			"assign_to": ["Administrator"],
		},
		"frappe.desk.form.load.get_communications": {"doctype": doctype, "name": name},
		"frappe.client.attach_file": {
			"doctype": doctype,
			"docname": name,
			"filename": "x.txt",
			"filedata": "x",
		},
		"frappe.share.add": {"doctype": doctype, "name": name, "user": "Administrator"},
	}


def chart(doctype: str, chart_type: str, **values) -> dict:
	return {
		"name": factories.unique("Bild"),
		"document_type": doctype,
		"chart_type": chart_type,
		"group_by_type": "Count",
		"based_on": "creation",
		"timespan": "Last Year",
		"time_interval": "Yearly",
		"type": "Bar",
		"filters_json": "[]",
		**values,
	}


def drawn(**arguments) -> dict:
	return request("frappe.desk.doctype.dashboard_chart.dashboard_chart.get", **arguments)


def sum_of(picture: dict | None) -> float:
	if not picture:
		return 0
	points = list((picture.get("dataPoints") or {}).values())
	return sum(points + [value for part in picture.get("datasets", ()) for value in part["values"]])


@pytest.mark.parametrize("by", [*BY, "Relation"])
def test_no_request_of_the_desk_gives_a_hidden_row(world, rows, by):
	secrets = [frappe.db.get_value("Relation", world.other.relation, "relation_name")]
	user = reader(world, by)
	for doctype, name in ((doctype, name) for doctype, names in rows.items() for name in names):
		task = {"doctype": "ToDo", "allocated_to": user, "status": "Open", "reference_type": doctype}
		frappe.get_doc({**task, "reference_name": name, "name": frappe.generate_hash(length=10)}).db_insert()
	frappe.set_user(user)
	leaks = []
	for doctype, (mine, other) in rows.items():
		names = [[doctype, "name", "in", [mine, other]]]
		for call, arguments in listing(doctype, mine, other).items():
			told = shown(request(call.strip(), **arguments))
			if mine not in told:
				leaks.append(f"{call} of {doctype} gives nothing")
			if any(secret in told for secret in [other, *secrets]):
				leaks.append(f"{call} of {doctype}")
		counts = {
			"reportview.get_count": request(
				"frappe.desk.reportview.get_count",
				doctype=doctype,
				filters=names,
				fields="[]",
				distinct="false",
			),
			"client.get_count": request("frappe.client.get_count", doctype=doctype, filters=names),
			"sidebar_stats": dict(
				request(
					"frappe.desk.reportview.get_sidebar_stats",
					stats=["_user_tags"],
					doctype=doctype,
					filters=names,
				)["stats"]["_user_tags"]
			)[TAG],
			"number_card": request(
				"frappe.desk.doctype.number_card.number_card.get_result",
				doc={"document_type": doctype, "function": "Count"},
				filters=names,
			),
			"group_by_count": sum(
				row["count"]
				for row in request(
					"frappe.desk.listview.get_group_by_count",
					doctype=doctype,
					current_filters=names,
					field="assigned_to",
				)
			),
			"chart": sum_of(drawn(chart=chart(doctype, "Count"), filters=names)),
			"grouped chart": sum_of(
				drawn(chart=chart(doctype, "Group By", group_by_based_on="owner"), filters=names)
			),
			"heat map": sum_of(drawn(chart=chart(doctype, "Count", type="Heatmap"), filters=names)),
		}
		leaks += [f"{call} of {doctype} counts {number}" for call, number in counts.items() if number != 1]
		for call, arguments in single(doctype, other).items():
			try:
				told = request(call, **arguments)
			except frappe.PermissionError:
				continue
			leaks.append(f"{call} of {doctype}: {told}")
		before, prev = (mine, "0") if mine < other else (mine, "1")
		told = request(
			"frappe.desk.form.utils.get_next",
			doctype=doctype,
			value=before,
			prev=prev,
			filters=names,
			sort_order="asc",
			sort_field="name",
		)
		if told == other:
			leaks.append(f"get_next of {doctype}")
		title = request("frappe.desk.search.get_link_title", doctype=doctype, docname=other)
		if title not in (None, "", other):
			leaks.append(f"get_link_title of {doctype}: {title}")
		told = request("frappe.client.validate_link", doctype=doctype, docname=other, fields=["owner"])
		if told and told.get("owner"):
			leaks.append(f"validate_link of {doctype}: {told}")
	assert not leaks, "\n".join(leaks)


def test_a_saved_chart_is_drawn_for_each_reader_and_not_kept_for_the_next(world):
	saved = frappe.get_doc(
		{
			"doctype": "Dashboard Chart",
			**chart("Relation", "Group By", group_by_based_on="city"),
			"chart_name": factories.unique("Orte"),
			"is_public": 1,
			"filters_json": json.dumps([["Relation", "city", "=", world.city]]),
		}
	).insert()
	assert sum_of(drawn(chart_name=saved.name)) == 2
	frappe.set_user(restricted(world, "Territory"))
	assert sum_of(drawn(chart_name=saved.name)) == 1
	frappe.set_user("Administrator")
	assert sum_of(drawn(chart_name=saved.name)) == 2


@pytest.mark.parametrize(
	"values",
	[
		{"chart_type": "Group By", "group_by_based_on": "income_group"},
		{"chart_type": "Count", "filters_json": '[["Relation", "income_group", "=", "High"]]'},
		{"chart_type": "Sum", "value_based_on": "income_group"},
		{"chart_type": "Sum", "value_based_on": "income_group", "type": "Heatmap"},
	],
)
def test_a_saved_chart_shows_no_field_that_its_reader_may_not_read(values):
	doc = chart("Relation", values["chart_type"]) | values
	saved = frappe.get_doc({"doctype": "Dashboard Chart", **doc, "chart_name": factories.unique("Bild")})
	saved.flags.ignore_mandatory = True
	saved.insert(ignore_links=True)
	frappe.set_user(factories.user(None, "Relation User", "Sales User"))
	with pytest.raises(frappe.PermissionError):
		drawn(chart_name=saved.name)


HIGH = [["Relation", "income_group", "=", "High"]]


@pytest.mark.parametrize(
	("call", "arguments"),
	[
		("frappe.desk.listview.get_group_by_count", {"current_filters": [], "field": "income_group"}),
		("frappe.desk.listview.get_group_by_count", {"current_filters": HIGH, "field": "assigned_to"}),
		("frappe.desk.reportview.get_sidebar_stats", {"stats": ["income_group"]}),
		("frappe.desk.reportview.get", {"fields": ["greatest(`tabRelation`.`name`, `tabRelation`.`income_group`) as x"]}),
		("frappe.desk.reportview.get", {"fields": ["`tabRelation`.`name`"], "order_by": "`tabRelation`.`income_group` desc"}),
		("frappe.client.get_list", {"fields": ["name", "sum(income_group) as x"]}),
		("frappe.desk.form.utils.get_next", {"value": "", "prev": 0, "sort_field": "income_group"}),
		("frappe.desk.doctype.number_card.number_card.get_result", {"doc": {"document_type": "Relation", "function": "Count"}, "filters": HIGH}),
	],
)  # fmt: skip
def test_no_request_of_the_desk_counts_or_sorts_by_a_field_that_the_user_may_not_read(call, arguments):
	name = factories.relation().name
	frappe.set_user(factories.user(None, "Relation User", "Sales User"))
	with pytest.raises((frappe.PermissionError, frappe.ValidationError)):
		request(
			call, **{"doctype": "Relation", **arguments, **({"value": name} if "value" in arguments else {})}
		)


def test_the_title_of_a_hidden_relation_is_not_given_beside_a_readable_lead(world):
	hidden = frappe.db.get_value("Relation", world.other.relation, "relation_name")
	frappe.db.set_value("Lead", world.other.lead, {"relation": world.other.relation, "country": None})
	frappe.set_user(restricted(world, "Country"))
	request("frappe.desk.form.load.getdoc", doctype="Lead", name=world.other.lead)
	(doc,) = frappe.local.response.docs
	assert doc.name == world.other.lead
	assert hidden not in shown()


def test_the_search_in_everything_gives_no_hidden_relation(world, monkeypatch):
	word = f"Suchwort{frappe.generate_hash(length=6)}"
	found = [frappe._dict(doctype="Relation", name=one, content=word, rank=1.0) for one in world.relations]
	found.append(frappe._dict(doctype="Item", name="x", content=word, rank=1.0))
	monkeypatch.setattr(global_search, "search", lambda *_args, **_kwargs: list(found))
	frappe.set_user(restricted(world, "Territory"))
	answer = request("frappe.utils.global_search.search", text=word)
	assert [row.name for row in answer] == [world.mine.relation, "x"]


# ── reports ────────────────────────────────────────────────────────────────────────────────────

BOOKS = (
	"Campaign Comparison",
	"Campaign Statement",
	"Quote to Cash",
	"Receivables by Campaign and Segment",
)
OF_ROLES = ("Accounts User", "Sales Manager", "Relation Manager", "Report Manager", "Prepared Report User")


def run_report(name: str, **filters) -> dict:
	return request("frappe.desk.query_report.run", report_name=name, filters={"company": COMPANY, **filters})


def books_reader(doctype: str, name: str, *roles: str, **values) -> str:
	user = factories.user(None, *(roles or OF_ROLES))
	frappe.permissions.add_user_permission(doctype, name, user, ignore_permissions=True, **values)
	return user


def test_reports_of_the_books_open_to_readers_of_the_whole_company_only(world):
	readers = {
		"Company": books_reader("Company", COMPANY),
		"other company": books_reader("Company", world.companies[0]),
		"Territory": books_reader("Territory", HOME),
		"Customer": books_reader("Customer", world.mine.customer),
		"orders": books_reader("Customer", world.mine.customer, applicable_for="Sales Order"),
	}
	for key, user in readers.items():
		frappe.set_user(user)
		for report in BOOKS:
			allowed = key == "Company" or (key == "orders" and report != "Quote to Cash")
			exported = {"report_name": report, "filters": {"company": COMPANY}, "file_format_type": "CSV"}
			exported["visible_idx"] = []
			for call in (
				lambda report=report: run_report(report),
				lambda exported=exported: request("frappe.desk.query_report.export_query", **exported),
			):
				try:
					call()
				except frappe.PermissionError:
					assert not allowed, (key, report)
				else:
					assert allowed, (key, report)


def test_sums_over_the_members_of_a_segment_are_for_readers_of_all_relations():
	segment = factories.segment().name
	everything = factories.user(None, *OF_ROLES)
	part = books_reader("Country", "Germany")
	for report in ("Campaign Comparison", "Campaign Statement", "Receivables by Campaign and Segment"):
		frappe.set_user(everything)
		run_report(report, members_of=segment)
		frappe.set_user(part)
		run_report(report)
		with pytest.raises(frappe.PermissionError):
			run_report(report, members_of=segment)


@pytest.mark.parametrize("by", BY)
def test_incomplete_customers_are_those_that_the_reader_may_read(world, by):
	for one in world.relations:
		frappe.db.set_value("Relation", one, {"stage": "Customer", "completeness": 1})
	segment = factories.segment(pins=[{"relation": one, "pin": "Always In"} for one in world.relations]).name
	membership.add_members(segment, world.relations)
	frappe.set_user(restricted(world, by))
	company_read = world.companies[0] if by == "Company" else COMPANY
	told = shown(run_report("Incomplete Customers", company=company_read, segment=segment))
	assert world.mine.relation in told and world.other.relation not in told


def test_an_attribution_of_a_hidden_invoice_is_not_given(world):
	campaign = factories.campaign(company=COMPANY).name
	names = []
	for territory in (HOME, ABROAD):
		invoice = factories.invoice(world.mine.customer, [(factories.item().name, 1, 100)], submit=False)
		frappe.db.set_value("Sales Invoice", invoice.name, "territory", territory)
		doc = frappe.new_doc("Relation Attribution").update(
			{
				"name": frappe.generate_hash(length=10),
				"campaign": campaign,
				"relation": world.mine.relation,
				"company": COMPANY,
				"voucher_type": "Sales Invoice",
				"voucher_no": invoice.name,
				"amount": 100,
			}
		)
		doc.db_insert()
		names.append(doc.name)
	frappe.set_user(books_reader("Territory", HOME))
	card = {
		"document_type": "Relation Attribution",
		"function": "Sum",
		"aggregate_function_based_on": "amount",
	}
	filters = [["Relation Attribution", "name", "in", names]]
	get_result = "frappe.desk.doctype.number_card.number_card.get_result"
	assert request(get_result, doc=card, filters=filters) == 100
	assert [frappe.has_permission("Relation Attribution", "read", doc=name) for name in names] == [
		True,
		False,
	]


def test_addresses_beside_any_relation_are_for_readers_of_all_relations(world):
	name = factories.insert(
		"Relation Mail Address", address_key=f"{frappe.generate_hash(length=8)}@x.example"
	).name
	for user, may in ((factories.user(None, *ROLES), True), (restricted(world, "Territory"), False)):
		frappe.set_user(user)
		assert bool(frappe.get_list("Relation Mail Address", {"name": name})) is may
		assert frappe.has_permission("Relation Mail Address", "read", doc=name) is may


def stored_report(owner: str, report: str = "Campaign Statement") -> str:
	frappe.set_user(owner)
	stored = frappe.get_doc(
		{
			"doctype": "Prepared Report",
			"report_name": report,
			"filters": prepared_report.process_filters_for_prepared_report({"company": COMPANY}),
		}
	)
	stored.flags.ignore_permissions = True
	stored.name = stored.owner = None
	stored.insert()
	stored.db_set("status", "Completed")
	columns = [{"fieldname": "campaign", "label": "Campaign", "fieldtype": "Data"}]
	content = {"columns": columns, "result": [{"campaign": "GEHEIM"}]}
	prepared_report.create_json_gz_file(content, "Prepared Report", stored.name, report)
	return stored.name


def test_a_stored_result_of_a_report_is_for_the_user_who_made_it(world):
	owner = books_reader("Company", COMPANY)
	stored = stored_report(owner)
	frappe.db.set_value("Report", "Campaign Statement", "prepared_report", 1)
	for user, may in (
		(owner, True),
		(books_reader("Company", world.companies[0], *OF_ROLES, "System Manager"), False),
	):
		frappe.set_user(user)
		listed = request("frappe.client.get_list", doctype="Prepared Report", filters={"name": stored})
		assert bool(listed) is may
		for asked in (
			{"filters": {"prepared_report_name": stored}},
			{"filters": {"company": COMPANY}, "user": owner},
		):
			told = shown(request("frappe.desk.query_report.run", report_name="Campaign Statement", **asked))
			assert ("GEHEIM" in told) is may
		file = frappe.get_doc("File", {"attached_to_name": stored})
		assert bool(file.has_permission("read")) is may
		download = "frappe.core.doctype.prepared_report.prepared_report.download_attachment"
		if may:
			request(download, dn=stored)
		else:
			with pytest.raises(frappe.ValidationError):
				request(download, dn=stored)


def mailed_report(user: str, report: str = "Campaign Statement", **values) -> Document:
	doc = {
		"doctype": "Auto Email Report",
		"report": report,
		"report_type": "Script Report",
		"user": user,
		"email_to": "leser@example.com",
		"format": "HTML",
		"frequency": "Daily",
		"filters": json.dumps({"company": COMPANY}),
		**values,
	}
	return frappe.get_doc(doc).insert()


def test_a_mailed_report_holds_what_its_user_may_read_also_from_the_scheduler(world):
	whole = books_reader("Company", COMPANY)
	part = books_reader("Company", world.companies[0])
	reports = {}
	for user in (whole, part):
		frappe.set_user(user)
		reports[user] = mailed_report(user).name
	for user in (part, "Administrator"):
		frappe.set_user(user)
		doc = frappe.get_doc("Auto Email Report", reports[part])
		if user == part:
			with pytest.raises(frappe.PermissionError):
				doc.get_report_content()
		else:
			assert doc.get_report_content() is None
		assert frappe.session.user == user
	assert "Difference" in frappe.get_doc("Auto Email Report", reports[whole]).get_report_content()


def test_nobody_mails_a_report_with_the_rights_of_another(world):
	frappe.set_user(books_reader("Company", world.companies[0]))
	with pytest.raises(frappe.PermissionError, match="choose yourself"):
		mailed_report("Administrator")
	frappe.set_user("Administrator")
	name = mailed_report("Administrator").name
	frappe.set_user(books_reader("Company", world.companies[0]))
	for call in ("download", "send_now"):
		with pytest.raises(frappe.PermissionError):
			request(f"frappe.email.doctype.auto_email_report.auto_email_report.{call}", name=name)


def test_a_mailed_list_of_relations_gives_no_field_that_its_user_may_not_read(world):
	frappe.db.set_value("Relation", world.mine.relation, "income_group", "GEHEIM")
	columns = [["name", "Relation"], ["income_group", "Relation"]]
	report = frappe.get_doc(
		{
			"doctype": "Report",
			"report_name": factories.unique("Liste"),
			"ref_doctype": "Relation",
			"report_type": "Report Builder",
			"is_standard": "No",
			"json": json.dumps({"fields": columns, "filters": [["Relation", "city", "=", world.city]]}),
		}
	).insert()
	user = restricted(world, "Territory", "Relation User", "Report Manager")
	frappe.set_user(user)
	name = mailed_report(user, report.name, report_type="Report Builder", filters="{}").name
	frappe.set_user("Administrator")
	told = frappe.get_doc("Auto Email Report", name).get_report_content()
	assert world.mine.relation in told
	assert world.other.relation not in told and "GEHEIM" not in told


def test_exports_messages_and_linked_documents_hold_what_the_reader_may_read(world):
	log = {"reference_doctype": "Relation", "subject": "x", "content": "x", "communication_medium": "Phone"}
	messages = {"Communication": [], "Comment": []}
	for doctype, names in messages.items():
		for relation in world.relations:
			doc = frappe.new_doc(doctype).update({**log, "reference_name": relation})
			doc.name = frappe.generate_hash(length=10)
			doc.db_insert()
			names.append(doc.name)
	frappe.db.set_value("Relation", world.mine.relation, "territory", ABROAD)
	frappe.db.set_value("Relation", world.other.relation, "territory", ABROAD)
	frappe.set_user(restricted(world, "Customer", *ROLES, "Inbox User", "Website Manager"))
	for doctype, (mine, other) in messages.items():
		listed = request("frappe.client.get_list", doctype=doctype, filters={"name": ["in", [mine, other]]})
		assert [row.name for row in listed] == [mine], doctype
	linked = request("frappe.desk.form.linked_with.get", doctype="Territory", docname=ABROAD)
	names = {row.name for row in linked["Relation"]}
	assert world.mine.relation in names and world.other.relation not in names
	request(
		"frappe.desk.reportview.export_query",
		doctype="Relation",
		fields=["`tabRelation`.`name`"],
		filters=[["Relation", "city", "=", world.city]],
		file_format_type="CSV",
		title="Relation",
	)
	exported = frappe.safe_decode(frappe.local.response.filecontent)
	assert world.mine.relation in exported and world.other.relation not in exported
