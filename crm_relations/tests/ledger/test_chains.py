"""Test random chains of vouchers: after every step the statement agrees with the ledger, to the cent.

A run tests 30 chains, and nightly (CRM_RELATIONS_NIGHTLY=1) 500, different ones each night. A failure prints
the seed, and `CRM_RELATIONS_SEED` repeats its chains. `CRM_RELATIONS_CHAINS` sets another number of chains.
"""

import os
from collections.abc import Callable
from random import Random, randrange

import frappe
import pytest
from hypothesis import HealthCheck, Phase, given, note, seed, settings
from hypothesis import strategies as st

from crm_relations.demo.company import COMPANY, account
from crm_relations.ledger.statements.figures import Statement
from crm_relations.ledger.statements.statement import statement
from crm_relations.tests.support.books.balance import campaigns_in_the_ledger  # noqa: F401
from crm_relations.tests.support.books.books import assert_adds_up
from crm_relations.tests.support.books.chain_changes import (
	ADVERTISING,
	INPUT_TAX,
	MOVED,
	ChangingChain,
	ledger_with,
)
from crm_relations.tests.support.books.chains import (
	BANK,
	CASH,
	COSTS,
	CURRENCIES,
	EURO,
	EXCHANGE,
	GOODS,
	INCOME,
	LOST,
	REDUCED_INCOME,
	TAXES,
	ZERO,
	Line,
)
from crm_relations.tests.support.books.sister import sister_company  # noqa: F401

pytestmark = [pytest.mark.site, pytest.mark.slow]

NIGHTLY = os.environ.get("CRM_RELATIONS_NIGHTLY") == "1"
CHAINS = int(os.environ.get("CRM_RELATIONS_CHAINS") or (500 if NIGHTLY else 30))
SEED = int(os.environ.get("CRM_RELATIONS_SEED") or (randrange(10**6) if NIGHTLY else 1))
NOBODY = 2

SHARES = (0.01, 0.33, 0.5, 1.0)
PERCENTS = (0, 0, 0, 5, 12.5)


class Dice(Random):
	"""The random choices that steps use."""

	whose: tuple[int, ...] = ()

	def rate(self) -> float:
		return self.choice((1, 100, self.randint(1, 200_000), self.randint(1, 200_000))) / 100

	def lines(self) -> list[Line]:
		return [
			Line(self.choice(self.whose), self.randint(1, 3), self.rate(), self.choice(PERCENTS))
			for _number in range(self.randint(1, 4))
		]

	def discount(self) -> tuple[str, float]:
		return self.choice(("Net Total", "Grand Total")), self.choice((0, 0, 3, 10))

	def number(self) -> int:
		return self.randint(0, 5)

	def share(self) -> float:
		return self.choice(SHARES)

	def maybe(self) -> bool:
		return self.random() < 0.5


#: steps that make invoices, and the steps that follow them, with their arguments
MAKE: dict[str, Callable[[Dice], tuple]] = {
	"invoice": lambda dice: (dice.lines(), dice.discount()),
	"bill_in_parts": lambda dice: (dice.lines(), dice.randint(1, 2), dice.discount()),
	"bill_together": lambda dice: (dice.lines(), dice.lines()),
	"deliver_in_parts": lambda dice: (dice.lines(), dice.randint(1, 2), dice.discount()),
	"sell_from_stock": lambda dice: (dice.lines(), dice.discount()),
	"till_day": lambda dice: (dice.lines(), dice.maybe(), dice.random() < 0.7),
	"sell_at_once": lambda dice: (dice.lines(), dice.choice((1.0, 0.9))),
	"subscribe": lambda dice: (
		dice.choice(dice.whose),
		dice.randint(1, 3),
		dice.rate(),
		dice.choice((0, 10)),
	),
	"advance": lambda dice: (dice.lines(), dice.choice((10, 50, 150))),
	"advance_on_order": lambda dice: (dice.lines(), dice.share()),
	"from_before": lambda dice: (dice.lines(),),
	"deliver_services": lambda dice: (dice.lines(),),
	"reverse_later": lambda dice: (dice.lines(), dice.maybe()),
	"sell_in_sister": lambda dice: (dice.lines(),),
	"buy": lambda dice: (dice.lines(), dice.choice((0, 0.5, 1.0))),
}
FOLLOW: dict[str, Callable[[Dice], tuple]] = {
	"pay": lambda dice: (dice.number(), dice.share(), dice.choice((None, None, COSTS, REDUCED_INCOME))),
	"pay_together": lambda dice: (dice.number(),),
	"pay_by_journal": lambda dice: (dice.number(), dice.share()),
	"write_off": lambda dice: (dice.number(), dice.share()),
	"credit": lambda dice: (dice.number(), dice.randint(0, 1), dice.maybe()),
	"take_back_goods": lambda dice: (dice.number(), dice.randint(0, 1)),
	"reconcile": lambda _dice: (),
	"rebuild": lambda _dice: (),
	"cancel": lambda _dice: (),
	"cancel_any": lambda dice: (dice.number(),),
	"amend": lambda dice: (dice.share(),),
	"change_account": lambda dice: (dice.number(),),
	"set_free": lambda dice: (dice.number(),),
}


@st.composite
def plans(draw) -> tuple[int, tuple[str, int, bool, list[tuple]]]:
	"""Draw the decimals of the ledger, currency, taxes, whether every line has a campaign, and the steps.

	Hypothesis draws one random seed per chain. It tends to repeat what it draws one by one, so that most
	types of steps would not occur in 30 chains.
	"""
	dice = Dice(draw(st.integers(0, 2**64 - 1)))
	everybody = dice.maybe()
	dice.whose = (0, 1) if everybody else (0, 1, NOBODY)
	make = {name: ask for name, ask in MAKE.items() if name != "from_before" or not everybody}

	def step(kinds: dict) -> tuple:
		name = dice.choice(list(kinds))
		return (name, *kinds[name](dice))

	course = [
		step(make),
		*(step(make if dice.random() < 0.4 else FOLLOW) for _n in range(dice.randint(2, 7))),
	]
	plan = (dice.choice((EURO, EURO, *CURRENCIES)), dice.randrange(len(TAXES)), everybody, course)
	return dice.choice((2, 2, 2, 3)), plan


def over_random_chains(
	number: int, *more: st.SearchStrategy
) -> Callable[[Callable[..., None]], Callable[[], None]]:
	"""Run the decorated check over this number of drawn chains.

	The check gets currency, taxes, whether every line has a campaign, the steps, and a value of each further
	strategy. What it posts is rolled back after each chain.
	"""

	def decorate(check: Callable[..., None]) -> Callable[[], None]:
		@seed(SEED)
		@settings(
			max_examples=number,
			deadline=None,
			database=None,
			phases=(Phase.generate,),
			suppress_health_check=list(HealthCheck),
		)
		@given(plans(), st.tuples(*more))
		def run(plan, others):
			places, drawn = plan
			note(f"CRM_RELATIONS_SEED={SEED}")
			frappe.db.savepoint("chain")
			try:
				with ledger_with(places):
					check(*drawn, *others)
			finally:
				frappe.db.rollback(save_point="chain")
				frappe.local.message_log = []

		return run

	return decorate


def test_after_every_step_of_a_random_chain_the_statement_equals_the_ledger(sister):
	taken = {}

	@over_random_chains(CHAINS)
	def reconciles(currency, taxes, everybody, course):
		before = statement(COMPANY)
		chain = ChangingChain(currency=currency, taxes=taxes)
		for name, *arguments in course:
			note(f"{name}{tuple(arguments)}")
			taken[name] = taken.get(name, 0) + (not chain.do(name, *arguments))
			assert_equals_the_ledger(chain, before, everybody)

	reconciles()
	assert CHAINS < 30 or set(taken) == {*MAKE, *FOLLOW}, "every kind of step has come up"
	print(f"seed {SEED}, steps taken: {dict(sorted(taken.items()))}")


def assert_equals_the_ledger(chain: ChangingChain, before: Statement, everybody: bool) -> None:
	result = statement(COMPANY, chain.campaigns)
	assert_adds_up(result)
	assert not frappe.db.count("Relation Deferred Step", {"status": "Open"})
	for whose, figures in enumerate(result.campaigns):
		assert figures.revenue + figures.credit_notes == chain.income(whose)
		assert figures.cost_of_goods == chain.cost_of_goods(whose)
	rest = result.not_attributed - before.not_attributed
	assert rest + result.settled_income == chain.income(NOBODY) - chain.on_accounts(REDUCED_INCOME)
	rows = {row.account_number: row for row in result.ledger}
	for number in (*INCOME, *MOVED, *GOODS):
		of_campaigns = number not in (INCOME[NOBODY], MOVED[NOBODY], GOODS[NOBODY])
		expected = chain.on_accounts(number) if of_campaigns else ZERO
		assert (rows[number].campaigns if number in rows else ZERO) == expected
	assert_costs_equal_the_ledger(chain, result, everybody)
	if not everybody:
		return  # a part of each receivable, tax and payment then belongs to no campaign

	def in_all(figure: str):
		return sum((getattr(row, figure) for row in result.campaigns), ZERO)

	unused = chain.unused()
	assert in_all("tax") == -chain.on("Liability", ("Tax",))
	assert in_all("receivable_open") == chain.on("Asset", ("Receivable",)) + unused[""]
	if "part" in unused:
		return  # a payment with a deduction is used in part: the statement itself decides how much of each counts
	cash = chain.on("Asset", ("Bank", "Cash"))
	assert in_all("cash_received") == cash - sum(
		unused.get(account(COMPANY, number), ZERO) for number in (BANK, CASH)
	)
	losses = (LOST, COSTS, REDUCED_INCOME)
	assert in_all("write_offs") == chain.on_accounts(*losses) - sum(
		unused.get(account(COMPANY, number), ZERO) for number in losses
	)
	assert rest == chain.income(NOBODY) - unused.get(account(COMPANY, REDUCED_INCOME), ZERO)
	assert in_all("exchange_difference") == -chain.on_accounts(EXCHANGE)


def assert_costs_equal_the_ledger(chain: ChangingChain, result: Statement, everybody: bool) -> None:
	"""Check the campaign costs against the ledger.

	Input tax, payable and payment are checked where every part of a voucher has a campaign.
	"""
	rows = {row.account: row.campaigns for row in result.ledger}
	for whose, figures in enumerate(result.campaigns):
		assert figures.campaign_cost == chain.spent(whose)
	advertising = account(COMPANY, ADVERTISING)
	assert rows.get(advertising, ZERO) == chain.spent(0) + chain.spent(1)
	if everybody and not any(doc.get("rounding_adjustment") for doc in chain.bought):
		payable = frappe.get_cached_value("Company", COMPANY, "default_payable_account")
		for name in (advertising, account(COMPANY, INPUT_TAX), payable):
			assert rows.get(name, ZERO) == chain.of_purchases(name)
