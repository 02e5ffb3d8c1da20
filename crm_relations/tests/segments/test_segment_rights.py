"""Test that no count, sample, list of members or export shows readers of segments what they may not see."""

import csv
import io

import frappe
import pytest

from crm_relations.relations import permissions
from crm_relations.segments import api, queries
from crm_relations.segments.members import membership
from crm_relations.tests.support import factories

pytestmark = pytest.mark.site


@pytest.fixture
def two():
	"""Create a refreshed segment with a German and a French member; the tests' users may see Germany only."""
	city = factories.unique("Stadt")
	german = factories.relation(city=city, country="Germany", annual_revenue=1000)
	french = factories.relation(city=city, country="France")
	doc = factories.insert(
		"Relation Segment",
		segment_name=factories.unique("Segment"),
		kind="Dynamic",
		rule={"version": 1, "all": [{"field": "city", "operator": "=", "value": city}]},
	)
	membership.refresh(doc.name)
	return doc.name, german.name, french.name


def reader(*roles: str) -> str:
	user = factories.user(None, *roles)
	frappe.permissions.add_user_permission("Country", "Germany", user, ignore_permissions=True)
	return user


def test_counts_are_of_those_whom_the_reader_may_read(two):
	segment, _german, _french = two
	assert api.counts([segment]) == {segment: 2}
	assert api.standing(segment)["all"]
	frappe.set_user(reader("Relation Manager"))
	assert api.counts(frappe.as_json([segment])) == {segment: 1}
	standing = api.standing(segment)
	assert (standing["members"], standing["all"]) == (1, False)
	assert api.preview(frappe.get_doc("Relation Segment", segment).rule)["count"] == 1
	assert len(api.members(segment)) == 1


def test_no_form_and_no_list_gives_the_stored_count(two):
	segment, _german, _french = two
	for roles in (("Relation Manager",), ("Relation User",), ("Sales User",)):
		frappe.set_user(reader(*roles))
		doc = frappe.get_doc("Relation Segment", segment)
		doc.apply_fieldlevel_read_permissions()
		assert not doc.get("member_count")
		row = frappe.get_list("Relation Segment", filters={"name": segment}, fields=["name", "member_count"])[
			0
		]
		assert not row.get("member_count")
		frappe.set_user("Administrator")


def test_a_refresh_tells_only_of_those_whom_the_reader_may_read(two):
	segment, _german, _french = two
	frappe.db.delete(membership.MEMBER, {"segment": segment})
	frappe.set_user(reader("Relation Manager"))
	answer = queries.seen_of(membership.refresh(segment))
	assert (answer["entered"], answer["left"], answer["members"]) == (1, 0, 1)
	frappe.set_user("Administrator")
	assert api.counts([segment]) == {segment: 2}


def test_lists_of_members_are_narrowed_like_relations(two):
	segment, german, french = two
	rows = {
		row.relation: row.name
		for row in frappe.get_all(membership.MEMBER, {"segment": segment}, ["name", "relation"])
	}
	frappe.set_user(reader("Relation User"))
	assert frappe.get_list(membership.MEMBER, filters={"segment": segment}, pluck="relation") == [german]
	assert frappe.has_permission(membership.MEMBER, "read", doc=rows[german])
	assert not frappe.has_permission(membership.MEMBER, "read", doc=rows[french])


def test_who_has_no_role_for_relations_counts_those_shared_with_him(two):
	segment, german, _french = two
	user = factories.user(None, "Projects User")
	assert permissions.NOTHING in permissions.condition(user, "Relation Segment Member")
	frappe.share.add("Relation", german, user)
	frappe.set_user(user)
	assert queries.counts([segment]) == {segment: 1}
	assert not permissions.sees_all()


def test_an_export_holds_what_the_reader_may_read_and_is_logged(two):
	segment, _german, _french = two
	frappe.set_user(reader("Relation Manager"))
	answer = api.export_members(segment)
	frappe.set_user("Administrator")
	log = frappe.get_last_doc("Relation Export")
	assert (answer["rows"], log.rows, log.file_url) == (1, 1, answer["file_url"])
	assert segment in log.filters
	rows = list(csv.DictReader(io.StringIO(content(answer["file_url"])), delimiter=";"))

	assert len(rows) == 1
	assert "Member since" in rows[0]


def test_an_export_has_figures_only_for_who_may_read_invoices(two):
	segment, _german, _french = two
	frappe.set_user(factories.user(None, "Relation Manager", "Accounts User"))
	with_amounts = content(api.export_members(segment)["file_url"])
	frappe.set_user(factories.user(None, "Relation Manager"))
	without = content(api.export_members(segment)["file_url"])
	frappe.set_user("Administrator")
	assert "Outstanding Amount" in with_amounts.splitlines()[0]
	assert "Outstanding Amount" not in without.splitlines()[0]


def test_who_may_not_read_relations_exports_none(two):
	segment, _german, _french = two
	frappe.set_user(factories.user(None, "Projects User"))
	with pytest.raises(frappe.PermissionError):
		api.export_members(segment)


def test_what_a_version_of_the_rule_said_can_be_read_later(two):
	segment, _german, _french = two
	doc = frappe.get_doc("Relation Segment", segment)
	doc.rule = {"version": 1, "all": [{"field": "country", "operator": "=", "value": "Germany"}]}
	doc.save()
	versions = api.rule_versions(segment)
	assert [row["version"] for row in versions] == [2, 1]
	assert "Germany" in versions[0]["words"]
	stored = frappe.get_last_doc("Relation Segment Rule", {"segment": segment, "version": 2})
	stored.db_set("rule", stored.rule.replace('"country"', '"gone"'))
	assert "Germany" in api.rule_versions(segment)[0]["words"]
	doc.delete()
	assert not frappe.db.exists("Relation Segment Rule", {"segment": segment})


def content(url: str) -> str:
	return frappe.get_doc("File", {"file_url": url}).get_content()
