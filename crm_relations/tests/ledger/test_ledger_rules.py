"""Test that vouchers and payments are split exactly to the cent, whatever the amounts."""

from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from crm_relations.ledger.statements.splitting import (
	Line,
	Settlement,
	Voucher,
	counter_accounts,
	settle,
	share_out,
	split_voucher,
)
from crm_relations.shared.money import allocate

RECEIVABLE, BANK, TAX, COSTS = "1200", "1800", "3806", "6300"
INCOME = ("4400", "4300")
CAMPAIGNS = ("Spring", "Autumn", None)


def money(low: int, high: int) -> st.SearchStrategy[Decimal]:
	return st.integers(low, high).map(lambda cents: Decimal(cents) / 100)


def total(amounts) -> Decimal:
	return sum(amounts, Decimal("0.00"))


@given(money(-10_000_000, 10_000_000), st.lists(money(-100_000, 1_000_000), min_size=1, max_size=12))
def test_parts_add_up_to_the_total_in_whole_cents(amount, weights):
	parts = allocate(amount, weights)
	assert total(parts) == amount
	assert all(part == part.quantize(Decimal("0.01")) for part in parts)


@given(money(0, 10_000_000), st.lists(money(1, 1_000_000), min_size=1, max_size=12))
def test_no_part_is_more_than_a_cent_from_its_share(amount, weights):
	for part, weight in zip(allocate(amount, weights), weights, strict=True):
		assert abs(part - amount * weight / sum(weights)) < Decimal("0.01")


lines = st.lists(
	st.tuples(st.sampled_from(CAMPAIGNS), st.sampled_from(INCOME), money(1, 5_000_000)),
	min_size=1,
	max_size=8,
)


def voucher(rows, rate: Decimal, sign: int = 1, cost: Decimal = Decimal("0.00")) -> Voucher:
	"""Return an invoice as ERPNext posts it: income by line, one tax, cost of goods, the receivable."""
	ledger: dict[str, Decimal] = {}
	for _campaign, account, net in rows:
		ledger[account] = ledger.get(account, Decimal("0.00")) + sign * net
	tax = (total(ledger.values()) * rate).quantize(Decimal("0.01"))
	ledger |= {TAX: tax, COSTS: -cost, "1140": cost, RECEIVABLE: -total(ledger.values()) - tax}
	return Voucher(
		"INV-1",
		[
			Line(
				campaign, account, sign * net, sign * net if campaign else None, account if campaign else None
			)
			for campaign, account, net in rows
		],
		{account: amount for account, amount in ledger.items() if amount},
		charges={TAX: tax},
		charges_before_discount={TAX: tax},
	)


def split(of: Voucher):
	return split_voucher(of, set(INCOME), {RECEIVABLE})


@given(
	lines,
	st.sampled_from([Decimal("0.19"), Decimal("0.07"), Decimal("0")]),
	st.sampled_from([1, -1]),
	money(0, 10_000),
)
def test_every_cent_of_a_voucher_belongs_to_one_campaign_and_each_balances(rows, rate, sign, cost):
	of = voucher(rows, rate, sign, cost)
	found = split(of)
	assert not found.unexplained
	for account, amount in of.ledger.items():
		assert total(parts.get(account, Decimal("0.00")) for parts in found.parts.values()) == amount
	for campaign, parts in found.parts.items():
		assert total(parts.values()) == 0
		for account in INCOME:
			own = total(sign * net for name, at, net in rows if (name, at) == (campaign, account))
			assert parts.get(account, Decimal("0.00")) == own


@given(lines.filter(lambda rows: any(row[0] for row in rows)), money(1, 1000), st.data())
def test_a_changed_attribution_is_found_with_its_account_and_amount(rows, change, data):
	of = voucher(rows, Decimal("0.19"))
	index = data.draw(st.sampled_from([i for i, line in enumerate(of.lines) if line.campaign]))
	line = of.lines[index]
	changed = list(of.lines)
	changed[index] = Line(line.campaign, line.account, line.net, line.net + change, line.account)
	found = split(Voucher("INV-1", changed, of.ledger, of.charges, of.charges_before_discount))
	assert found.unexplained == {line.account: -change}


def test_freight_on_the_account_of_a_line_belongs_to_no_campaign():
	of = Voucher(
		"INV-1",
		[Line("Spring", "4400", Decimal("100"), Decimal("100"), "4400")],
		{"4400": Decimal("107.50"), RECEIVABLE: Decimal("-107.50")},
		charges={"4400": Decimal("7.50")},
	)
	found = split(of)
	assert not found.unexplained
	assert found.parts["Spring"] == {"4400": Decimal("100"), RECEIVABLE: Decimal("-100.00")}
	assert found.parts[None]["4400"] == Decimal("7.50")


@given(lines, st.sampled_from([Decimal("-0.01"), Decimal("0.01"), Decimal("0.37")]))
def test_what_is_posted_without_a_counterpart_belongs_to_no_campaign_and_every_account_agrees(rows, missing):
	of = voucher(rows, Decimal("0.19"))
	ledger = {**of.ledger, RECEIVABLE: of.ledger[RECEIVABLE] + missing}
	found = split(Voucher("INV-1", of.lines, ledger, of.charges, of.charges_before_discount))
	for account, amount in ledger.items():
		assert total(parts.get(account, Decimal("0.00")) for parts in found.parts.values()) == amount
	owner = None if len(found.parts) > 1 else next(iter(found.parts))
	for campaign, parts in found.parts.items():
		assert total(parts.values()) == (missing if campaign == owner else 0)


def test_income_booked_before_discount_is_given_to_the_line_that_had_the_discount():
	of = Voucher(
		"INV-1",
		[
			Line("Spring", "4400", Decimal("90"), Decimal("90"), "4400", Decimal("10"), "6300"),
			Line("Autumn", "4400", Decimal("50"), Decimal("50"), "4400"),
		],
		{"4400": Decimal("150"), "6300": Decimal("-10"), RECEIVABLE: Decimal("-140")},
	)
	found = split(of)
	assert not found.unexplained
	assert found.parts["Spring"] == {"4400": 100, "6300": -10, RECEIVABLE: -90}
	assert found.parts["Autumn"] == {"4400": 50, RECEIVABLE: -50}


def test_a_discount_that_the_ledger_does_not_show_is_not_invented():
	of = Voucher(
		"INV-1",
		[Line("Spring", "4400", Decimal("90"), Decimal("90"), "4400", Decimal("10"), "6300")],
		{"4400": Decimal("90"), RECEIVABLE: Decimal("-90")},
	)
	assert split(of).parts["Spring"] == {"4400": 90, RECEIVABLE: -90}


receivables = st.dictionaries(
	st.sampled_from(["Spring", "Autumn", "Winter"]), money(1, 1_000_000), min_size=1
)


@given(receivables, st.lists(st.floats(0.01, 0.9), max_size=5))
def test_the_last_payment_leaves_every_campaign_at_zero(receivable, shares):
	open_amount, rows = total(receivable.values()), []
	for share in shares:
		amount = (open_amount * Decimal(str(share))).quantize(Decimal("0.01"))
		rows.append(Settlement("PAY", -amount))
		open_amount -= amount
	rows.append(Settlement("PAY", -open_amount))
	parts = settle(receivable, rows)
	for row, part in zip(rows, parts, strict=True):
		assert total(part.values()) == row.amount
	for campaign, amount in receivable.items():
		assert amount + total(part.get(campaign, Decimal("0.00")) for part in parts) == 0


@given(receivables, money(1, 5_000_000))
def test_an_overpayment_is_split_to_the_cent_as_well(receivable, amount):
	for part in settle(receivable, [Settlement("PAY", -amount), Settlement("PAY", -amount)]):
		assert total(part.values()) == -amount


def test_after_a_credit_note_for_one_campaign_the_payment_belongs_to_the_other():
	receivable = {"Spring": Decimal("119"), "Autumn": Decimal("238")}
	note = Settlement("NOTE", Decimal("-119"), {"Spring": Decimal("-119")})
	parts = settle(receivable, [note, Settlement("PAY", Decimal("-238"))])
	assert parts[1] == {"Spring": 0, "Autumn": Decimal("-238")}


@given(
	st.lists(money(1, 1_000_000), min_size=1, max_size=6), money(0, 100), st.lists(money(1, 1000), max_size=2)
)
def test_what_stands_against_the_rows_of_a_payment_adds_up_to_its_accounts(amounts, discount, opposite):
	rows = [(RECEIVABLE, -amount) for amount in amounts] + [("1210", amount) for amount in opposite]
	legs = {COSTS: discount, BANK: total(amounts) - discount - total(opposite)}
	legs = {account: amount for account, amount in legs.items() if amount}
	found = [counter_accounts(rows, legs, index) for index in range(len(amounts))]
	for counter, amount in zip(found, amounts, strict=True):
		assert total(counter.values()) == amount
	for account, amount in {**legs, **({"1210": total(opposite)} if opposite else {})}.items():
		assert total(counter.get(account, Decimal("0.00")) for counter in found) == amount


def test_a_transfer_between_two_customers_is_no_money():
	rows = [(RECEIVABLE, Decimal("-100")), (RECEIVABLE, Decimal("100"))]
	assert counter_accounts(rows, {}, 0) == {RECEIVABLE: Decimal("100")}


ACCOUNTS_OF_A_DELIVERY = st.lists(st.integers(-100_000, 100_000), min_size=1, max_size=4)
WEIGHTS = st.dictionaries(st.sampled_from(["spring", "autumn", None]), st.integers(0, 10_000), min_size=1)


@given(ACCOUNTS_OF_A_DELIVERY, WEIGHTS)
def test_a_balanced_voucher_shared_out_is_whole_and_balances_for_each(amounts, weights):
	ledger = {f"account {number}": Decimal(amount) / 100 for number, amount in enumerate(amounts)}
	ledger["stock"] = -sum(ledger.values())
	parts = share_out(ledger, {campaign: Decimal(weight) for campaign, weight in weights.items()})
	assert set(parts) == set(weights)
	for account, amount in ledger.items():
		assert sum(of_campaign[account] for of_campaign in parts.values()) == amount
	for of_campaign in parts.values():
		assert sum(of_campaign.values()) == 0


def test_nothing_in_the_ledger_is_nothing_to_share_out():
	assert share_out({}, {"spring": Decimal(1)}) == {"spring": {}}


def test_what_goods_cost_follows_the_lines_that_moved_them_and_not_their_revenue():
	dear = Line(
		"Spring", INCOME[0], Decimal(900), Decimal(900), INCOME[0], cost=Decimal(100), cost_account=COSTS
	)
	cheap = Line(
		"Autumn", INCOME[0], Decimal(100), Decimal(100), INCOME[0], cost=Decimal(80), cost_account=COSTS
	)
	ledger = {
		INCOME[0]: Decimal(1000),
		RECEIVABLE: Decimal(-1000),
		COSTS: Decimal(-180),
		"1140": Decimal(180),
	}
	split = split_voucher(
		Voucher("INV", [dear, cheap], ledger, stock_accounts=frozenset({"1140"})), {INCOME[0]}, {RECEIVABLE}
	)
	assert split.parts["Spring"] == {INCOME[0]: 900, COSTS: -100, "1140": 100, RECEIVABLE: -900}
	assert split.parts["Autumn"] == {INCOME[0]: 100, COSTS: -80, "1140": 80, RECEIVABLE: -100}


def test_a_cost_that_the_lines_do_not_explain_follows_the_revenue():
	known = Line(
		"Spring", INCOME[0], Decimal(900), Decimal(900), INCOME[0], cost=Decimal(10), cost_account=COSTS
	)
	bundle = Line("Autumn", INCOME[0], Decimal(100), Decimal(100), INCOME[0], cost_account=COSTS)
	ledger = {
		INCOME[0]: Decimal(1000),
		RECEIVABLE: Decimal(-1000),
		COSTS: Decimal(-180),
		"1140": Decimal(180),
	}
	split = split_voucher(
		Voucher("INV", [known, bundle], ledger, stock_accounts=frozenset({"1140"})), {INCOME[0]}, {RECEIVABLE}
	)
	assert [split.parts[name][COSTS] for name in ("Spring", "Autumn")] == [-162, -18]
