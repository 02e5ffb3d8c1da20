"""Measure the enrollment of a campaign's audience: members with normalized addresses, and one send for each.

Ours: the start of a campaign with one email. It includes the readiness check, the members, their normalized
addresses, members that share an address, the control group (none), the plan, and the change of state. The
segment is manual, so that its refresh only counts.

Peer: two hand-written statements INSERT … SELECT that insert the same rows into the same two tables, without
any of the rest. Bar: 1.5 times the peer.

Everything is rolled back or removed at the end.

	BENCH_DIR=~/frappe-bench SITE=demo.localhost ~/frappe-bench/env/bin/python benchmarks/audience.py
"""

import argparse

import frappe
import mailing_data as data
from measuring import connected_site, in_turn, report, row, timed

from crm_relations.campaigns.planning import enrollment

BAR = 1.5
NUMBER = 100_000

MEMBERS = """
INSERT INTO `tabRelation Campaign Member`
	(name, creation, modified, owner, modified_by, docstatus, idx, campaign, relation, status, email, phone, entered,
	points, held_out)
SELECT CONCAT('bd-', r.name), NOW(6), NOW(6), 'Administrator', 'Administrator', 0, 0, %(campaign)s, r.name, 'Addressed',
	LOWER(r.email_id), '', NOW(6), 0, 0
FROM `tabRelation` r
JOIN `tabRelation Segment Member` s ON s.relation = r.name
WHERE s.segment = %(segment)s AND s.left_on IS NULL AND r.disabled = 0
"""
SENDS = """
INSERT INTO `tabRelation Campaign Send`
	(name, creation, modified, owner, modified_by, docstatus, idx, campaign, member, relation, step, step_type, state,
	due_on, recipient, reason, attempts)
SELECT CONCAT('bd-', m.name), NOW(6), NOW(6), 'Administrator', 'Administrator', 0, 0, m.campaign, m.name, m.relation,
	%(step)s, 'E-mail', 'Pending', CURDATE(), m.email, '', 0
FROM `tabRelation Campaign Member` m
WHERE m.campaign = %(campaign)s
"""


def main() -> None:
	parser = argparse.ArgumentParser()
	parser.add_argument("--number", type=int, default=NUMBER, help="members of the segment")
	parser.add_argument("--rounds", type=int, default=3)
	arguments = parser.parse_args()
	with connected_site():
		try:
			data.load(arguments.number)
			data.open_account(25)  # nothing is sent
			campaign = frappe.get_doc("Relation Campaign", data.campaign())
			values = {
				"campaign": campaign.name,
				"segment": data.SEGMENT,
				"step": campaign.steps[0].name,
			}
			measure(arguments, values)
		finally:
			frappe.db.rollback()
			data.remove()


def measure(arguments: argparse.Namespace, values: dict[str, str]) -> None:
	def counted() -> None:
		for doctype in ("Member", "Send"):
			found = frappe.db.count(f"Relation Campaign {doctype}", {"campaign": values["campaign"]})
			if found != arguments.number:
				raise SystemExit(f"{found} rows of {doctype}, not {arguments.number}")
		frappe.db.rollback()

	def ours() -> float:
		seconds = timed(lambda: enrollment.start(values["campaign"]))
		counted()
		return seconds

	def by_hand() -> None:
		frappe.db.sql(MEMBERS, values)
		frappe.db.sql(SENDS, values)

	def peer() -> float:
		seconds = timed(by_hand)
		counted()
		return seconds

	seconds = in_turn(ours, peer, arguments.rounds, patience=0)
	report([row(f"{arguments.number} members and messages", *seconds, BAR)])


if __name__ == "__main__":
	main()
