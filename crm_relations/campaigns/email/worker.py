"""Send the due emails of one campaign as one worker, chunk by chunk and message by message, until nothing
is due. Writes no record itself; `sends.store` does.

A message leaves exactly once because of these steps:

1. The worker claims a chunk of due rows: `worker` names the process; the rows stay Pending. Committed.
2. Members that must not get the message are left out. The messages of the chunk are composed, and what they
   rest on (token, links, legal basis, Communication) is stored. Committed.
3. The row of one message becomes Sending, if the worker still holds it and the campaign runs. This is
   committed, and only then the message leaves.
4. The server's answer (Sent, Failed, Pending again) is committed together with step 3 of the next message.

So at most one row of each worker is Sending at any time. If its process dies, that row may have been sent
and the others have not. If only the database is lost, the worker still knows what became of its messages.
It waits for the database, writes the outcomes, and continues.
"""

import random
import re
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial

import frappe
from frappe import _
from frappe.model.document import Document
from frappe.utils import add_to_date, cint, now_datetime

from crm_relations.campaigns import rules, working_hours
from crm_relations.campaigns.classification import bounce_rules
from crm_relations.campaigns.consents import deliverability
from crm_relations.campaigns.content import composer
from crm_relations.campaigns.content.composer import ComposedEmail
from crm_relations.campaigns.eligibility import check
from crm_relations.campaigns.sends import store
from crm_relations.campaigns.states import CampaignStatus, SendState
from crm_relations.campaigns.transport import account_pauses, accounts, smtp
from crm_relations.campaigns.transport.throttle import Throttle, seconds_to_next_minute

PROGRESS_SECONDS = 1.0
#: seconds to wait for a database that is lost, one after the other
RECONNECT_SECONDS = (0.1, 0.5, 2, 5, 10, 20, 30, 60)
#: attempts to claim rows that others have locked
LOCK_TRIES = 40
#: recipients in a row that are deferred with the same words: the reason is not the recipient
SAME_REFUSALS = 5
#: MariaDB: connection lost or killed, server shut down, deadlock, lock time-out
_PASSING_ERRORS = frozenset({0, 1053, 1205, 1213, 1927, 2002, 2003, 2006, 2013, 2055, 4031})


class Stop(Exception):
	"""Sending ends here, in good order; the text says why."""


@dataclass
class Worker:
	"""A worker that sends the emails of one campaign.

	:param until: `time.monotonic()` at which to stop; what is left stays for the next worker.
	"""

	campaign: Document
	account: Document
	name: str
	counts: dict[str, int]
	total: int
	on_progress: Callable[[int, int], None] | None = None
	until: float | None = None
	#: outcomes of messages that are not committed yet
	outcomes: list[Callable[[], None]] = field(default_factory=list)
	last_progress: float = field(default_factory=time.monotonic)
	lock_misses: int = 0
	#: message and answer of consecutive temporary refusals with the same words
	refusals: list[tuple[str, str]] = field(default_factory=list)

	def __post_init__(self) -> None:
		self.composer = composer.Composer(self.campaign, self.account)
		self.line = accounts.SmtpConnection(self.account)
		self.throttle = Throttle.of(self.account.name)
		self.size = cint(frappe.get_cached_doc("Relation Settings").batch_size) or 100

	@property
	def done(self) -> int:
		return sum(self.counts[key] for key in ("sent", "failed", "suppressed", "uncertain", "retry"))

	def run(self) -> str:
		"""Send until nothing is due; returns why it stopped early, or an empty string."""
		stopped = ""
		try:
			while self._next_chunk():
				pass
		except Stop as e:
			stopped = str(e)
		finally:
			self.line.close()
			self._write(partial(store.free, self.name))
		self._show_progress(force=True)
		return stopped

	# --- a chunk ------------------------------------------------------------------------------------------

	def _next_chunk(self) -> bool:
		"""Claim a chunk and send it. False: nothing more is due."""
		self._check_state()
		allowed = self.throttle.allowance(self.size)
		if not allowed:
			return self._wait_for_the_next_minute()
		full = self.throttle.full_domains()
		names = self._write(partial(store.claim, self.campaign.name, self.name, allowed, full))
		self.throttle.give_back(allowed - len(names))
		if names:
			self.lock_misses = 0
			self._send_chunk(names)
			return True
		if not store.count_claimable(self.campaign.name):
			return False
		return self._wait_for_the_next_minute() if full else self._wait_for_the_lock()

	def _wait_for_the_lock(self) -> bool:
		"""Wait for rows that are due and that no worker holds, but that could not be claimed. The claim of
		another worker, even for another campaign, has them locked for this moment, as the database decides.
		"""
		self.lock_misses += 1
		time.sleep(min(0.02 * self.lock_misses, 1))
		return self.lock_misses < LOCK_TRIES

	def _send_chunk(self, names: list[str]) -> None:
		emails, closed = self._write(partial(self._prepare, names))
		for state, number in closed.items():
			self.counts[state.lower()] += number
		left_out = []
		for email in emails:
			self._check_time()
			if not self._write(partial(self._begin, email)):
				self._check_state()
				left_out.append(email.communication)  # withdrawn or taken over since the chunk was read
				continue
			self._finish(email, self.line.hand_over(email.recipient, email.message))
			self._show_progress()
		self._write(partial(store.delete_communications, left_out))

	def _prepare(self, names: list[str]) -> tuple[list[ComposedEmail], Counter[str]]:
		"""Leave out members that must not get the message, compose the messages of the others, and store
		what they rest on.

		Returns the messages, and the number of rows that ended here, by their state.
		"""
		closed: Counter[str] = Counter()
		rows = composer.rows(names)
		verdict = check.evaluate(self.campaign, rows, self.name)
		for name, reason in verdict.refused.items():
			store.leave_out(name, self.name, reason)
			closed[SendState.SUPPRESSED] += 1
		rows = [row for row in rows if row.name not in verdict.refused]
		later = add_to_date(now_datetime(), minutes=5 + random.random() * 5)
		store.put_back(verdict.later, self.name, retry_at=later)
		rows = [row for row in rows if row.name not in verdict.later]
		too_many = self.throttle.share([row.recipient for row in rows])
		store.put_back([rows[i].name for i in too_many], self.name)
		emails, refused = self.composer.compose([row for i, row in enumerate(rows) if i not in too_many])
		for name, outcome in refused.items():
			if outcome.suppressed:
				store.leave_out(name, self.name, outcome.reason, outcome.consent or None)
			else:
				store.mark_failed(name, self.name, outcome.reason)
			closed[SendState.SUPPRESSED if outcome.suppressed else SendState.FAILED] += 1
		store.prepare({email.send: email.stored() for email in emails})
		composer.file_communications(emails, self.account)
		return emails, closed

	# --- a message ----------------------------------------------------------------------------------------

	def _begin(self, email: ComposedEmail, again: bool = False) -> bool:
		return store.begin(email.send, self.name, self.campaign.name, again)

	def _finish(self, email: ComposedEmail, outcome: smtp.Outcome) -> None:
		"""Note the outcome of the message; it is committed with the next one."""
		if outcome.result == "accepted":
			self.refusals = []
			self._note("sent", store.mark_sent, email.send, self.name, str(now_datetime()), outcome.identity)
		elif outcome.result == "lost":
			self._close("uncertain", store.mark_uncertain, email, "Sending", outcome.reason)
		elif cause := self._account_refused(email, outcome):
			self._pause_account(email, outcome, cause)
		elif outcome.result == "permanent":
			self._close("failed", store.mark_failed, email, "Error", outcome.reason)
			if self._cause(outcome) == "address":
				code = bounce_rules.code_in(outcome.reason)
				self._note(
					"",
					deliverability.note_bounce,
					email.recipient,
					permanent=True,
					code=code,
					reason=outcome.reason,
				)
		elif outcome.result == "unreachable":
			self._note("", store.put_back, [email.send], self.name, reason=outcome.reason)
			raise Stop(_("The mail server cannot be reached: {0}").format(outcome.reason))
		else:
			self._put_off(email, outcome.reason)

	@staticmethod
	def _cause(outcome: smtp.Outcome) -> bounce_rules.Cause:
		code = bounce_rules.code_in(outcome.reason)
		return bounce_rules.cause_of(code, outcome.reason, refused=outcome.result == "permanent")

	def _account_refused(self, email: ComposedEmail, outcome: smtp.Outcome) -> str:
		"""Return `Quota` or `Refused` if the server refuses the account and not this message; else an empty
		string.

		A refusal of MAIL names no recipient yet. For later refusals the words decide. The account is also
		refused if several recipients in a row get exactly the same answer, as the recipient is then not the
		reason.
		"""
		if outcome.result not in ("temporary", "permanent"):
			return ""
		cause = self._cause(outcome)
		if cause in ("quota", "sender"):
			return "Quota" if cause == "quota" or outcome.result == "temporary" else "Refused"
		if outcome.at == "MAIL":
			return "Quota" if outcome.result == "temporary" else "Refused"
		if outcome.result == "temporary":
			same = self.refusals and self.refusals[-1][1] == _without_addresses(outcome.reason)
			self.refusals = [
				*(self.refusals if same else []),
				(email.send, _without_addresses(outcome.reason)),
			]
			if len(self.refusals) >= SAME_REFUSALS:
				return "Quota"
		return ""

	def _pause_account(self, email: ComposedEmail, outcome: smtp.Outcome, cause: str) -> None:
		"""Pause the account. The message and all that follow stay pending, and none of them counts an
		attempt.
		"""
		until = self._write(partial(account_pauses.pause, self.account.name, cause, outcome.reason))
		self._note("", store.put_back, [email.send], self.name, reason=outcome.reason, retry_at=until)
		raise Stop(account_pauses.reason_for(self.account.name))

	def _put_off(self, email: ComposedEmail, reason: str) -> None:
		"""Defer a message that the server has refused for now, or give up after rules.MAX_ATTEMPTS refusals."""
		attempts = email.attempts + 1
		wait = rules.retry_minutes(attempts)
		if wait is None:
			self._close("failed", store.mark_failed, email, "Error", reason, attempts=attempts)
			return
		later = add_to_date(now_datetime(), minutes=wait)
		self._note(
			"retry",
			store.put_back,
			[email.send],
			self.name,
			attempts=attempts,
			reason=reason,
			retry_at=later,
		)

	def _close(
		self,
		counted: str,
		transition: Callable[..., int],
		email: ComposedEmail,
		delivery_status: str,
		reason: str,
		**values: int,
	) -> None:
		self._note("", store.mark_communications, [email.communication], delivery_status)
		self._note(counted, transition, email.send, self.name, reason, **values)

	def _note(self, counted: str, function: Callable, *args, **kwargs) -> None:
		if counted:
			self.counts[counted] += 1
		self.outcomes.append(partial(function, *args, **kwargs))

	# --- the database -------------------------------------------------------------------------------------

	def _write(self, function: Callable):
		"""Write the known outcomes, and what `function` does, in one transaction. Commits.

		If the database is lost meanwhile, the work is repeated as soon as it is back: all of it can be
		repeated.
		"""
		waits = iter(RECONNECT_SECONDS)
		again: dict[str, bool] = {}
		while True:
			try:
				for outcome in self.outcomes:
					outcome()
				result = function(**again)
				frappe.db.commit()
			except Exception as e:
				wait = next(waits, None)
				if wait is None or not _passes(e):
					raise
				time.sleep(wait)
				_reconnect()
				again = {"again": True} if function.func == self._begin else {}
			else:
				self.outcomes.clear()
				return result

	# --- when to stop -------------------------------------------------------------------------------------

	def _check_state(self) -> None:
		status = self._write(partial(frappe.db.get_value, "Relation Campaign", self.campaign.name, "status"))
		if status != CampaignStatus.RUNNING:
			raise Stop(_("The campaign is {0}").format(_(status)) if status else _("The campaign is gone"))
		if reason := working_hours.closed(self.campaign) or account_pauses.reason_for(self.account.name):
			raise Stop(reason)
		self._check_time()

	def _check_time(self) -> None:
		if self.until and time.monotonic() > self.until:
			raise Stop("")

	def _wait_for_the_next_minute(self) -> bool:
		end = time.monotonic() + seconds_to_next_minute() + 0.05
		while (left := end - time.monotonic()) > 0:
			time.sleep(min(left, 1))
			self._check_state()
		return True

	def _show_progress(self, force: bool = False) -> None:
		if self.on_progress and (force or time.monotonic() - self.last_progress >= PROGRESS_SECONDS):
			self.last_progress = time.monotonic()
			self.on_progress(self.done, self.total)


def _without_addresses(answer: str) -> str:
	"""Return an answer of a server without the parts that differ from message to message: addresses, queue
	numbers.
	"""
	return re.sub(r"\S*[@\d]\S*", "", answer).strip()


def _passes(error: Exception) -> bool:
	"""Tell whether an error of the database is temporary: lost connection, shutdown, deadlock."""
	if isinstance(error, frappe.QueryDeadlockError | frappe.QueryTimeoutError):
		return True
	if frappe.db.is_interface_error(error):
		return True
	return (
		isinstance(error, frappe.db.OperationalError)
		and bool(error.args)
		and error.args[0] in _PASSING_ERRORS
	)


def _reconnect() -> None:
	"""Open a new connection, or at least begin a new transaction."""
	try:
		frappe.db.rollback()
		frappe.db.sql("SELECT 1")
	except Exception as e:
		if not _passes(e):
			raise
		try:
			frappe.db.close()
			frappe.db.connect()
		except Exception as again:
			if not _passes(again):
				raise
