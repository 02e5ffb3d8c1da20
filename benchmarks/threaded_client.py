"""Send requests to the site's WSGI application, in a thread without the benchmark's own session."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import frappe
from werkzeug.test import Client, TestResponse


class ThreadedClient:
	"""A client that posts to Frappe's application.

	Frappe keeps its state by thread, so that the caller's connection stays unchanged.
	"""

	def __init__(self):
		self.pool = ThreadPoolExecutor(1)

	@classmethod
	def logged_in(cls, site: str) -> "tuple[ThreadedClient, dict[str, str]]":
		"""Return a client, and the headers of a request of Administrator by key."""
		from frappe.core.doctype.user.user import generate_keys

		secret = generate_keys("Administrator")["api_secret"]
		key = frappe.db.get_value("User", "Administrator", "api_key")
		frappe.db.commit()
		return cls(), {"Authorization": f"token {key}:{secret}", "Host": site, "X-Frappe-Site-Name": site}

	def post(self, path: str, **options: Any) -> TestResponse:
		return self.pool.submit(self._post, path, options).result()

	@staticmethod
	def _post(path: str, options: dict[str, Any]) -> TestResponse:
		import frappe.app

		return Client(frappe.app.application).post(path, **options)
