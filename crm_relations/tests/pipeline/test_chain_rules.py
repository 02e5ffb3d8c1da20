"""Test how a document flow is drawn: no redundant arrow, no circle, each document to the right of its source."""

from hypothesis import given, settings
from hypothesis import strategies as st

from crm_relations.pipeline.document_flow.rules import places, reduced

NODES = list(range(9))
EDGES = st.lists(st.tuples(st.sampled_from(NODES), st.sampled_from(NODES)), max_size=30)


def reachable(edges) -> set[tuple[int, int]]:
	"""Return all pairs (earlier, later), found by joining pairs until no new pair appears."""
	pairs = set(edges)
	while fresh := {(a, d) for a, b in pairs for c, d in pairs if b == c} - pairs:
		pairs |= fresh
	return pairs


def test_the_invoice_of_a_delivered_order_hangs_on_the_delivery_only():
	assert reduced([("order", "delivery"), ("order", "invoice"), ("delivery", "invoice")]) == [
		("order", "delivery"),
		("delivery", "invoice"),
	]


def test_two_documents_that_name_each_other_are_one_arrow():
	assert reduced([("a", "b"), ("b", "a"), ("a", "a")]) == [("a", "b")]


def test_a_campaign_stands_beside_what_first_came_from_it():
	edges = [("lead", "opportunity"), ("opportunity", "order"), ("campaign", "order")]
	at = places(["lead", "opportunity", "order", "campaign"], edges)
	assert {node: column for node, (column, _row) in at.items()} == {
		"lead": 0,
		"opportunity": 1,
		"campaign": 1,
		"order": 2,
	}


def test_a_single_document_is_a_chain():
	assert places(["invoice"], []) == {"invoice": (0, 0)}


@settings(deadline=None)
@given(EDGES.map(lambda edges: [(a, b) for a, b in edges if a < b]))
def test_reduced_arrows_lead_to_the_same_documents_and_none_can_be_spared(edges):
	kept = reduced(edges)
	assert reachable(kept) == reachable(edges)
	for edge in kept:
		assert edge not in reachable([other for other in kept if other != edge])


@settings(deadline=None)
@given(EDGES)
def test_every_box_has_a_place_of_its_own_right_of_what_it_came_from(edges):
	kept = reduced(edges)
	at = places(NODES, kept)
	assert set(at) == set(NODES) and len(set(at.values())) == len(NODES)
	assert min(column for column, _row in at.values()) == 0
	for earlier, later in kept:
		assert at[earlier][0] < at[later][0]
