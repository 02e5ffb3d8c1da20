"""Replay a real telephone campaign: the overview must equal what pandas counts in the file.

The calls are those of a Portuguese bank from 2008 to 2010 (UCI Bank Marketing; Moro, Cortez and Rita, 2014):
some of them here, more of them nightly. The data is expected in `../shared/data` next to the checkout, or in
the folder CRM_RELATIONS_PUBLIC_DATA.
"""

import os
from pathlib import Path

import frappe
import pytest

from crm_relations.campaigns import queries, rules
from crm_relations.campaigns.consents import decisions
from crm_relations.campaigns.manual import call_list
from crm_relations.campaigns.members import member_status
from crm_relations.campaigns.planning import enrollment
from crm_relations.campaigns.reporting import funnel
from crm_relations.tests.support.mailing import Mailing, call_step

pytestmark = pytest.mark.site

FOLDER = Path(
	os.environ.get("CRM_RELATIONS_PUBLIC_DATA") or Path(__file__).resolve().parents[4] / "shared" / "data"
)
FILE = FOLDER / "bank_marketing" / "bank-additional-full.csv.gz"
#: replayed calls of the 41,188 in the file
CALLS = 3000 if os.environ.get("CRM_RELATIONS_NIGHTLY") == "1" else 150
#: replayed attempts of each call; some calls had 56
TRIES = 3
#: seconds: a shorter call without a deal counts as not reached
SHORT = 60


@pytest.fixture(scope="module")
def recorded():
	pandas = pytest.importorskip("pandas")
	if not FILE.is_file():
		pytest.skip(f"{FILE} is not there")
	calls = pandas.read_csv(FILE, sep=";")
	calls = calls.iloc[:: len(calls) // CALLS].head(CALLS).reset_index(drop=True)
	calls["tries"] = calls["campaign"].clip(upper=TRIES)
	calls["bought"] = calls["y"] == "yes"
	calls["reached"] = calls["bought"] | (calls["duration"] >= SHORT)
	return calls


@pytest.fixture
def mailing():
	mailing = Mailing()
	yield mailing
	mailing.remove()


def play_back(mailing: Mailing, recorded) -> str:
	"""Make each row of the file a relation, and record its attempts and outcome in the call list."""
	for number, call in recorded.iterrows():
		phone = f"+351 91 {2000000 + number}"
		relation = mailing.person(given=False, mobile_no=phone, designation=str(call["job"]))
		decisions.record(relation, phone, "Phone", "Given", source="Vertrag", legal_basis=rules.CONSENT)
	doc = mailing.campaign(
		steps=[call_step(max_tries=99)], control_group_percent=20, control_group_seed="bank"
	)
	enrollment.start(doc.name)
	sends = {row.relation: row.name for row in mailing.rows(doc.name)}
	for number, call in recorded.iterrows():
		send = sends.get(mailing.relations[number])
		if not send:
			continue  # in the control group
		for _try in range(call["tries"] - 1):
			call_list.complete(send, "Not Reached")
		if not call["reached"]:
			call_list.complete(send, "Not Reached")
			continue
		call_list.complete(send, "Interested" if call["bought"] else "Not Interested")
		if call["bought"]:
			member = frappe.db.get_value("Relation Campaign Send", send, "member")
			member_status.win(member)
	return doc.name


def test_the_overview_says_what_pandas_counts(mailing, recorded):
	campaign = play_back(mailing, recorded)
	members = frappe.get_all(
		"Relation Campaign Member", {"campaign": campaign}, ["relation", "held_out"], order_by="name asc"
	)
	held_out = {row.relation for row in members if row.held_out}
	recorded["addressed"] = [relation not in held_out for relation in mailing.relations]
	addressed = recorded[recorded["addressed"]]

	shown = funnel.funnel(campaign)
	assert shown["control"]["members"] == round(len(recorded) * 0.2)
	assert shown["addressed"] == {
		"members": len(addressed),
		"enrollments": len(addressed),
		"sent": int(addressed["reached"].sum()),
		"delivered": None,  # not used for calls
		"answered": int(addressed["reached"].sum()),
		"qualified": int(addressed["bought"].sum()),
		"won": int(addressed["bought"].sum()),
		"invoiced": 0,
		"amount": 0.0,
	}
	status = queries.status(campaign)
	assert status["declined"] == int((addressed["reached"] & ~addressed["bought"]).sum())
	assert status["calls_done"] == int(addressed["reached"].sum())
	assert status["calls_open"] == int((~addressed["reached"]).sum())
	(step,) = funnel.by_step(campaign)
	assert step["won"] == int(addressed["bought"].sum())
	assert step["states"]["Done"] == int(addressed["reached"].sum())
	tries = sum(row.attempts for row in mailing.rows(campaign))
	assert tries == int(addressed["tries"].sum())
