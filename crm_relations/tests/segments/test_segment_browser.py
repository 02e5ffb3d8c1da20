"""Test the builder of segments as a user works with it: by mouse, by keyboard and with wrong inputs."""

import json
from collections.abc import Iterator

import frappe
import pytest
from frappe.utils import add_days, nowdate

from crm_relations.relations.identities import identity
from crm_relations.segments.members import membership
from crm_relations.tests.support import factories
from crm_relations.tests.support.machine.browser import MARKS, administrators_page  # noqa: F401
from crm_relations.tests.support.machine.servers import wait_for, worker

pytestmark = MARKS


class Market:
	"""Three organizations of one town, two of them in banking, one of which has bought; committed."""

	def __init__(self) -> None:
		self.town = factories.unique("Stadt")
		self.before = set(frappe.get_all("Relation Segment", pluck="name", order_by="name asc"))
		self.customer = factories.customer().name
		item = factories.item()
		self.invoice = factories.invoice(
			self.customer, [(item.name, 2, 50)], posting_date=add_days(nowdate(), -10)
		)
		self.buyer = identity.relation_of("Customer", self.customer)
		values = {"city": self.town, "industry": "Banking"}
		frappe.db.set_value("Relation", self.buyer, values)
		self.other = factories.relation(**values).name
		self.third = factories.relation(city=self.town, industry="Software").name
		frappe.db.commit()

	def segment(self, *conditions: dict, **values) -> str:
		"""Save a segment with a condition on the town, followed by `conditions`."""
		name = factories.unique("Auswahl")
		town = {"field": "city", "operator": "=", "value": self.town}
		rule = frappe.as_json({"version": 1, "all": [town, *conditions]})
		factories.segment(name, **{"kind": "Dynamic", "rule": rule, **values})
		frappe.db.commit()
		return name

	def remove(self) -> None:
		frappe.db.rollback()
		for segment in frappe.get_all("Relation Segment", pluck="name", order_by="name asc"):
			if segment not in self.before:
				frappe.delete_doc("Relation Segment", segment, force=True, ignore_permissions=True)
		invoice = frappe.get_doc("Sales Invoice", self.invoice.name)
		if invoice.docstatus == 1:
			invoice.cancel()
		for relation in (self.other, self.third):
			frappe.delete_doc("Relation", relation, force=True, ignore_permissions=True)
		frappe.db.commit()


@pytest.fixture
def market() -> Iterator[Market]:
	story = Market()
	yield story
	story.remove()


def open_segment(page, segment: str) -> None:
	page.goto(f"/app/relation-segment/{segment}")
	page.wait_for_selector(".rs-count", timeout=60_000)


def rule_of(page) -> list:
	"""Return the children of the rule as the form would save it."""
	return json.loads(page.evaluate("JSON.stringify(cur_frm.segment_builder.data())"))["all"]


def wait_for_count(page, count: int) -> None:
	page.wait_for_function(
		"""count => document.querySelector('.rs-count')?.textContent === count
			&& !document.querySelector('.rs-waiting')""",
		arg=str(count),
		timeout=30_000,
	)


def choose(page, text: str) -> None:
	"""Type into the open list of fields, and choose the first."""
	page.keyboard.type(text)
	page.wait_for_selector(".rs-options [aria-selected=true]")
	page.keyboard.press("Enter")


def save(page) -> None:
	page.click(".page-head:visible .primary-action")
	page.wait_for_function("!cur_frm.is_dirty() && !cur_frm.is_new()", timeout=30_000)


def drag(page, handle, target) -> None:
	start, end = handle.bounding_box(), target.bounding_box()
	x, y = start["x"] + start["width"] / 2, start["y"] + start["height"] / 2
	page.mouse.move(x, y)
	page.mouse.down()
	for i in range(1, 13):
		page.mouse.move(x + 2 * i, y + (end["y"] + end["height"] - 3 - y) * i / 12)
		page.wait_for_timeout(30)
	page.mouse.up()


def test_an_event_is_asked_for_by_mouse_counted_saved_and_explained(page, market):
	segment = market.segment()
	open_segment(page, segment)
	wait_for_count(page, 3)
	assert page.evaluate("cur_frm.is_dirty()") in (False, 0, None)
	page.click(".rs-foot >> nth=-1 >> .rs-add")
	page.wait_for_selector(".rs-fault", timeout=30_000)
	assert page.inner_text(".rs-fault .rs-fault-text").strip()
	page.click(".rs-options [data-key=bought]")
	wait_for_count(page, 1)
	page.click(".rs-add-period")
	page.fill(".rs-where .rs-number", "5")
	wait_for_count(page, 0)
	page.fill(".rs-where .rs-number", "30")
	wait_for_count(page, 1)
	page.select_option(".rs-measure", "measure amount")
	page.fill(".rs-amount .rs-number", "1000")
	wait_for_count(page, 0)
	page.select_option(".rs-measure", "never")
	wait_for_count(page, 2)
	page.select_option(".rs-measure", "once")
	wait_for_count(page, 1)
	assert rule_of(page)[1] == {
		"event": "bought",
		"where": [{"field": "date", "operator": "last days", "value": 30}],
		"measure": "count",
		"operator": ">=",
		"value": 1,
	}
	save(page)
	with worker():
		page.click("button:has-text('Refresh now'):visible")
		wait_for(lambda: members(segment) == {market.buyer}, 150, "the refresh")
	page.wait_for_selector(".rs-standing:has-text('1 member ')", timeout=60_000)
	wait_for_count(page, 1)
	page.click("button:has-text('Why is'):visible")
	page.fill(".modal.show input[data-fieldname=relation]", market.customer)
	page.click(f".modal.show .awesomplete [role=option]:has-text('{market.customer}') >> nth=0")
	page.wait_for_selector(f".modal.show a:has-text('{market.invoice.name}')", timeout=30_000)
	assert not page.errors


def members(segment: str) -> set[str]:
	frappe.db.rollback()
	return set(membership.current(segment).run(pluck=True))


def test_an_event_is_asked_for_by_keyboard_alone(page, market):
	open_segment(page, market.segment())
	page.focus(".rs-foot >> nth=-1 >> .rs-add")
	page.keyboard.press("Enter")
	choose(page, "bought")
	page.wait_for_function("document.activeElement.classList.contains('rs-measure')")
	wait_for_count(page, 1)
	page.focus(".rs-where .rs-add-period")
	page.keyboard.press("Enter")
	page.wait_for_function("document.activeElement.classList.contains('rs-number')")
	page.keyboard.press("Control+a")
	page.keyboard.type("5")
	wait_for_count(page, 0)
	# the event moves above the town, into a separate group, and out again
	page.focus(".rs-event .rs-handle >> nth=0")
	page.keyboard.press("Alt+ArrowUp")
	assert [next(iter(node)) for node in rule_of(page)] == ["event", "field"]
	page.keyboard.press("Alt+ArrowRight")
	assert [next(iter(node)) for node in rule_of(page)] == ["any", "field"]
	page.keyboard.press("Alt+ArrowLeft")
	assert [next(iter(node)) for node in rule_of(page)] == ["event", "field"]
	assert page.evaluate("document.activeElement.closest('.rs-event') !== null")
	assert "Condition 1 of 2" in page.inner_text(".rs-live")
	save(page)
	assert not page.errors


def test_a_condition_is_dragged_into_another_group_and_doubled(page, market):
	banking, software = (
		{"field": "industry", "operator": "=", "value": industry} for industry in ("Banking", "Software")
	)
	open_segment(page, market.segment(banking, {"any": [software]}))
	wait_for_count(page, 0)
	drag(
		page,
		page.locator("[data-path='all[1]'] .rs-handle").first,
		page.locator("[data-path='all[2].any[0]']"),
	)
	page.wait_for_function("cur_frm.segment_builder.data().all.length === 2")
	assert rule_of(page)[1] == {"any": [software, banking]}
	wait_for_count(page, 3)
	page.click("[data-path='all[1].any[0]'] .rs-menu > button")
	page.click(".rs-menu .dropdown-menu.show button:has-text('Duplicate')")
	assert rule_of(page)[1] == {"any": [software, software, banking]}
	page.click("[data-path='all[1].any[0]'] .rs-row > .rs-remove")
	page.click("[data-path='all[1].any[0]'] .rs-row > .rs-remove")
	page.click("[data-path='all[1].any[0]'] .rs-row > .rs-remove")
	assert len(rule_of(page)) == 1  # an empty group is removed with its last condition
	assert not page.errors


def test_groups_do_not_nest_deeper_than_six(page, market):
	rule = {"field": "kind", "operator": "=", "value": "Organisation"}
	for _i in range(5):
		rule = {"any": [rule]}
	open_segment(page, market.segment(rule))
	wait_for_count(page, 3)
	assert page.locator(".rs-add-group").count() == 5
	page.focus(".rs-condition .rs-handle >> nth=-1")
	page.keyboard.press("Alt+ArrowRight")
	assert rule_of(page)[1] == rule
	drag(page, page.locator("[data-path='all[0]'] .rs-handle").first, page.locator(".rs-condition").last)
	page.wait_for_function("cur_frm.segment_builder.data().all.length === 1")
	assert not page.errors


def test_wrong_inputs_are_framed_at_their_place_and_cannot_be_saved(page, market):
	segment = market.segment({"field": "stage_since", "operator": "last days", "value": 30})
	open_segment(page, segment)
	page.fill(".rs-value .rs-number", "-3")
	page.wait_for_selector("[data-path='all[1]'].rs-fault .rs-fault-text", timeout=30_000)
	assert page.locator(".rs-fault").count() == 1
	page.click(".page-head:visible .primary-action")
	page.wait_for_selector(".msgprint-dialog.show, .modal.show .msgprint", timeout=30_000)
	assert frappe.db.get_value("Relation Segment", segment, "rule_version") == 1
	page.keyboard.press("Escape")
	page.fill(".rs-value .rs-number", "36000")
	page.wait_for_function("!document.querySelector('.rs-fault')", timeout=30_000)
	page.evaluate("cur_frm.set_value('rule', '{\"version\": 1, \"some\": []}')")
	page.wait_for_selector("text=Correct its JSON in the section Expert", timeout=30_000)
	assert not page.errors


def test_names_are_text_and_never_markup(page, market):
	evil = "<img src=x onerror=window.evil=1>"
	market.town = evil
	frappe.db.set_value("Relation", market.other, {"city": evil, "relation_name": evil})
	frappe.db.commit()
	open_segment(page, market.segment())
	wait_for_count(page, 1)
	page.wait_for_selector(".rs-table td", timeout=30_000)
	assert evil in page.inner_text(".rs-words")
	assert page.evaluate("window.evil") is None


def test_only_the_last_of_many_questions_is_answered(page, market):
	open_segment(page, market.segment({"field": "relation_name", "operator": "contains", "value": "x"}))
	asked = []
	page.on("request", lambda request: asked.append(request) if "api.preview" in request.url else None)
	box = page.locator(".rs-value input").last
	box.fill("")
	box.press_sequentially("nobody is called so", delay=15)
	wait_for_count(page, 0)
	assert len(asked) <= 4  # nineteen letters
	assert (
		json.loads(asked[-1].post_data)["number"] > json.loads(asked[0].post_data)["number"]
		or len(asked) == 1
	)
	assert not page.errors


def test_a_bar_narrows_the_rule_and_segments_are_compared(page, market):
	segment, other = market.segment(), market.segment()
	for name in (segment, other):
		membership.refresh_and_commit(name)
	manual = factories.segment().name
	membership.add_members(manual, [market.buyer])
	frappe.db.commit()
	open_segment(page, segment)
	page.click(".rs-spread-toggle")
	page.wait_for_selector("[data-field=industry] rect.bar", timeout=30_000)
	page.locator("[data-field=industry] rect.bar").first.click()
	assert rule_of(page)[1] == {"field": "industry", "operator": "=", "value": "Banking"}
	wait_for_count(page, 2)
	page.wait_for_selector("[data-field=industry] .rs-bar-names button:has-text('Banking')")
	page.fill(".rs-overlap-input", manual)
	page.click(f".awesomplete [role=option]:has-text('{manual}') >> nth=0")
	page.wait_for_selector(".rs-matrix", timeout=30_000)
	cells = page.locator(".rs-matrix tbody td").all_inner_texts()
	assert [cell.split()[0] for cell in cells] == ["3", "1", "1", "1"]
	assert "33 %" in cells[1] and "100 %" in cells[2]
	assert not page.errors


def test_checked_customers_become_a_segment_that_narrows_lists(page, market):
	name = factories.unique("Auswahl")
	page.goto(f"/app/customer?name={market.customer}")
	page.wait_for_selector(".list-row-checkbox", timeout=60_000)
	page.locator(".list-row-checkbox").first.click()
	page.click(".actions-btn-group button")
	page.click(".actions-btn-group .dropdown-menu :text('Create Segment from These')")
	page.wait_for_selector(".rs-found:has-text('1 rows')", timeout=30_000)
	page.fill(".modal.show input[data-fieldname=segment_name]", name)
	page.click(".modal.show .modal-footer .btn-primary")
	page.wait_for_selector(".rs-table", timeout=60_000)
	assert members(name) == {market.buyer}
	page.click("button:has-text('Show members'):visible")
	page.wait_for_function("cur_list?.doctype === 'Relation' && cur_list.data?.length === 1", timeout=60_000)
	assert page.evaluate("cur_list.data[0].name") == market.buyer
	page.wait_for_selector(".list-count:has-text('1 of 1'):visible", timeout=30_000)
	page.reload()
	page.wait_for_function("cur_list?.doctype === 'Relation' && cur_list.data?.length === 1", timeout=60_000)
	page.evaluate("cur_list.segment_filter.set('')")
	page.wait_for_function("cur_list.data.length > 1", timeout=30_000)
	assert not page.errors


def test_the_form_of_a_relation_says_in_which_segments_it_is_and_why(page, market):
	segment = market.segment()
	membership.refresh_and_commit(segment)
	page.goto(f"/app/relation/{market.other}")
	page.wait_for_selector(".page-head:visible .title-text", timeout=60_000)
	page.click(".inner-group-button:has-text('View') button:visible", timeout=60_000)
	page.click(".inner-group-button .dropdown-menu.show a:has-text('Segments')")
	page.wait_for_selector(f".rs-of-relation:has-text('{segment}')", timeout=30_000)
	page.click(".rs-of-relation button >> nth=0")
	page.wait_for_selector(f".modal.show li:has-text('{market.town}')", timeout=30_000)
	assert not page.errors
