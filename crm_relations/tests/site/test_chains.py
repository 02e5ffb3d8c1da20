"""Random chains of vouchers: after every step the statement agrees with the ledger, to the cent.

`CRM_RELATIONS_CHAINS` sets how many chains are built (30, in a nightly run 500).
"""

import os

import frappe
import pytest
from hypothesis import HealthCheck, Phase, given, note, settings
from hypothesis import strategies as st

from crm_relations.demo.company import COMPANY
from crm_relations.ledger.statement import statement
from crm_relations.tests.site.books import assert_adds_up
from crm_relations.tests.site.chains import ZERO, Chain, Line

pytestmark = [pytest.mark.site, pytest.mark.slow]

CHAINS = int(os.environ.get("CRM_RELATIONS_CHAINS", "30"))
NOBODY = 2

rates = st.integers(1, 200_000).map(lambda cents: cents / 100)
shares = st.sampled_from((0.01, 0.33, 0.5, 1.0))
numbers = st.integers(0, 5)


def lines(whose: st.SearchStrategy[int]) -> st.SearchStrategy[list[Line]]:
	return st.lists(st.builds(Line, whose, st.integers(1, 3), rates), min_size=1, max_size=4)


def steps(whose: st.SearchStrategy[int]) -> st.SearchStrategy[tuple]:
	"""(name of a step, its arguments); what makes invoices comes up as often as what follows on them."""
	some = lines(whose)
	return st.one_of(
		st.tuples(st.just("invoice"), some, st.sampled_from((0, 0, 3, 10))),
		st.tuples(st.just("bill_in_parts"), some, st.integers(1, 2)),
		st.tuples(st.just("bill_together"), some, some),
		st.tuples(st.just("advance"), some, st.sampled_from((10, 50, 150))),
		st.tuples(st.just("pay"), numbers, shares, st.booleans()),
		st.tuples(st.just("pay"), numbers, shares, st.booleans()),
		st.tuples(st.just("pay_together"), numbers),
		st.tuples(st.just("write_off"), numbers, shares),
		st.tuples(st.just("credit"), numbers, st.integers(0, 1), st.booleans()),
		st.tuples(st.just("cancel")),
		st.tuples(st.just("amend"), shares),
	)


@st.composite
def plans(draw) -> tuple[bool, int, bool, list[tuple]]:
	"""Foreign currency, table of taxes, whether there are lines without a campaign, and the steps."""
	everybody = draw(st.booleans())
	whose = st.integers(0, 1) if everybody else st.integers(0, NOBODY)
	first = st.tuples(st.just("invoice"), lines(whose), st.just(0))
	return (
		draw(st.sampled_from((False, False, False, True))),
		draw(st.integers(0, 2)),
		everybody,
		[draw(first), *draw(st.lists(steps(whose), min_size=2, max_size=6))],
	)


@settings(
	max_examples=CHAINS,
	deadline=None,
	derandomize=CHAINS <= 30,
	database=None,
	phases=(Phase.generate,),
	suppress_health_check=list(HealthCheck),
)
@given(plans())
def test_after_every_step_of_a_random_chain_the_statement_equals_the_ledger(plan):
	foreign, taxes, everybody, course = plan
	frappe.db.savepoint("chain")
	try:
		before = statement(COMPANY).not_attributed
		chain = Chain(foreign=foreign, taxes=taxes)
		for name, *arguments in course:
			note(f"{name}{tuple(arguments)}")
			getattr(chain, name)(*arguments)
			assert_equals_the_ledger(chain, before, everybody)
	finally:
		frappe.db.rollback(save_point="chain")
		frappe.local.message_log = []


def assert_equals_the_ledger(chain: Chain, not_attributed_before, everybody: bool) -> None:
	result = statement(COMPANY, chain.campaigns)
	assert_adds_up(result)
	for whose, figures in enumerate(result.campaigns):
		assert figures.revenue + figures.credit_notes == chain.income(whose)
	assert result.not_attributed - not_attributed_before == chain.income(NOBODY)
	if not everybody:
		return  # a part of each receivable, tax and payment is then nobody's
	assert sum((row.tax for row in result.campaigns), ZERO) == -chain.on("Liability", ("Tax",))
	open_amount = chain.on("Asset", ("Receivable",)) + chain.unused_advances()
	assert sum((row.receivable_open for row in result.campaigns), ZERO) == open_amount
	cash = chain.on("Asset", ("Bank", "Cash")) - chain.unused_advances()
	assert sum((row.cash_received for row in result.campaigns), ZERO) == cash
