"""Set up a mailing: relations with consent, a segment, a campaign, and an account that sends to a sink.

Sending commits; `Mailing.remove` deletes everything straight from the tables.
"""

import asyncio
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import frappe
from frappe.model.document import Document

from crm_relations.campaigns import queries, rules
from crm_relations.campaigns.consents import decisions
from crm_relations.campaigns.email import dispatch
from crm_relations.campaigns.email.worker import Worker
from crm_relations.campaigns.planning import enrollment
from crm_relations.segments.members import membership
from crm_relations.shared.contact_keys import mailbox_key
from crm_relations.tests.support import factories
from crm_relations.tests.support.machine.servers import Sink

MESSAGE = (
	"<p>Guten Tag {{ salutation }} {{ last_name }},</p>"
	'<p>unser <a href="https://shop.example/herbst?id=1&amp;x=2">Angebot</a> und der '
	'<a href="https://shop.example/katalog">Katalog</a> warten.</p>'
)


class ScriptedSink(Sink):
	"""A sink that can refuse: `replies` maps an address to the replies it gets, one after the other."""

	def __init__(self, delay: float = 0.0) -> None:
		super().__init__(delay)
		self.at_rcpt: dict[str, list[str]] = {}
		self.at_data: dict[str, list[str]] = {}
		self.on_rcpt: Callable[[str], None] | None = None
		self.on_accepted: Callable[[str], None] | None = None
		self.hang_up_after_data: set[str] = set()
		#: addresses for which the connection breaks before the text is sent, and how often
		self.hang_ups_at_rcpt: Counter[str] = Counter()
		#: addresses of messages after which the server closes the connection in good order
		self.close_after: set[str] = set()
		self.sessions = 0
		#: the command that is refused, the number of messages accepted before, and the reply after them
		self.quota: tuple[str, int, str] | None = None

	def _over_quota(self, command: str) -> str:
		at, number, answer = self.quota or ("", 0, "")
		return answer if at == command and len(self.messages) >= number else ""

	async def handle_MAIL(self, server, session, envelope, address, mail_options):
		if answer := self._over_quota("MAIL"):
			return answer
		envelope.mail_from = address
		return "250 OK"

	async def handle_EHLO(self, server, session, envelope, hostname, responses):
		self.sessions += 1
		session.host_name = hostname
		return responses

	async def handle_RCPT(self, server, session, envelope, address, rcpt_options):
		if self.on_rcpt:
			self.on_rcpt(address)
		if answer := self._over_quota("RCPT"):
			return answer
		if self.hang_ups_at_rcpt[address] > 0:
			self.hang_ups_at_rcpt[address] -= 1
			server.transport.abort()
		if self.at_rcpt.get(address):
			return self.at_rcpt[address].pop(0)
		envelope.rcpt_tos.append(address)
		return "250 OK"

	async def handle_DATA(self, server, session, envelope):
		address = envelope.rcpt_tos[0]
		if answer := self._over_quota("DATA"):
			return answer
		if self.at_data.get(address):
			answer = self.at_data[address].pop(0)
			if not answer.startswith("2"):
				return answer
			await super().handle_DATA(server, session, envelope)
			return answer
		answer = await super().handle_DATA(server, session, envelope)
		if self.on_accepted:
			self.on_accepted(address)
		if address in self.hang_up_after_data:
			server.transport.abort()
			await asyncio.sleep(0)
		if address in self.close_after:
			# in the next turn of the event loop: the reply is sent by then, and nothing of the next message
			# has arrived
			asyncio.get_running_loop().call_soon(server.transport.close)
		return answer


@contextmanager
def scripted_sink(delay: float = 0.0) -> Iterator[ScriptedSink]:
	from aiosmtpd.controller import Controller

	sink = ScriptedSink(delay)
	controller = Controller(sink, hostname="127.0.0.1", port=sink.port)
	controller.start()
	try:
		yield sink
	finally:
		controller.stop()


def time_is_over_after(number: int, sink: ScriptedSink, monkeypatch) -> None:
	"""End the time of a worker of this process after this number of messages, however busy the machine is.

	It counts once. The next worker has its full time.
	"""
	made: list[Worker] = []
	make = Worker.__post_init__
	monkeypatch.setattr(Worker, "__post_init__", lambda self: made.append(self) or make(self))

	def accepted(_address: str) -> None:
		if len(sink.recipients()) == number:
			made[-1].until = 0.001

	sink.on_accepted = accepted


class Mailing:
	"""A mailing; its addresses are `p0@…`, `p1@…` of its own domain."""

	def __init__(self) -> None:
		self.domain = f"{frappe.generate_hash(length=8)}.example"
		self.relations: list[str] = []
		self.segment = factories.segment(kind="Manual").name
		self.account: str | None = None
		self.campaigns: list[str] = []

	def address(self, number: int) -> str:
		return f"p{number}@{self.domain}"

	def open_account(self, port: int) -> str:
		doc = factories.insert(
			"Email Account",
			email_account_name=factories.unique("Kampagnen"),
			email_id=f"marketing@{self.domain}",
			enable_outgoing=1,
			smtp_server="127.0.0.1",
			smtp_port=port,
			no_smtp_authentication=1,
		)
		self.account = doc.name
		return doc.name

	def person(self, email: str = "", given: bool = True, **values) -> str:
		number = len(self.relations)
		email = email or self.address(number)
		values = {"kind": "Person", "first_name": "Anna", "last_name": f"Muster{number}", **values}
		doc = factories.relation(f"Anna Muster{number}", email_id=email, **values)
		self.relations.append(doc.name)
		if given and email:
			decisions.record(doc.name, email, "Email", "Given", source="Formular", legal_basis=rules.CONSENT)
		return doc.name

	def people(self, number: int) -> list[str]:
		return [self.person() for _i in range(number)]

	def crowd(self, number: int) -> None:
		"""Insert the same as `people` straight into the tables, for thousands."""
		stamp = frappe.utils.now()
		audit = {
			"creation": stamp,
			"modified": stamp,
			"owner": "Administrator",
			"modified_by": "Administrator",
		}
		relations, consents = [], []
		for i in range(len(self.relations), len(self.relations) + number):
			name = f"{self.domain}-{i:06}"
			self.relations.append(name)
			names = {"relation_name": f"Anna Muster{i}", "first_name": "Anna", "last_name": f"Muster{i}"}
			more = {"relation_kind": "Person", "email_id": self.address(i), "disabled": 0, "language": "de"}
			relations.append({"name": name, **audit, **names, **more})
			address = {
				"address": self.address(i),
				"address_key": self.address(i),
				"mailbox_key": mailbox_key(self.address(i)),
			}
			given = {"channel": "Email", "purpose": "Marketing", "event": "Given", "given_at": stamp}
			basis = {"legal_basis": rules.CONSENT, "source": "Formular"}
			consents.append({"name": name, **audit, "relation": name, **address, **given, **basis})
		for doctype, rows in (("Relation", relations), ("Relation Consent", consents)):
			frappe.db.bulk_insert(doctype, list(rows[0]), [tuple(row.values()) for row in rows])

	def campaign(self, steps: list[dict] | None = None, **values) -> Document:
		membership.add_members(self.segment, self.relations)
		doc = factories.campaign(
			segment=self.segment, email_account=self.account, steps=steps or [email_step()], **values
		)
		self.campaigns.append(doc.name)
		return doc

	def started(self, **values) -> str:
		name = self.campaign(**values).name
		enrollment.start(name)
		frappe.db.commit()
		return name

	def send(self, campaign: str) -> dict:
		"""Send what is due, after the pause of a temporary refusal."""
		frappe.db.set_value("Relation Campaign Send", {"campaign": campaign}, "retry_at", None)
		return dispatch.send(campaign)

	def rows(self, campaign: str, **filters) -> list[frappe._dict]:
		return frappe.get_all(
			"Relation Campaign Send",
			filters={"campaign": campaign, **filters},
			fields=["*"],
			order_by="recipient asc",
		)

	def states(self, campaign: str) -> dict[str, str]:
		return {row.recipient: row.state for row in self.rows(campaign)}

	def balanced(self, campaign: str) -> bool:
		"""Return whether every member is accounted for exactly once."""
		status = queries.status(campaign)
		return status["members"] == sum(status[key] for key in ("sent", "failed", "uncertain", "suppressed"))

	def remove(self) -> None:
		frappe.db.rollback()
		if self.relations:
			names = frappe.get_all(
				"Communication",
				filters={"reference_name": ["in", self.relations]},
				pluck="name",
				order_by="name asc",
			)
			if names:
				frappe.db.delete("Communication Link", {"parent": ["in", names]})
				frappe.db.delete("Communication", {"name": ["in", names]})
			for doctype in ("Relation Consent", "Relation Handover"):
				frappe.db.delete(doctype, {"relation": ["in", self.relations]})
			for table in frappe.get_meta("Relation").get_table_fields():
				frappe.db.delete(table.options, {"parent": ["in", self.relations]})
			frappe.db.delete("Relation", {"name": ["in", self.relations]})
		for name in self.campaigns:
			for suffix in ("Member", "Send", "Response"):
				frappe.db.delete(f"Relation Campaign {suffix}", {"campaign": name})
			frappe.db.delete("Relation Campaign Step", {"parent": name})
			frappe.db.delete("Comment", {"reference_doctype": "Relation Campaign", "reference_name": name})
			frappe.db.delete("Relation Campaign", {"name": name})
		frappe.db.delete("Relation Segment Member", {"segment": self.segment})
		frappe.db.delete("Relation Segment", {"name": self.segment})
		for doctype, field in (
			("Relation Mail Address", "address_key"),
			("Relation Mail Review", "recipient"),
		):
			frappe.db.delete(doctype, {field: ["like", f"%@{self.domain}"]})
		if self.account:
			frappe.db.delete("Relation Account Pause", {"account": self.account})
			frappe.db.delete("Email Account", {"name": self.account})
		frappe.db.commit()


def email_step(**values) -> dict:
	return {
		"step_type": "Email",
		"title": "Einladung",
		"subject": "Für {{ first_name }}",
		"message": MESSAGE,
		**values,
	}


def call_step(**values) -> dict:
	return {"step_type": "Call", "title": "Anruf", "call_script": "<p>Hallo {{ name }}</p>", **values}
