"""List the accounts for the defaults of a company in the German charts SKR03 and SKR04.

Pure data; imports no frappe.

ERPNext uses the first account of a type in its chart. On SKR04, payables land on 3500 (other liabilities),
expenses on 6990 (cost of production) and depreciation on 7200 (financial assets).
"""

from dataclasses import dataclass

#: personal accounts of customers and suppliers, in both charts
CUSTOMERS, SUPPLIERS = (10000, 69999), (70000, 99999)


@dataclass(frozen=True)
class Place:
	"""The accounts that suit a default of the company.

	`ranges` are account numbers, both ends included. `but` are numbers within them that only a special case
	uses. `usual` are the numbers that most companies choose, best first. `account_type` is the type that
	ERPNext needs there. ERPNext's charts do not always set it.
	"""

	ranges: tuple[tuple[int, int], ...]
	usual: tuple[int, ...]
	but: tuple[int, ...] = ()
	account_type: str = ""

	def holds(self, number: int) -> bool:
		return number not in self.but and any(first <= number <= last for first, last in self.ranges)


SKR04 = {
	"default_receivable_account": Place(((1200, 1249), CUSTOMERS), (1200, 1210), account_type="Receivable"),
	"default_payable_account": Place(((3300, 3349), SUPPLIERS), (3300, 3301, 3310), account_type="Payable"),
	# 4185: revenue of a small business that charges no VAT (§ 19 UStG)
	"default_income_account": Place(((4000, 4799),), (4400, 4200), but=(4185,)),
	"default_expense_account": Place(((5000, 5999), (6300, 6859)), (5200, 5400, 5000)),
	"depreciation_expense_account": Place(((6200, 6289),), (6220,)),
	"accumulated_depreciation_account": Place(((1, 899),), (409,)),
	"default_bank_account": Place(((1700, 1899),), (1800,)),
	"default_cash_account": Place(((1600, 1699),), (1600,)),
	"round_off_account": Place(((4830, 4839), (6300, 6309), (6850, 6869), (6960, 6969)), (6300,)),
	"write_off_account": Place(((6910, 6939),), (6930,)),
	"exchange_gain_loss_account": Place(((4840, 4847), (6880, 6885)), (6880,)),
}

SKR03 = {
	"default_receivable_account": Place(((1400, 1469), CUSTOMERS), (1400, 1410), account_type="Receivable"),
	"default_payable_account": Place(((1600, 1659), SUPPLIERS), (1600, 1610), account_type="Payable"),
	"default_income_account": Place(((8000, 8799),), (8400, 8200), but=(8195,)),
	"default_expense_account": Place(((3000, 3969), (4200, 4799), (4900, 4989)), (3400, 3200, 3000)),
	"depreciation_expense_account": Place(((4820, 4869),), (4830,)),
	"accumulated_depreciation_account": Place(((1, 699),), ()),
	"default_bank_account": Place(((1100, 1299),), (1200,)),
	"default_cash_account": Place(((1000, 1099),), (1000,)),
	"round_off_account": Place(((2300, 2309), (2700, 2709), (4900, 4909)), (4900, 2300)),
	"write_off_account": Place(((2400, 2409),), (2400,)),
	"exchange_gain_loss_account": Place(((2150, 2159), (2660, 2669)), (2150,)),
}

#: part of a chart's name → its accounts
CHARTS = {"SKR03": SKR03, "SKR04": SKR04}


def chart_in(name: str | None) -> str | None:
	"""Return `SKR03` or `SKR04`, whichever the name of a chart of accounts contains."""
	return next((chart for chart in CHARTS if chart in (name or "")), None)


def as_number(text: str | None) -> int | None:
	"""Return an account number such as `0409` as a number; None if it is empty or has other characters."""
	text = (text or "").strip()
	return int(text) if text.isascii() and text.isdigit() else None
